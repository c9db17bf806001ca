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
    connection = await asyncpg.connect(url)
    try:
        for path in sorted(MIGRATIONS.glob("[0-9]*.sql")):
            if not path.name.endswith(".down.sql"):
                await connection.execute(path.read_text())
    finally:
        await connection.close()
