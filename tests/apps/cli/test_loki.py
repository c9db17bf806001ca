"""A request's lines in Loki, with a program of the test as kubectl that answers once a call."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from supmessenger_cli import loki
from supmessenger_cli.loki import Line, build_query, find_lines, is_settled, parse_lines
from supmessenger_cli.scope import Scope
from supmessenger_cli.target import Kubectl
from supmessenger_cli.terminal import VerbFailure

KUBECTL = """#!/bin/sh
echo "$@" >> {folder}/asked
number=$(wc -l < {folder}/asked)
test -f {folder}/answer-$number || number=last
cat {folder}/answer-$number
"""
SCOPE = Scope(kubectl=Kubectl(timeout=60), namespace="chat", name="demo")
OLD = "1700000000000000000"
# Of a clock that is ahead, so that it stays young for as long as a test may last.
YOUNG = (str(time.time_ns() + 3600 * 10**9), "one")


def make_answer(*lines: tuple[str, str]) -> dict[str, Any]:
    """Return what Loki says: (ns, text) of one pod."""
    stream = {"stream": {"pod": "demo-api-0"}, "values": [list(line) for line in lines]}
    return {"data": {"result": [stream] if lines else []}}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a kubectl that answers from its files; no pause between two questions."""
    (tmp_path / "kubectl").write_text(KUBECTL.format(folder=tmp_path))
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(loki, "POLL_SECONDS", 0)
    return tmp_path


def set_answers(folder: Path, *answers: dict[str, Any]) -> None:
    """Give the answers of the first questions; the last one is the answer of all that follow."""
    for number, answer in enumerate(answers, start=1):
        (folder / f"answer-{number}").write_text(json.dumps(answer))
    (folder / "answer-last").write_text(json.dumps(answers[-1]))


def count_questions(folder: Path) -> int:
    return len((folder / "asked").read_text().splitlines())


async def test_lines_that_are_there_are_returned_at_once(cluster: Path) -> None:
    set_answers(cluster, make_answer((OLD, "one")))
    lines = await find_lines(SCOPE, "0199-ab", since="1h", wait=60)
    assert lines == [Line(int(OLD), "demo-api-0", "one")]
    assert count_questions(cluster) == 1


async def test_loki_is_asked_again_for_lines_on_their_way(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = (str(int(OLD) + 1), "two")
    set_answers(
        cluster,
        *(make_answer(), make_answer(), make_answer(YOUNG)),
        make_answer((OLD, "one"), last),
    )
    lines = await find_lines(SCOPE, "0199-ab", since="1h", wait=60)
    assert [line.text for line in lines] == ["one", "two"]
    assert count_questions(cluster) == 4
    assert capsys.readouterr().err.count("no line of it yet") == 1


async def test_young_lines_are_returned_when_the_time_is_over(cluster: Path) -> None:
    set_answers(cluster, make_answer(YOUNG, (OLD, "two")))
    lines = await find_lines(SCOPE, "0199-ab", since="1h", wait=0)
    assert [line.text for line in lines] == ["two", "one"]
    assert count_questions(cluster) == 1


async def test_a_request_without_lines_is_told_with_the_cure(cluster: Path) -> None:
    set_answers(cluster, make_answer())
    with pytest.raises(VerbFailure, match="in the last 2h, after 0 s") as failed:
        await find_lines(SCOPE, "0199-ab", since="2h", wait=0)
    assert "--since" in failed.value.cure
    assert "kubectl sup status demo -n chat" in failed.value.cure


def test_the_question_is_about_one_request_of_one_instance() -> None:
    query = '{namespace="chat", instance="demo"} | request_id="0199-ab"'
    assert build_query(SCOPE, "0199-ab") == query


@pytest.mark.parametrize("word", ['"} or {x="', "", "--", "a b"])
def test_what_can_be_no_request_id_is_refused(word: str) -> None:
    with pytest.raises(VerbFailure, match="no request id"):
        build_query(SCOPE, word)


@pytest.mark.parametrize(
    ("ages", "settled"),
    [((), False), ((1.0,), False), ((600.0, 1.0), False), ((600.0, 5.5), True), ((-3.0,), False)],
)
def test_young_lines_may_have_others_of_their_request_behind_them(
    ages: tuple[float, ...], settled: bool
) -> None:
    now = 1_700_000_000.0
    lines = [Line(int((now - age) * 1e9), "demo-api-0", "text") for age in ages]
    assert is_settled(lines, now=now) is settled


def test_lines_of_all_streams_come_by_time() -> None:
    streams = [
        {"stream": {"pod": "b"}, "values": [["20", "latest"], ["3", "later"]]},
        {"stream": {}, "values": [["1", "sooner", {"request_id": "0199-ab"}]]},
    ]
    assert parse_lines({"data": {"result": streams}}) == [
        Line(1, "-", "sooner"),
        Line(3, "b", "later"),
        Line(20, "b", "latest"),
    ]
