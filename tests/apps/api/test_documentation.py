"""The guide to the HTTP API tells what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from supmessenger_api.rate_limits import LIMITS

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "http-api.md").read_text()
SOURCES = (
    ROOT / "apps" / "api" / "src" / "supmessenger_api",
    ROOT / "apps" / "common" / "src" / "supmessenger_common",
)
# What the code builds from parts.
BUILT = {"username_taken", "email_taken", "unauthenticated", "token_invalid", "token_expired"}


def find_codes() -> set[str]:
    """Return the codes of all problems that are written out in the code."""
    found = set(BUILT)
    for folder in SOURCES:
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PlatformError":
                    code = node.args[1]
                    if isinstance(code, ast.Constant):
                        found.add(str(code.value))
    return found


def test_every_problem_code_is_in_the_guide_and_no_other() -> None:
    section = GUIDE.partition("\n## Problems")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if re.match(r"\| \d{3} \|", line)]
    told = {code for row in rows for code in re.findall(r"`(\w+)`", row.split("|")[2])}
    framework = {"not_found", "method_not_allowed", "body_too_large"}
    assert told - framework == find_codes()


def test_every_limit_is_in_the_guide() -> None:
    section = GUIDE.partition("\n## Rate limits")[2]
    rows = [line for line in section.splitlines() if re.search(r"\| (open|closed) \|$", line)]
    assert len(rows) == len(LIMITS)
    for row, limit in zip(rows, LIMITS, strict=True):
        assert row.endswith("| open |" if limit.fail_open else "| closed |"), row
        amount = re.search(r"\| ([\d,]+) ", row)
        assert amount is not None
        assert int(amount[1].replace(",", "")) == limit.item.amount, row
