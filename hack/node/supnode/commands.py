"""Running other programs: their output goes to a log, their failure becomes a Failure."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from supnode.failure import Failure

# Non-login shells and cron leave the sbin folders out, where ip and iptables live.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def build_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment with the sbin folders on the path."""
    env = dict(os.environ)
    env["PATH"] = f"{env.get('PATH', '/usr/bin:/bin')}:{SBIN}"
    env.update(extra or {})
    return env


def run_logged(
    argv: Sequence[str],
    *,
    log: Path,
    cure: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a program with its output appended to a log; a non-zero exit is a Failure."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as handle:
        handle.write(f"$ {' '.join(argv)}\n".encode())
        handle.flush()
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                env=build_environment(env),
                cwd=cwd,
                check=False,
            )
        except FileNotFoundError as error:
            raise Failure(f"{argv[0]} is not installed", cure=cure, log=log) from error
    if done.returncode != 0:
        raise Failure(f"{Path(argv[0]).name} exited with {done.returncode}", cure=cure, log=log)


def run_captured(
    argv: Sequence[str], *, stdin: str = "", cure: str = "", cwd: Path | None = None
) -> str:
    """Run a program and return its standard output; a non-zero exit is a Failure."""
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            env=build_environment(),
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError as error:
        raise Failure(f"{argv[0]} is not installed", cure=cure) from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        last = said[-1] if said else f"exit {done.returncode}"
        raise Failure(f"{' '.join(argv[:6])}: {last}", cure=cure)
    return done.stdout


def probe_succeeds(argv: Sequence[str], *, seconds: float = 20) -> bool:
    """Return whether a program exits with 0."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=build_environment(),
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
