"""Asks PostgreSQL with the worker's own role, and reads the schema's version."""

from supmessenger_common.bindings import PostgresBinding
from supmessenger_common.database import fetch_schema_version, open_connection
from supmessenger_worker.checks.model import Answer


async def probe_postgres(binding: PostgresBinding, *, expected_schema: str) -> Answer:
    """Log in afresh, so that a password that changed is found out, and run a query."""
    connection = await open_connection(binding, application_name="sup-worker-check")
    try:
        version = str(await connection.fetchval("SHOW server_version")).split()[0]
        schema = await fetch_schema_version(connection)
    finally:
        # Waiting for a polite goodbye could take longer than the check may.
        connection.terminate()
    return Answer(version, _build_message(schema, expected_schema))


def _build_message(schema: str | None, expected: str) -> str:
    told = f"schema {schema}" if schema else "no migration applied"
    if expected and (schema or "") < expected:
        return f"{told}, behind {expected}: run the migrations"
    return told
