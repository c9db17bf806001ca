"""The closing table of a run and its exit code."""

import xml.etree.ElementTree as ElementTree  # only reads the report our own pytest just wrote
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one tier ended; `note` says why it was skipped or failed."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    note: str = ""


def parse_report(path: Path) -> tuple[int, int, int]:
    """Return (passed, failed, skipped) of a JUnit report."""
    suite = ElementTree.parse(path).getroot().find("testsuite")
    if suite is None:
        raise ValueError(f"{path} has no testsuite")
    total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return max(0, total - failed - skipped), failed, skipped


def build_summary(results: list[Result]) -> str:
    """Return the table, and a last line that counts tests in words tools understand."""
    rows = [f"{'tier':<15}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}  note"]
    rows += [
        f"{r.name:<15}{r.passed:>8}{r.failed:>8}{r.skipped:>9}{r.seconds:>9.1f}  {r.note}".rstrip()
        for r in results
    ]
    passed, failed, skipped = (
        sum(getattr(r, kind) for r in results) for kind in ("passed", "failed", "skipped")
    )
    return "\n".join([*rows, f"{passed} passed, {failed} failed, {skipped} skipped"])


def compute_exit_code(results: list[Result], *, strict: bool) -> int:
    """Return 0 when all is well; `strict` (CI) counts what was skipped as failed."""
    if any(r.failed for r in results):
        return 1
    return 1 if strict and any(r.skipped for r in results) else 0
