"""`sup-migrate up|down|status|create`: exit 0 done, 1 a person must act, 2 wrong call or set-up."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from supmessenger_api.migrations.create import write_pair
from supmessenger_api.migrations.files import FileError, Migration, read_migrations
from supmessenger_api.migrations.plan import PlanError, compute_down, compute_states, compute_up
from supmessenger_api.migrations.record import fetch_applied, provide_record, remove_empty_record
from supmessenger_api.migrations.runner import (
    MigrationError,
    UnreachableError,
    apply_plan,
    locked_connection,
    patient_connection,
)
from supmessenger_common.bindings import BindingError, PostgresBinding, read_postgres
from supmessenger_common.termination import write_termination

WAIT_SECONDS = 120.0
DONE, ACT, MISUSED = 0, 1, 2


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="sup-migrate", description=__doc__)
    parser.add_argument(
        "--wait",
        type=float,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help="how long to wait for the database (default: %(default)s)",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="apply what is pending")
    up.add_argument("target", nargs="?", metavar="NAME", help="stop after this migration")
    down = verbs.add_parser("down", help="take back the last migration")
    down.add_argument("target", nargs="?", metavar="NAME", help="take back all after this one")
    down.add_argument("--all", action="store_true", help="take back everything: deletes all data")
    status = verbs.add_parser("status", help="show what is applied and what is pending")
    status.add_argument("--json", action="store_true", help="for programs")
    create = verbs.add_parser("create", help="write the two files of a new migration")
    create.add_argument("name")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; how it ended is also the pod's termination message."""
    options = build_parser().parse_args(arguments)
    folder = Path(os.environ.get("SUP_MIGRATIONS_DIR") or "/app/migrations")
    try:
        if options.verb == "create":
            for path in write_pair(folder, options.name, today=datetime.now(UTC).date()):
                print(path)
            return DONE
        binding = read_postgres(Path(os.environ.get("SERVICE_BINDING_ROOT") or "/bindings"))
        migrations = read_migrations(folder)
        return asyncio.run(_run(options, binding, migrations))
    except MigrationError as error:
        return _fail(ACT, str(error), asdict(error.failure))
    except (PlanError, UnreachableError) as error:
        return _fail(ACT, str(error))
    except (FileError, BindingError) as error:
        return _fail(MISUSED, str(error))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        return _fail(ACT, str(error), {"sqlstate": getattr(error, "sqlstate", None)})
    except asyncio.CancelledError:
        return _fail(ACT, "interrupted: what was not finished has been rolled back")


def _fail(code: int, message: str, outcome: dict[str, object] | None = None) -> int:
    """Tell people and the pod what failed."""
    outcome = {"message": message} | (outcome or {})
    print(f"sup-migrate: {message}", file=sys.stderr)
    for key in ("sqlstate", "detail", "hint"):
        if outcome.get(key):
            print(f"  {key}: {outcome[key]}", file=sys.stderr)
    write_termination(outcome)
    return code


async def _run(
    options: argparse.Namespace, binding: PostgresBinding, migrations: tuple[Migration, ...]
) -> int:
    task = asyncio.current_task()
    assert task is not None, "runs on an event loop"
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not the main thread
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - begun:7.2f} s] {line}", flush=True)

    if options.verb == "status":
        return await _show_status(options, binding, migrations)
    async with locked_connection(binding, wait_seconds=options.wait, say=say) as connection:
        await provide_record(connection)
        applied = await fetch_applied(connection)
        if options.verb == "up":
            plan = compute_up(migrations, applied, target=options.target)
        else:
            plan = compute_down(migrations, applied, target=options.target, everything=options.all)
        await apply_plan(connection, plan, direction=options.verb, say=say)
        names = [row.name for row in await fetch_applied(connection)]
        if not names:
            await remove_empty_record(connection)
    version = names[-1] if names else None
    say(f"schema version {version or 'none'}, {len(plan)} migrations run")
    write_termination({"schemaVersion": version, "run": [migration.name for migration in plan]})
    return DONE


async def _show_status(
    options: argparse.Namespace, binding: PostgresBinding, migrations: tuple[Migration, ...]
) -> int:
    async with patient_connection(
        binding, wait_seconds=options.wait, say=lambda line: print(line, file=sys.stderr)
    ) as connection:
        states = compute_states(migrations, await fetch_applied(connection))
    if options.json:
        listed = [
            {"name": name, "state": state, "appliedAt": row.applied_at.isoformat() if row else None}
            for name, state, row in states
        ]
        print(json.dumps(listed))
        return DONE
    width = max((len(name) for name, _, _ in states), default=0)
    for name, state, row in states:
        when = f"{row.applied_at:%Y-%m-%d %H:%M:%S} UTC, {row.elapsed_ms} ms" if row else ""
        print(f"{name:{width}}  {state:8}  {when}".rstrip())
    return DONE


if __name__ == "__main__":
    sys.exit(main())
