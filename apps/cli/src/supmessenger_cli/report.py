"""Findings as a person reads them."""

import textwrap
from collections.abc import Sequence

from supmessenger_cli.doctor.finding import Finding, State
from supmessenger_cli.terminal import console

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red", State.UNKNOWN: "cyan"}


def print_findings(findings: Sequence[Finding]) -> None:
    """Print each check with what was seen and, below it, the cure."""
    width = max((len(one.check) for one in findings), default=0)
    for one in findings:
        console.print(f"[{_COLOURS[one.state]}]{one.state.value:<7}[/]", end=" ")
        console.print(f"{one.check:<{width}}  {one.seen}", markup=False)
        if one.cure:
            print(textwrap.indent(f"do: {one.cure}", " " * (width + 10)))
