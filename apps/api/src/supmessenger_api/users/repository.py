"""SQL of users."""

from uuid import UUID

import asyncpg

from supmessenger_common.database import Executor

_SELECT = """
SELECT id, username, display_name, avatar_id, created_at FROM users
WHERE status = 'active' AND {condition}
"""
_BY_ID = _SELECT.format(condition="id = $1")
_BY_USERNAME = _SELECT.format(condition="username = $1::citext")


async def find_by_id(executor: Executor, user_id: UUID) -> asyncpg.Record | None:
    """Return an active user."""
    return await executor.fetchrow(_BY_ID, user_id)


async def find_by_username(executor: Executor, username: str) -> asyncpg.Record | None:
    """Return the active user with exactly this username, in any case."""
    return await executor.fetchrow(_BY_USERNAME, username)
