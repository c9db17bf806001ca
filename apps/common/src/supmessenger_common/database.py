"""PostgreSQL: the pool of a process and its probe."""

import ssl
from typing import TYPE_CHECKING, Any, Literal, cast

import asyncpg

from supmessenger_common.bindings import PostgresBinding

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record]
    PooledConnection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    PoolAcquireContext = asyncpg.pool.PoolAcquireContext[asyncpg.Record]
else:
    # The driver's classes take no type arguments at run time.
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection
    PooledConnection = asyncpg.pool.PoolConnectionProxy

AnyConnection = Connection | PooledConnection
Executor = Pool | Connection | PooledConnection

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 10.0
# Behind a database that has become slow, a line without an end would outlive the clients who
# stand in it: after this long they are told to come again.
ACQUIRE_SECONDS = 10.0
PROBE_SECONDS = 2.0
STATEMENT_CACHE_SIZE = 256
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class _BoundedPool(Pool):
    """A pool whose every way to a connection ends in time, with TimeoutError if need be."""

    wait_seconds = ACQUIRE_SECONDS

    def acquire(self, *, timeout: float | None = None) -> "PoolAcquireContext":
        """Wait for a free connection."""
        return super().acquire(timeout=self.wait_seconds if timeout is None else timeout)


async def open_pool(
    binding: PostgresBinding,
    *,
    size: int,
    application_name: str,
    minimum: int = 0,
    wait_seconds: float = ACQUIRE_SECONDS,
) -> Pool:
    """Open a pool of at most `size` connections, which connects at first use.

    So a service starts while its database is away, and its readiness says so.
    """
    pool = _BoundedPool(
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        loop=None,
        max_queries=50_000,
        **_build_options(binding, application_name=application_name),
        min_size=min(minimum, size),
        max_size=size,
        max_inactive_connection_lifetime=300.0,
    )
    pool.wait_seconds = wait_seconds
    return await pool


async def open_connection(binding: PostgresBinding, *, application_name: str) -> Connection:
    """Open one connection outside a pool, for LISTEN and other things that hold it."""
    return await asyncpg.connect(
        **_build_options(binding, application_name=application_name),
    )


def _build_options(binding: PostgresBinding, *, application_name: str) -> dict[str, Any]:
    return {
        "host": binding.host,
        "port": binding.port,
        "user": binding.username,
        "password": binding.password,
        "database": binding.database,
        "ssl": build_ssl(binding),
        "timeout": CONNECT_SECONDS,
        "command_timeout": COMMAND_SECONDS,
        "statement_cache_size": STATEMENT_CACHE_SIZE,
        "server_settings": build_server_settings(application_name),
    }


def build_server_settings(application_name: str) -> dict[str, str]:
    """Return what every connection sets on the server."""
    return {
        "application_name": application_name,
        "timezone": "UTC",
        # Short statements only: compiling them costs more than it gains.
        "jit": "off",
        # A client that died inside a transaction must not hold its row locks.
        "idle_in_transaction_session_timeout": "15000",
    }


def build_ssl(binding: PostgresBinding) -> ssl.SSLContext | SslMode:
    """Return what libpq's `sslmode` means for asyncpg, with the binding's own authority."""
    if binding.sslmode in ("verify-ca", "verify-full"):
        context = ssl.create_default_context(cafile=binding.ca_file)
        context.check_hostname = binding.sslmode == "verify-full"
        return context
    return cast(SslMode, binding.sslmode)


async def probe_database(pool: Pool) -> None:
    """Raise unless the database answers a query within two seconds."""
    await pool.fetchval("SELECT 1", timeout=PROBE_SECONDS)


class SchemaBehindError(Exception):
    """The database has not seen a migration this release needs."""


async def probe_schema(pool: Pool, *, expected: str) -> None:
    """Raise SchemaBehindError while the database lacks the migration `expected`."""
    version = await fetch_schema_version(pool)
    if version is None or version < expected:
        told = version or "no migration"
        raise SchemaBehindError(f"the database is at {told}, this release expects {expected}")


async def fetch_schema_version(executor: Executor) -> str | None:
    """Return the name of the newest migration applied, or None before the first."""
    if await executor.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return None
    name = await executor.fetchval("SELECT max(name) FROM schema_migrations")
    return None if name is None else str(name)
