"""Looks profiles up."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from supmessenger_api.users import repository
from supmessenger_api.users.schemas import User
from supmessenger_common.database import Pool
from supmessenger_common.errors import PlatformError


@dataclass(frozen=True)
class UserService:
    """Profiles."""

    pool: Pool

    async def get(self, user_id: UUID) -> User:
        """Return a user; raises 404 `user_unknown`."""
        return _build_user(await repository.find_by_id(self.pool, user_id))

    async def find(self, username: str) -> User:
        """Return the user with this username; raises 404 `user_unknown`."""
        return _build_user(await repository.find_by_username(self.pool, username))


def build_user_unknown() -> PlatformError:
    """Return 404 for an account that is not there, or not active."""
    return PlatformError(404, "user_unknown", "There is no such user.")


def _build_user(row: asyncpg.Record | None) -> User:
    if row is None:
        raise build_user_unknown()
    return User(
        id=row["id"],
        username=row["username"],
        display_name=row["display_name"],
        avatar_id=row["avatar_id"],
        created_at=row["created_at"],
    )
