"""A page's port-forward: opened again at the same port, and told when it can't be."""

import os
from pathlib import Path

import pytest
import typer

from supmessenger_cli import forward
from supmessenger_cli.scope import Scope
from supmessenger_cli.target import Kubectl
from supmessenger_cli.terminal import FAILED, VerbFailure
from supmessenger_cli.verbs.open import open_page

# Stands where kubectl does: the first two port-forwards break, then the pod is gone.
BREAKING = """#!/bin/sh
case "$1" in
get) echo '{}' ;;
port-forward)
    echo "$3" >> "$0.pairs"
    case $(wc -l < "$0.pairs") in
    1) echo "Unable to listen on port 15672: Listeners failed to create" >&2; exit 1 ;;
    2 | 3) echo "Forwarding from 127.0.0.1:40123 -> 15672" ;;
    *) echo "error: unable to forward port because pod is not running" >&2; exit 1 ;;
    esac ;;
esac
"""
SILENT = """#!/bin/sh
echo $$ > "$0.pid"
exec sleep 60
"""


def put_kubectl(folder: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program first on the PATH as kubectl."""
    kubectl = folder / "kubectl"
    kubectl.write_text(program)
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return kubectl


def test_a_lost_one_is_opened_again_at_the_same_port_until_the_pod_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl = put_kubectl(tmp_path, BREAKING, monkeypatch)
    with pytest.raises(typer.Exit) as ended:
        open_page("rabbitmq", "demo", "chat")
    told = capsys.readouterr()
    assert ended.value.exit_code == FAILED
    assert told.out.count("http://127.0.0.1:40123") == 1
    assert told.out.count("is open again") == 1
    assert "pod is not running" in told.err
    pairs = kubectl.with_name("kubectl.pairs").read_text().split()
    assert pairs == ["15672:15672", ":15672", "40123:15672", "40123:15672"]


async def test_one_that_does_not_come_about_in_time_says_what_it_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl = put_kubectl(tmp_path, SILENT, monkeypatch)
    monkeypatch.setattr(forward, "START_SECONDS", 5.0)
    scope = Scope(kubectl=Kubectl(), namespace="chat", name="demo")
    with pytest.raises(VerbFailure, match=r"port-forward demo-rabbitmq: .* 5 s") as failed:
        async with forward.forward_port(scope, "demo-rabbitmq", remote=15672):
            pass
    assert failed.value.cure == "kubectl -n chat get pods"
    # Nothing of it is left behind.
    with pytest.raises(ProcessLookupError):
        os.kill(int(kubectl.with_name("kubectl.pid").read_text()), 0)
