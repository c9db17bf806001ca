"""The process: exit codes, one line instead of a traceback, help with examples."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-c", "from supmessenger_cli.main import run; run()"]
REFUSING = """#!/bin/sh
echo "error: the server could not be reached" >&2
exit 1
"""
NONSENSE = """#!/bin/sh
echo "this is no JSON"
"""


def run(*arguments: str, folder: Path, kubectl: str = "") -> subprocess.CompletedProcess[str]:
    if kubectl:
        (folder / "kubectl").write_text(kubectl)
        (folder / "kubectl").chmod(0o755)
    environment = {"PATH": f"{folder}:/bin" if kubectl else str(folder), "HOME": str(folder)}
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("arguments", "kubectl", "code", "said"),
    [
        (("status", "demo", "-n", "chat"), "", 1, "kubectl is not installed"),
        (("status", "demo", "-n", "chat"), REFUSING, 1, "the server could not be reached"),
        (("status", "demo", "-n", "chat"), NONSENSE, 1, "SUP_DEBUG=1"),
        (("doctor", "demo", "-n", "chat"), REFUSING, 1, "the server could not be reached"),
        (("deploy",), "", 2, "-f FILE"),
        (("build",), "", 2, "no checkout here"),
        (("migrate", "create", "x"), "", 2, "no checkout here"),
        (("setup", "--domain", "BAD", "-n", "chat"), "", 2, "is no domain"),
        (("open", "nothing", "demo", "-n", "chat"), "", 2, "grafana, prometheus"),
        (("backup", "verify", "demo", "../x", "-n", "chat"), "", 2, "is a path"),
        (("status", "--no-such"), "", 2, "No such option"),
    ],
)
def test_a_failure_is_a_line_and_a_code(
    arguments: tuple[str, ...], kubectl: str, code: int, said: str, tmp_path: Path
) -> None:
    ended = run(*arguments, folder=tmp_path, kubectl=kubectl)

    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_resource_is_printed_alone(tmp_path: Path) -> None:
    ended = run("setup", "--domain", "chat.example.org", "-n", "chat", folder=tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("# kubectl apply")
    assert "domain: chat.example.org" in ended.stdout


def test_help_names_examples(tmp_path: Path) -> None:
    ended = run("logs", "--help", folder=tmp_path)

    assert ended.returncode == 0
    assert "kubectl sup logs demo api -f -n chat" in ended.stdout
