"""Connections to PostgreSQL."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from support.bindings import build_postgres_binding, write_binding
from support.processes.postgres import PostgresServer

from supmessenger_common.bindings import PostgresBinding, read_postgres
from supmessenger_common.database import (
    build_ssl,
    fetch_schema_version,
    open_pool,
    probe_database,
)


def build_binding(sslmode: str) -> PostgresBinding:
    return PostgresBinding(
        host="h",
        port=5432,
        database="sup",
        username="u",
        password="p",
        sslmode=sslmode,
        ca_file=None,
    )


def test_verification_of_the_server_is_what_the_binding_says() -> None:
    full, chain_only = (
        build_ssl(build_binding("verify-full")),
        build_ssl(build_binding("verify-ca")),
    )
    assert isinstance(full, ssl.SSLContext)
    assert isinstance(chain_only, ssl.SSLContext)
    assert (full.check_hostname, chain_only.check_hostname) == (True, False)
    assert full.verify_mode == chain_only.verify_mode == ssl.CERT_REQUIRED
    assert build_ssl(build_binding("disable")) == "disable"


@pytest.mark.services
async def test_a_pool_is_bounded_and_says_whose_it_is(
    postgres_server: PostgresServer, empty_database: str, tmp_path: Path
) -> None:
    write_binding(tmp_path, "postgres", build_postgres_binding(postgres_server, empty_database))
    pool = await open_pool(read_postgres(tmp_path), size=2, application_name="demo-api")
    await probe_database(pool)
    assert await pool.fetchval("SHOW application_name") == "demo-api"
    assert await pool.fetchval("SHOW timezone") == "UTC"
    assert await fetch_schema_version(pool) is None
    async with pool.acquire(), pool.acquire():
        with pytest.raises(TimeoutError):
            await pool.acquire(timeout=0.05)
    await pool.close()


@pytest.mark.services
async def test_nobody_waits_for_a_connection_without_an_end(
    postgres_server: PostgresServer, empty_database: str, tmp_path: Path
) -> None:
    write_binding(tmp_path, "postgres", build_postgres_binding(postgres_server, empty_database))
    pool = await open_pool(
        read_postgres(tmp_path), size=1, application_name="demo-api", wait_seconds=0.05
    )
    # The first one connects, which takes longer than anybody is to wait here.
    async with pool.acquire(timeout=30):
        async with asyncio.timeout(30):
            for ask in (pool.fetchval, pool.fetch, pool.execute):
                with pytest.raises(TimeoutError):
                    await ask("SELECT 1")
            with pytest.raises(TimeoutError):
                async with pool.acquire():
                    pass
    assert await pool.fetchval("SELECT 1", timeout=5) == 1
    await pool.close()


@pytest.mark.services
async def test_the_schema_version_is_the_newest_migration(
    postgres_server: PostgresServer, database: str, tmp_path: Path
) -> None:
    write_binding(tmp_path, "postgres", build_postgres_binding(postgres_server, database))
    pool = await open_pool(read_postgres(tmp_path), size=1, application_name="test")
    version = await fetch_schema_version(pool)
    newest = await pool.fetchval("SELECT name FROM schema_migrations ORDER BY name DESC LIMIT 1")
    assert version == newest
    await pool.close()
