"""The template of the tests' databases: all migrations applied once per run."""

from __future__ import annotations

from typing import Any

import asyncpg
from support.processes.binaries import ROOT
from support.processes.postgres import (
    PostgresServer,
    create_database,
    run_apart,
    seal_template,
)
from support.processes.servers import Run, start_once

from supmessenger_api.migrations.files import read_migrations
from supmessenger_api.migrations.plan import compute_up
from supmessenger_api.migrations.record import provide_record
from supmessenger_api.migrations.runner import apply_plan

TEMPLATE = "sup_template"
MIGRATIONS = ROOT / "apps" / "api" / "migrations"


def provide_template(run: Run, server: PostgresServer) -> None:
    """Create the template database, once per run."""

    def create(_: object) -> dict[str, Any]:
        create_database(server, TEMPLATE)
        run_apart(_migrate(server.build_url(TEMPLATE, "sup_owner")))
        seal_template(server, TEMPLATE)
        return {}

    start_once(run, "template", create)


async def _migrate(url: str) -> None:
    """Apply the migrations as `sup-migrate up` does."""
    connection = await asyncpg.connect(url)
    try:
        await provide_record(connection)
        plan = compute_up(read_migrations(MIGRATIONS), ())
        await apply_plan(connection, plan, direction="up", say=lambda _: None)
    finally:
        await connection.close()
