"""`kubectl sup migrate`: the schema of an instance's database."""

import asyncio
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from supmessenger_cli.checkout import find_checkout
from supmessenger_cli.health import parse_health
from supmessenger_cli.jobs import build_job, build_name, run_job
from supmessenger_cli.migrations import find_job, find_last_applied, gather_states
from supmessenger_cli.options import Context, Format, Name, Namespace, Output, Timeout, Yes
from supmessenger_cli.progress import POLL_SECONDS
from supmessenger_cli.scope import KIND, Scope, open_scope
from supmessenger_cli.terminal import (
    VerbFailure,
    WrongUse,
    confirm_name,
    console,
    print_document,
    print_rows,
    run_verb,
)
from supmessenger_cli.verbs.stop import refuse_paused

EXAMPLES = (
    "Examples: kubectl sup migrate status demo -n chat · kubectl sup migrate up demo -n chat · "
    "kubectl sup migrate create add_polls"
)
MIGRATIONS = "apps/api/migrations"

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at the schema, or change it."
)


@app.command(epilog="\b\nExamples:\n  kubectl sup migrate status demo -n chat -o json")
def status(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Output = Format.TABLE,
) -> None:
    """Show what is applied and what is pending, as the database says; exit 1 when behind."""
    run_verb(_status(context, namespace, name, output))


async def _status(
    context: str | None, namespace: str | None, name: str | None, output: Format
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    await scope.resource()
    states = await gather_states(scope)
    if output is Format.TABLE:
        rows = [(one.name, one.state, one.applied_at or "-") for one in states]
        print_rows(("MIGRATION", "STATE", "APPLIED AT (UTC)"), rows)
    else:
        print_document([vars(one) for one in states], output)
    return 0 if all(one.state == "applied" for one in states) else 1


@app.command(epilog="\b\nExamples:\n  kubectl sup migrate up demo -n chat")
def up(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    timeout: Timeout = 600,
) -> None:
    """Have the operator apply what is pending; a failed or outdated Job is made anew."""
    run_verb(_up(context, namespace, name, timeout))


async def _up(context: str | None, namespace: str | None, name: str | None, timeout: float) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    refuse_paused(await scope.resource(), scope)
    pending = [one.name for one in await gather_states(scope) if one.state == "pending"]
    job = await find_job(scope)
    if not pending and _has_ended(job, "Complete"):
        console.print("nothing is pending")
        return 0
    console.print(f"pending: {', '.join(pending) or 'nothing, but the last run failed'}")
    if _has_ended(job, "Complete", "Failed"):
        # The Job is named by its inputs: only when it is gone does the operator run it again.
        await scope.kubectl.run("delete", "job", job["metadata"]["name"], *scope.where)
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    await scope.kubectl.run(
        *("annotate", KIND, scope.name, *scope.where, "--overwrite"),
        f"supmessenger.io/reconcile-at={moment}",
    )
    return await _wait_for_migrations(scope, former=job["metadata"]["uid"], timeout=timeout)


async def _wait_for_migrations(scope: Scope, *, former: str, timeout: float) -> int:
    began = time.monotonic()
    while True:
        found = await scope.list("jobs", selector=scope.select("migrations"))
        jobs = [job for job in found if job["metadata"]["uid"] != former]
        if any(_has_ended(job, "Complete") for job in jobs):
            console.print(f"applied after {time.monotonic() - began:.0f} s")
            return 0
        if any(_has_ended(job, "Failed") for job in jobs):
            health = parse_health(await scope.resource())
            raise VerbFailure("the migration failed", cure=health.stalled or health.message)
        if time.monotonic() - began > timeout:
            raise VerbFailure(
                f"not done after {timeout:.0f} s",
                cure=f"kubectl sup status {scope.name} {scope.flags}",
            )
        await asyncio.sleep(POLL_SECONDS)


@app.command(epilog="\b\nExamples:\n  kubectl sup migrate down demo -n chat")
def down(
    name: Annotated[str, typer.Argument(help="Name of the SupMessenger.")],
    namespace: Namespace = None,
    context: Context = None,
    without_backup: Annotated[
        bool, typer.Option(help="Go on although no good backup of the last hour is known.")
    ] = False,
    yes: Yes = False,
    timeout: Timeout = 600,
) -> None:
    """Take back the last migration; what its tables and columns hold is lost."""
    run_verb(
        _down(context, namespace, name, without_backup=without_backup, yes=yes, timeout=timeout)
    )


async def _down(
    context: str | None,
    namespace: str | None,
    name: str,
    *,
    without_backup: bool,
    yes: bool,
    timeout: float,
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    await scope.resource()
    last = find_last_applied(await gather_states(scope))
    if not last:
        raise VerbFailure("nothing is applied, so nothing can be taken back")
    schedule = await scope.kubectl.find("cronjob", f"{name}-backup", *scope.where) or {}
    if not without_backup and not is_backup_recent(schedule, now=datetime.now(UTC)):
        raise VerbFailure(
            "there is no good backup of the last hour",
            cure=f"kubectl sup backup create {name} {scope.flags}, or --without-backup",
        )
    console.print(
        f"{last} is taken back, and with it what only it made room for. The running release needs"
        f" it: its services are not Ready until `kubectl sup migrate up {name} {scope.flags}`."
    )
    confirm_name("", name=name, yes=yes)
    source = await find_job(scope)
    command = ["sup-migrate", "down"]
    job = build_job(source, name=build_name(scope, "migrate-down"), command=command)
    print((await run_job(scope, job, timeout=timeout)).rstrip())
    return 0


@app.command(epilog="\b\nExamples:\n  kubectl sup migrate create add_polls")
def create(
    title: Annotated[str, typer.Argument(help="A few words, such as add_polls.")],
) -> None:
    """Write the two files of a new migration into the checkout one stands in."""
    run_verb(_create(title))


async def _create(title: str) -> int:
    checkout = find_checkout(Path.cwd())
    if checkout is None:
        raise WrongUse("there is no checkout here; clone the repository and run this inside it")
    if not re.search("[a-zA-Z0-9]", title):
        raise WrongUse("the name needs a letter or a digit")
    program = checkout / ".venv/bin/sup-migrate"
    if not program.exists():
        raise VerbFailure("the checkout has no environment yet", cure="make setup")
    process = await asyncio.create_subprocess_exec(
        *(str(program), "create", title),
        env={**os.environ, "SUP_MIGRATIONS_DIR": str(checkout / MIGRATIONS)},
    )
    return 0 if await process.wait() == 0 else 1


def is_backup_recent(schedule: dict[str, Any], *, now: datetime) -> bool:
    """Whether a CronJob's last good run ended within the hour."""
    ended = (schedule.get("status") or {}).get("lastSuccessfulTime") or ""
    return bool(ended) and (now - datetime.fromisoformat(ended)).total_seconds() < 3600


def _has_ended(job: dict[str, Any], *kinds: str) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(one["type"] in kinds and one["status"] == "True" for one in conditions)
