"""`make dev` brings the four services up without a cluster, and leaves nothing behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes.binaries import ROOT

pytestmark = pytest.mark.services


def gather_commands() -> list[str]:
    """Return the command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
    return found


def test_the_four_services_become_ready_and_everything_ends() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "hack" / "dev", "--check"],
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
        env={key: value for key, value in os.environ.items() if not key.startswith("SUP_TEST_")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "api, websocket, media and worker are ready" in done.stdout
    folder = re.search(r"data, logs +(\S+)", done.stdout)
    assert folder is not None
    assert not Path(folder.group(1)).exists()
    assert [command for command in gather_commands() if folder.group(1) in command] == []
