"""The table `schema_migrations`: what is applied, with the checksum of the file."""

from __future__ import annotations

from supmessenger_api.migrations.files import Migration
from supmessenger_api.migrations.plan import Applied
from supmessenger_common.database import Connection

_CREATE = """
CREATE TABLE schema_migrations (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    elapsed_ms integer     NOT NULL
);
COMMENT ON TABLE schema_migrations IS 'Migrations that are applied; written by sup-migrate only.';
COMMENT ON COLUMN schema_migrations.checksum IS 'SHA-256 of the file as it was applied.';
"""
# Also for a table that exists: a restored one got what the role has on new tables by default.
_GRANT = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sup_app') THEN
        REVOKE ALL ON schema_migrations FROM sup_app;
        GRANT SELECT ON schema_migrations TO sup_app;
    END IF;
END
$$;
"""


async def provide_record(connection: Connection) -> None:
    """Create the table unless it exists; the services may read it and no more."""
    async with connection.transaction():
        if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
            await connection.execute(_CREATE)
        await connection.execute(_GRANT)


async def remove_empty_record(connection: Connection) -> None:
    """Drop the table when nothing is applied, so that the database is as it was at first."""
    async with connection.transaction():
        await connection.execute("LOCK TABLE schema_migrations IN ACCESS EXCLUSIVE MODE")
        if not await connection.fetchval("SELECT count(*) FROM schema_migrations"):
            await connection.execute("DROP TABLE schema_migrations")


async def fetch_applied(connection: Connection) -> tuple[Applied, ...]:
    """Return what is applied, in order; nothing when the table does not exist."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return ()
    rows = await connection.fetch(
        "SELECT name, checksum, applied_at, elapsed_ms FROM schema_migrations ORDER BY name"
    )
    return tuple(Applied(**dict(row)) for row in rows)


async def write_applied(connection: Connection, migration: Migration, *, elapsed_ms: int) -> None:
    """Record a migration as applied."""
    await connection.execute(
        "INSERT INTO schema_migrations (name, checksum, elapsed_ms) VALUES ($1, $2, $3)",
        migration.name,
        migration.checksum,
        elapsed_ms,
    )


async def delete_applied(connection: Connection, migration: Migration) -> None:
    """Record a migration as taken back."""
    await connection.execute("DELETE FROM schema_migrations WHERE name = $1", migration.name)
