"""`kubectl sup logs -f`, with a program of the test as kubectl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = [sys.executable, "-c", "from supmessenger_cli.main import run; run()"]
KUBECTL = """#!/bin/sh
case "$1 $2" in
  "get supmessengers.supmessenger.io") cat {folder}/resource ;;
  "get pods") cat {folder}/pods ;;
  "logs -f") cat {folder}/log ;;
esac
"""
LONG = "x" * 300_000


def follow(folder: Path, log: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the verb until kubectl ends."""
    meta = {"name": "demo", "namespace": "chat", "generation": 1}
    pod = {"metadata": {"name": "demo-api-0", "labels": {"app.kubernetes.io/component": "api"}}}
    (folder / "resource").write_text(json.dumps({"metadata": meta, "spec": {}}))
    (folder / "pods").write_text(json.dumps({"items": [pod]}))
    (folder / "log").write_text(log)
    (folder / "kubectl").write_text(KUBECTL.format(folder=folder))
    (folder / "kubectl").chmod(0o755)
    return subprocess.run(
        [*PROGRAM, "logs", "demo", "-n", "chat", "-f", *options],
        env={"PATH": f"{folder}:/usr/bin:/bin", "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_line_over_64_kib_is_shown_and_the_next_ones_too(tmp_path: Path) -> None:
    ended = follow(tmp_path, f"before\n{LONG}\nafter\n")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["before", LONG, "after"]


def test_a_request_is_found_at_the_end_of_a_long_line(tmp_path: Path) -> None:
    ended = follow(tmp_path, f"other\n{LONG} 0199-abc\n", "--request-id", "0199-abc")
    assert ended.stdout.splitlines() == [f"{LONG} 0199-abc"]
