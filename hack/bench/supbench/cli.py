"""`python hack/bench [--only NAME]…`: run scenarios, print the table, write the page."""

import argparse
import asyncio
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pyvips
import uvloop
from support.processes.servers import NotStartedError

from supbench import fan_out, history, idle_sockets, operating, send_path, thumbnail
from supbench.page import Result, build_page, build_table
from supbench.scenario import Scenario
from supbench.stage import BenchError, Stage, open_stage

SCENARIOS: tuple[Scenario, ...] = (
    send_path.SCENARIO,
    history.SCENARIO,
    fan_out.SCENARIO,
    idle_sockets.SCENARIO,
    operating.SCENARIO,
    thumbnail.SCENARIO,
)
SCENARIO_SECONDS = 90
PAGE = Path("docs") / "benchmarks.md"
_EXAMPLES = """examples:
  python hack/bench                                 all scenarios; writes docs/benchmarks.md
  python hack/bench --only fan-out                  one scenario; writes nothing
  python hack/bench --only send-path --only history"""


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        prog="hack/bench",
        description="Measure speed and memory side by side, within four minutes.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"run only this scenario, may be repeated; one of {', '.join(names)}",
    )
    return parser


def main(root: Path, arguments: Sequence[str]) -> int:
    """Run the scenarios named on the command line; returns the exit code."""
    options = build_parser().parse_args(arguments)
    chosen = choose_scenarios(options.only)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with open_stage() as stage:
            results = [run_scenario(scenario, stage) for scenario in chosen]
    except (BenchError, NotStartedError, TimeoutError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(build_table(results))
    if len(chosen) == len(SCENARIOS):
        cores, versions = os.cpu_count() or 1, gather_versions(stage)
        (root / PAGE).write_text(build_page(results, cores=cores, versions=versions))
        print(f"\nwritten: {PAGE}")
    return 0


def choose_scenarios(names: Sequence[str] | None) -> tuple[Scenario, ...]:
    """Return the named scenarios in their order; all of them for no name."""
    return tuple(one for one in SCENARIOS if not names or one.name in names)


def run_scenario(
    scenario: Scenario, stage: Stage, *, limit_seconds: float = SCENARIO_SECONDS
) -> Result:
    """Run one scenario on the event loop the services use; TimeoutError when it takes too long."""
    started = time.monotonic()

    async def measure() -> Result:
        async with asyncio.timeout(limit_seconds):
            figures = await scenario.measure(stage)
        return Result(name=scenario.name, method=scenario.method, figures=tuple(figures))

    try:
        result = uvloop.run(measure())
    except TimeoutError:
        raise TimeoutError(f"{scenario.name} took more than {limit_seconds:g} s") from None
    seconds = time.monotonic() - started
    print(f"bench: {scenario.name} done in {seconds:.1f} s", file=sys.stderr)
    return result


def gather_versions(stage: Stage) -> dict[str, str]:
    """Return what ran, by name."""
    vips = ".".join(str(pyvips.version(part)) for part in range(3))
    libraries = {name: version(name) for name in ("asyncpg", "uvloop", "websockets")}
    return {"Python": platform.python_version(), **stage.versions, **libraries, "libvips": vips}


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
