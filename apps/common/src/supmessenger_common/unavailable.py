"""What says "the backing service, not the request" when it escapes a handler."""

import asyncpg
from redis.exceptions import RedisError

UNAVAILABLE_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    # A migration changed a table under a prepared statement: the next try prepares it anew.
    asyncpg.InvalidCachedStatementError,
    # A connection that broke at an unlucky moment: "another operation is in progress".
    asyncpg.InternalClientError,
    # The cancellation of a statement that timed out can reach the next one of its connection.
    asyncpg.QueryCanceledError,
    RedisError,
    TimeoutError,
    ConnectionError,
    OSError,
)


def is_unavailable(error: Exception) -> bool:
    """Return whether an error says that a backing service is away for now."""
    if isinstance(error, asyncpg.InterfaceError):
        # The driver uses one class for a closed connection and for wrong calls of ours.
        return any(word in str(error) for word in ("connection", "operation"))
    return isinstance(error, UNAVAILABLE_ERRORS)
