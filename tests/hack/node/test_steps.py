from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from supnode.failure import Failure, build_report, gather_tail
from supnode.steps import StepResult, Steps, build_table, parse_results

ROWS = [StepResult("etcd", 12.0, 3.25, "done"), StepResult("build", 0.5, 30.0, "failed")]


def test_the_table_is_in_order_of_beginning_and_closes_with_the_total() -> None:
    assert build_table(ROWS, total=42.04).splitlines() == [
        "step    began at   seconds",
        "build        0.5      30.0  failed",
        "etcd        12.0       3.2",
        "total                 42.0",
    ]


def test_steps_are_told_and_written(tmp_path: Path) -> None:
    record, out = tmp_path / "steps.json", io.StringIO()
    steps = Steps(record=record, out=out)
    with steps.step("first"):
        pass
    with steps.step("second"):
        pass
    steps.close()
    results, total = parse_results(record.read_text())
    assert [(row.name, row.outcome) for row in results] == [("first", "done"), ("second", "done")]
    assert total >= 0
    assert out.getvalue().startswith("ok   first")
    assert "total" in out.getvalue()


def test_a_failed_step_is_named_and_recorded(tmp_path: Path) -> None:
    record = tmp_path / "steps.json"
    steps = Steps(record=record, out=io.StringIO())
    with pytest.raises(Failure), steps.step("outer"), steps.step("inner"):
        raise Failure("broken")
    steps.close()
    assert steps.failed_step == "inner"
    outcomes = {row["name"]: row["outcome"] for row in json.loads(record.read_text())["steps"]}
    assert outcomes == {"inner": "failed", "outer": "failed"}


def test_a_failure_shows_step_log_and_cure(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    failure = Failure("etcd ended", cure="make up", log=log)
    report = build_report(failure, step="etcd", tail=gather_tail(log))
    lines = report.splitlines()
    assert lines[0] == "FAILED: etcd: etcd ended"
    assert sum("line " in line for line in lines) == 20
    assert "    line 99" in lines
    assert f"  whole log: {log}" in lines
    assert lines[-1] == "  cure: make up"


def test_a_missing_log_is_no_second_failure(tmp_path: Path) -> None:
    assert gather_tail(tmp_path / "none.log") == []
    assert gather_tail(None) == []
