"""Running tiers one after the other, with progress, and summing up."""

import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path

from suptiers.summary import Result, build_summary, compute_exit_code, parse_report
from suptiers.tiers import Tier, explain_unhosted, find_tiers

HELP = """usage: python hack/test [TIER …] [-- PYTEST OPTION …]

Runs the tiers check, unit, services, control-plane and node, or those named (kind and gitops
are run only when named). A tier this machine cannot host is skipped aloud; with CI=true that
is a failure.

examples: python hack/test · python hack/test unit services · python hack/test node -- -k kill"""
NO_TESTS_COLLECTED = 5  # pytest's exit code


def main(arguments: list[str]) -> int:
    """Run the tiers named on the command line; returns the exit code."""
    if "-h" in arguments or "--help" in arguments:
        print(HELP)
        return 0
    split = arguments.index("--") if "--" in arguments else len(arguments)
    try:
        tiers = find_tiers(arguments[:split])
    except ValueError as error:
        print(f"hack/test: {error}", file=sys.stderr)
        return 2
    strict = os.environ.get("CI") == "true"
    results: list[Result] = []
    for tier in tiers:
        results.append(_run_tier(tier, extra=arguments[split + 1 :], strict=strict))
        if results[-1].failed and tier.name == "check":
            break  # nothing after it would be worth its minutes
    print(f"\n{build_summary(results)}", flush=True)
    return compute_exit_code(results, strict=strict)


def _run_tier(tier: Tier, *, extra: list[str], strict: bool) -> Result:
    started = time.monotonic()
    print(f"\n== {tier.name}", flush=True)
    reason = explain_unhosted(tier, system=platform.system(), uid=os.getuid())
    if reason:
        print(f"SKIPPED tier {tier.name}: {reason}", flush=True)
        return Result(name=tier.name, failed=int(strict), skipped=1, note=f"skipped: {reason}")
    for command in tier.prepare:
        if _run(command) != 0:
            note = f"`{shlex.join(command)}` failed"
            return Result(name=tier.name, failed=1, seconds=time.monotonic() - started, note=note)
    if not tier.counts:
        code = _run(tier.command)
        seconds = time.monotonic() - started
        return Result(name=tier.name, passed=int(code == 0), failed=int(code != 0), seconds=seconds)
    report = Path("build") / f"junit-{tier.name}.xml"
    report.unlink(missing_ok=True)
    code = _run((*tier.command, f"--junitxml={report}", *extra))
    seconds = time.monotonic() - started
    if not report.is_file():
        return Result(name=tier.name, failed=1, seconds=seconds, note=f"pytest exited with {code}")
    passed, failed, skipped = parse_report(report)
    if code == NO_TESTS_COLLECTED:
        return Result(name=tier.name, failed=1, seconds=seconds, note="no test was found")
    # An exit code of its own (a broken plugin, an interrupted run) is a failure too.
    failed = max(failed, int(code != 0))
    return Result(name=tier.name, passed=passed, failed=failed, skipped=skipped, seconds=seconds)


def _run(command: tuple[str, ...]) -> int:
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
