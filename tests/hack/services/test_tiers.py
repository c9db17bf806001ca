"""A tier that the machine can not host is skipped aloud; in CI that is a failure."""

import os
import subprocess
import sys
from pathlib import Path

from support.processes.binaries import ROOT


def run_without_programs(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run one test of the services tier where neither cache nor builds exist."""
    own = {
        key: value for key, value in os.environ.items() if not key.startswith(("SUP_", "PYTEST"))
    }
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
            "tests/hack/services/test_fixtures.py::test_an_empty_database_has_no_tables",
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=own | {"SUP_CACHE": str(folder), "SUP_BIN_DIR": str(folder)} | env,
        timeout=120,
    )


def test_a_missing_program_skips_the_tier_with_reason_and_cure(tmp_path: Path) -> None:
    done = run_without_programs(tmp_path, CI="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SKIPPED TIER, 1 tests: tier services needs PostgreSQL 16" in done.stdout
    assert "cure: run `hack/dev/install`" in done.stdout
    assert "minio (cure: run `python3 hack/node tools minio`)" in done.stdout
    assert "1 skipped" in done.stdout


def test_in_ci_a_missing_program_is_a_failure(tmp_path: Path) -> None:
    done = run_without_programs(tmp_path, CI="true")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "tier services needs PostgreSQL 16" in done.stdout
