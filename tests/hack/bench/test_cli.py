"""The command line offers every scenario, and bounds each."""

import asyncio
from collections.abc import Iterator

import pytest

from supbench.cli import SCENARIOS, build_parser, choose_scenarios, run_scenario
from supbench.figures import Figure
from supbench.scenario import Scenario
from supbench.stage import Stage, open_stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A stage on which no server was asked for."""
    with open_stage() as opened:
        yield opened


async def measure_one(_: Stage) -> list[Figure]:
    return [Figure(name="steps", unit="1/CPU-s", samples=(1.0, 2.0, 3.0))]


async def measure_forever(_: Stage) -> list[Figure]:
    await asyncio.Event().wait()
    return []


def test_the_help_shows_every_scenario_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["--help"])
    words = " ".join(capsys.readouterr().out.replace("-\n", "-").split())
    assert ended.value.code == 0
    assert [scenario.name for scenario in SCENARIOS if scenario.name not in words] == []
    assert "python hack/bench --only fan-out" in words


def test_an_unknown_scenario_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["--only", "fanout"])
    assert ended.value.code == 2
    assert "'fanout'" in capsys.readouterr().err


def test_scenarios_keep_their_order_whatever_the_order_of_names() -> None:
    assert [one.name for one in choose_scenarios(["thumbnail", "history"])] == [
        "history",
        "thumbnail",
    ]
    assert choose_scenarios(None) == SCENARIOS


def test_a_scenario_gives_its_figures(stage: Stage) -> None:
    scenario = Scenario(name="walk", method="Walks.", measure=measure_one)
    result = run_scenario(scenario, stage)
    assert (result.name, result.method) == ("walk", "Walks.")
    assert [figure.median for figure in result.figures] == [2.0]


def test_a_scenario_that_takes_too_long_is_ended_and_named(stage: Stage) -> None:
    scenario = Scenario(name="wait", method="Waits.", measure=measure_forever)
    with pytest.raises(TimeoutError, match=r"wait took more than 0\.01 s"):
        run_scenario(scenario, stage, limit_seconds=0.01)


def test_nothing_of_a_stage_is_left(stage: Stage) -> None:
    with open_stage() as other:
        assert other.run.folder.is_dir()
        assert other.run.folder != stage.run.folder
    assert not other.run.folder.exists()
