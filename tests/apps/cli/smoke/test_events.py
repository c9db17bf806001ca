"""The smoke check of events reads its own chat out of a topic that holds much else."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from support.event_log import Writer, create_writer, run_relay
from support.waiting import wait_until

from supmessenger_cli.conversation import SmokeFailure
from supmessenger_cli.smoke.events import check_order, compute_since, wait_for_event
from supmessenger_cli.smoke.stage import Stage
from supmessenger_cli.target import ClusterError, Kubectl
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import format_time, read_clock

# `kubectl exec … -- COMMAND`, on this machine.
EXEC = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'


@pytest.fixture
async def writer(postgres: Pool) -> Writer:
    """Somebody who writes."""
    return await create_writer(postgres)


@pytest.fixture
def root(
    bindings_folder: Path,
    postgres_binding: Path,
    kafka_binding: Path,
    kafka_topic: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Bindings of a worker, and a kubectl whose pods are this machine."""
    kubectl = tmp_path / "bin/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(EXEC)
    kubectl.chmod(0o755)
    path = (str(kubectl.parent), str(Path(sys.executable).parent), os.environ["PATH"])
    monkeypatch.setenv("PATH", ":".join(path))
    monkeypatch.setenv("SERVICE_BINDING_ROOT", str(bindings_folder))
    monkeypatch.setenv("SUP_EVENTS_TOPIC", kafka_topic)
    return bindings_folder


def build_stage(chat: object) -> Stage:
    """Return what the reading needs of a stage."""
    target = SimpleNamespace(namespace="chat", name="demo")
    return cast(
        "Stage", SimpleNamespace(kubectl=Kubectl(timeout=90), target=target, chat=str(chat))
    )


@pytest.mark.services
async def test_a_chats_events_are_found_from_its_beginning_on(
    root: Path, kafka_topic: str, writer: Writer
) -> None:
    before = read_clock()
    chat, other = await writer.open_chat(), await writer.open_chat()
    async with run_relay(root, kafka_topic):
        for _ in range(3):
            await writer.send(other)
            last = await writer.send(chat)
        await wait_until(writer.are_all_relayed, what="the events to leave", seconds=30)
    since = compute_since(format_time(before))
    events = await wait_for_event(build_stage(chat), str(last.id), since=since)
    check_order(events, last=3)
    assert {event["chatId"] for event in events} == {str(chat)}
    with pytest.raises(ClusterError, match="is no time"):
        await wait_for_event(build_stage(chat), str(last.id), since="yesterday")


def test_clocks_of_two_pods_may_differ() -> None:
    assert compute_since("2026-11-22T12:00:00.120Z") == "2026-11-22T11:59:00.120000+00:00"


def test_events_that_lack_one_or_come_in_another_order_are_refused() -> None:
    check_order([{"seq": 1}, {"seq": 2}, {"seq": 1}], last=2)
    for seqs in ([2, 1], [1, 3], [1]):
        with pytest.raises(SmokeFailure, match="have the places"):
            check_order([{"seq": seq} for seq in seqs], last=2)
