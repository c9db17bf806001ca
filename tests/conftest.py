"""Tiers of tests, and real servers for those that need them; see tests/support/README.md."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.processes.servers import Run, stop_all
from support.tiers import REQUIREMENTS, build_reason, gather_missing
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # has no types

pytest_plugins = ["support.fixtures"]

# That a machine is busy makes no property false.
settings.register_profile(
    "unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

_SAMPLE = "tests/node"
_RUN_FOLDER = "SUP_TEST_RUN_FOLDER"
_RUN_OWNER = "SUP_TEST_RUN_OWNER"


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the run's servers; workers of xdist inherit the name."""
    # Here and not in pyproject.toml, which the images of the services are made from.
    config.addinivalue_line("markers", "kind: needs root; brings a Docker engine of its own")
    config.addinivalue_line("markers", "gitops: runs the controllers of Flux and Argo CD")
    if _RUN_FOLDER not in os.environ:
        folder = Path(tempfile.gettempdir()) / f"sup-test-{secrets.token_hex(8)}"
        os.environ |= {_RUN_FOLDER: str(folder), _RUN_OWNER: str(os.getpid())}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Give the files that use the sample instance to one worker; others file by file."""
    return SampleScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


class SampleScheduling(LoadFileScheduling):  # type: ignore[misc]  # as above
    """Files of the node tier share the sample, but for those in `apart`, which bring their own."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return _SAMPLE if str(Path(file).parent) == _SAMPLE else file


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run's servers. Should this not be reached, their guardians do it."""
    if os.environ.get(_RUN_OWNER) == str(os.getpid()):
        run = find_run()
        stop_all(run)
        shutil.rmtree(run.folder, ignore_errors=True)
        del os.environ[_RUN_FOLDER], os.environ[_RUN_OWNER]


def find_run() -> Run:
    """Return the run this process belongs to."""
    return Run(Path(os.environ[_RUN_FOLDER]), watch=int(os.environ[_RUN_OWNER]))


@pytest.fixture(scope="session")
def server_run() -> Run:
    """Where the run's servers are recorded; the same for all workers of xdist."""
    run = find_run()
    # Others may pass through: the server that refuses root must reach its own folder below.
    run.folder.mkdir(mode=0o711, exist_ok=True)
    return run


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip aloud what this machine can not host; in CI that is a failure."""
    for tier in REQUIREMENTS:
        if item.get_closest_marker(tier) is None:
            continue
        missing = gather_missing(tier)
        if missing and os.environ.get("CI", "").lower() == "true":
            pytest.fail(build_reason(tier, missing), pytrace=False)
        if missing:
            pytest.skip(build_reason(tier, missing))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell which tiers were skipped, how many tests that left out, and which versions ran."""
    counts: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        for tier in REQUIREMENTS:
            if f"tier {tier} needs " in reason:
                counts[reason] = counts.get(reason, 0) + 1
    for reason, count in sorted(counts.items()):
        line = f"SKIPPED TIER, {count} tests: {reason.removeprefix('Skipped: ')}"
        terminalreporter.write_line(line, yellow=True, bold=True)
    if counts:
        terminalreporter.write_line(f"{len(counts)} tier(s) skipped", yellow=True, bold=True)
    versions = gather_versions(find_run())
    if versions:
        terminalreporter.write_line("ran against: " + ", ".join(versions))


def gather_versions(run: Run) -> list[str]:
    """Return name and version of each server that the run started."""
    records = {path.stem: json.loads(path.read_text()) for path in run.folder.glob("*.json")}
    names = {name.split("-gw")[0]: record for name, record in sorted(records.items())}
    return [f"{name} {record['version']}" for name, record in names.items() if "version" in record]
