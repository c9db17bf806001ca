"""Installs Debian's servers without starting them, and fetches PostgreSQL 16 and Kafka."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

PACKAGES = (
    "redis-server",
    "rabbitmq-server",
    "nginx",
    "coturn",
    "ffmpeg",
    "openjdk-17-jre-headless",
    "maven",
)
_APT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
_POLICY = Path("/usr/sbin/policy-rc.d")


def compute_cache_root() -> Path:
    """Return where things are kept that outlive a checkout."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("SUP_CACHE") or Path(home) / "sup-messenger")


def compute_unpacked_root() -> Path:
    """Return where Debian's packages are unpacked when they can not be installed."""
    return compute_cache_root() / "debian"


def gather_missing() -> list[str]:
    """Return the packages whose programs neither the machine nor the cache has."""
    programs = {
        "redis-server": "usr/bin/redis-server",
        "rabbitmq-server": "usr/lib/rabbitmq/bin/rabbitmq-server",
        "nginx": "usr/sbin/nginx",
        "ffmpeg": "usr/bin/ffmpeg",
        "coturn": "usr/bin/turnserver",
        "openjdk-17-jre-headless": "usr/lib/jvm/java-17-openjdk-amd64/bin/java",
        "maven": "usr/share/maven/bin/mvn",
    }
    roots = (Path("/"), compute_unpacked_root())
    return [
        package
        for package in PACKAGES
        if not any((root / programs[package]).exists() for root in roots)
    ]


def run_apt(*arguments: str, cwd: Path | None = None) -> str:
    """Run an apt program to its end and return what it printed."""
    done = subprocess.run(
        arguments, check=True, text=True, stdout=subprocess.PIPE, env=os.environ | _APT, cwd=cwd
    )
    return done.stdout


@contextmanager
def services_kept_down() -> Iterator[None]:
    """Keep package scripts from starting services, unless the machine already does so."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def install_packages(packages: list[str]) -> None:
    """Install packages as root; their services stay down."""
    if not run_apt("apt-cache", "search", "--names-only", "^rabbitmq-server$"):
        run_apt("apt-get", "update", "-qq")
    with services_kept_down():
        run_apt(
            *("apt-get", "install", "-qq", "-y", "--no-install-recommends"),
            *("-o", "DPkg::Lock::Timeout=300", *packages),
        )


def parse_simulated(output: str) -> list[str]:
    """Return the packages that a simulated installation would add."""
    return re.findall(r"^Inst (\S+) ", output, re.MULTILINE)


def unpack_packages(packages: list[str]) -> None:
    """Unpack packages, and those they need, below the cache."""
    root = compute_unpacked_root()
    downloads = root / "archives"
    downloads.mkdir(parents=True, exist_ok=True)
    simulated = run_apt("apt-get", "install", "-s", "-q", "--no-install-recommends", *packages)
    run_apt("apt-get", "download", "-q", *parse_simulated(simulated), cwd=downloads)
    for archive in sorted(downloads.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", archive, root], check=True)
    shutil.rmtree(downloads)
    # Erlang's launcher names the folder it was built for.
    launcher = root / "usr/lib/erlang/bin/erl"
    if launcher.exists():
        text = launcher.read_text()
        launcher.write_text(text.replace("=/usr/lib/erlang\n", f"={root}/usr/lib/erlang\n"))
    relink(root)


def relink(root: Path) -> None:
    """Make links into the machine's own folders lead to what was unpacked beside them.

    Java and Maven keep their settings in /etc and link there by absolute paths.
    """
    for link in root.rglob("*"):
        if link.is_symlink() and (target := os.readlink(link)).startswith("/"):
            ours = root / target[1:]
            if ours.exists():
                link.unlink()
                link.symlink_to(ours)


def provide_debian() -> None:
    """Install or unpack what is missing of Debian's packages."""
    missing = gather_missing()
    if not missing:
        return
    if os.geteuid() == 0:
        install_packages(missing)
    else:
        unpack_packages(missing)


def provide_tree(root: Path, name: str) -> None:
    """Fetch what Debian 12 does not have."""
    unpacked = compute_unpacked_root() / "usr"
    env = dict(os.environ)
    if (unpacked / "share/maven").exists():
        env["PATH"] += f":{unpacked}/share/maven/bin"
    if (java := unpacked / "lib/jvm/java-17-openjdk-amd64").exists():
        env["JAVA_HOME"] = str(java)
    command = [sys.executable, str(root / "hack" / "images"), "fetch", name]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)


def main(root: Path) -> int:
    """Provide everything, with a line for each step; 1 when something is not to be had."""
    steps: dict[str, Callable[[], None]] = {
        "Redis, RabbitMQ, nginx, Coturn, ffmpeg and Java (Debian)": provide_debian,
        "PostgreSQL 16": partial(provide_tree, root, "postgres"),
        "Kafka": partial(provide_tree, root, "kafka"),
    }
    for name, provide in steps.items():
        begun = time.monotonic()
        try:
            provide()
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        print(f"{name}: ready ({time.monotonic() - begun:.1f} s)", flush=True)
    return 0
