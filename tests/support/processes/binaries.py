"""Finds the programs of the servers, and says how to get those that are missing."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from support.processes.servers import Account, locked

ROOT = Path(__file__).resolve().parents[3]
POSTGRES = "postgres-16.14"
KAFKA = "kafka-3.9.2"
JAVA = "usr/lib/jvm/java-17-openjdk-amd64/bin/java"
_STAMP = ".complete"


def compute_cache_root() -> Path:
    """Return the folder of downloads and builds that outlive a checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("SUP_CACHE") or Path(base) / "sup-messenger")


def probe_account() -> Account | None:
    """Return whom PostgreSQL runs as, which refuses root: nobody; None when we are not root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def find_postgres() -> Path | None:
    """Return the bin folder of PostgreSQL 16, or None."""
    tree = compute_cache_root() / POSTGRES
    if not (tree / _STAMP).is_file():
        return None
    if probe_account() is None or _is_open_to_all(tree):
        return tree / "bin"
    return _copy_for_all(tree) / "bin"


def _is_open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _copy_for_all(tree: Path) -> Path:
    """Copy a tree out of root's home, which the server's account may not enter."""
    parent = Path("/var/cache/sup-messenger")
    parent.mkdir(mode=0o755, exist_ok=True)
    copy = parent / tree.name
    with locked(parent / f".{tree.name}.lock"):
        stamp = copy / _STAMP
        if not stamp.is_file() or stamp.read_bytes() != (tree / _STAMP).read_bytes():
            shutil.rmtree(copy, ignore_errors=True)
            draft = parent / f".{tree.name}.draft"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(tree, draft, symlinks=True)
            draft.rename(copy)
    return copy


def find_redis() -> Path | None:
    """Return redis-server, or None."""
    return _find_debian("usr/bin/redis-server")


def find_rabbitmq() -> Path | None:
    """Return the script that runs RabbitMQ as whoever calls it, or None."""
    return _find_debian("usr/lib/rabbitmq/bin/rabbitmq-server")


def find_nginx() -> Path | None:
    """Return nginx, or None."""
    return _find_debian("usr/sbin/nginx")


def find_turnserver() -> Path | None:
    """Return Coturn's server, or None."""
    return _find_debian("usr/bin/turnserver")


def find_ffmpeg() -> Path | None:
    """Return ffmpeg as the worker finds it, on the PATH, or None; ffprobe comes along."""
    found = shutil.which("ffmpeg")
    return Path(found) if found else None


def find_livekit() -> Path | None:
    """Return LiveKit's server as hack/node built it, or None."""
    return find_built("livekit-server")


def find_java() -> Path | None:
    """Return Java 17, or None."""
    return _find_debian(JAVA)


def find_kafka() -> Path | None:
    """Return the tree of Kafka's jars, or None."""
    tree = compute_cache_root() / KAFKA
    return tree if (tree / _STAMP).is_file() else None


def find_epmd() -> Path | None:
    """Return Erlang's port mapper, or None."""
    return _find_debian("usr/bin/epmd") or _find_debian("usr/lib/erlang/bin/epmd")


def _find_debian(path: str) -> Path | None:
    for root in (Path("/"), compute_cache_root() / "debian"):
        if (root / path).exists():
            return root / path
    return None


def build_debian_env() -> dict[str, str]:
    """Return the environment in which Debian packages unpacked below the cache work."""
    root = compute_cache_root() / "debian"
    if not root.exists():
        return {}
    library = root / "usr/lib"
    return {
        "PATH": f"{root}/usr/bin:{library}/erlang/bin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": f"{library}/x86_64-linux-gnu",
    }


def find_minio() -> Path | None:
    """Return the object store's program, or None."""
    return find_built("minio")


def find_built(name: str) -> Path | None:
    """Return a program that `hack/node` built, or None."""
    folder = gather_built_folder()
    if folder is not None and (folder / name).exists():
        return folder / name
    return None


@cache
def gather_built_folder() -> Path | None:
    """Return the folder of the programs that `hack/node` builds, or None when it has none.

    `SUP_BIN_DIR` names a folder of programs that were built elsewhere.
    """
    if os.environ.get("SUP_BIN_DIR"):
        return Path(os.environ["SUP_BIN_DIR"])
    asked = subprocess.run(
        [sys.executable, str(ROOT / "hack" / "node"), "bin-dir"],
        check=False,
        capture_output=True,
        text=True,
    )
    return Path(asked.stdout.strip()) if asked.returncode == 0 and asked.stdout.strip() else None
