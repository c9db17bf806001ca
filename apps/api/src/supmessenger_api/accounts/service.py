"""Registers accounts without telling strangers who has one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg

from supmessenger_api.accounts import repository
from supmessenger_api.accounts.schemas import Account, NewAccount, VerifiedAccount
from supmessenger_api.passwords import PasswordVault, find_password_fault
from supmessenger_api.settings import ApiSettings
from supmessenger_api.tokens import compute_token_hash, create_token
from supmessenger_common.database import AnyConnection, Pool
from supmessenger_common.errors import FieldError, PlatformError
from supmessenger_common.identifiers import create_id
from supmessenger_common.outbox import enqueue_job

VERIFICATION_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class AccountService:
    """Registration and proof of the email address."""

    pool: Pool
    vault: PasswordVault
    key: bytes
    settings: ApiSettings

    async def register(self, new: NewAccount, *, now: datetime) -> Account:
        """Create an account, or answer just the same when the email has one already.

        The second is only so while addresses are verified: the mailbox tells its owner. Raises
        403 `registration_closed`, 409 `username_taken` or `email_taken`, 422 `password_refused`.
        """
        self._refuse_closed()
        refuse_bad_password(new)
        password_hash = await self.vault.hash(new.password)
        async with self.pool.acquire() as connection:
            try:
                async with connection.transaction():
                    return await self._create(connection, new, password_hash, now=now)
            except asyncpg.UniqueViolationError:
                return await self._answer_taken(connection, new, now=now)

    async def verify(self, token: str, *, now: datetime) -> VerifiedAccount:
        """Make the account of a link active; the same link again gives the same answer.

        Raises 422 `verification_invalid`.
        """
        token_hash = compute_token_hash(self.key, token)
        if token_hash is None:
            raise build_verification_error()
        async with self.pool.acquire() as connection, connection.transaction():
            found = await repository.find_verification(connection, token_hash)
            if found is None:
                raise build_verification_error()
            if found["used_at"] is None:
                if found["expires_at"] <= now:
                    raise build_verification_error()
                await repository.activate(connection, token_hash, user_id=found["user_id"], now=now)
            elif found["status"] != "active":
                raise build_verification_error()
            return VerifiedAccount(id=found["user_id"], status="active")

    def _refuse_closed(self) -> None:
        if self.settings.registration == "closed":
            raise PlatformError(403, "registration_closed", "New accounts are not accepted.")
        if self.settings.registration == "invite":
            raise PlatformError(403, "registration_closed", "New accounts need an invitation.")

    @property
    def _first_status(self) -> Literal["pending", "active"]:
        return "pending" if self.settings.email_verification else "active"

    async def _create(
        self, connection: AnyConnection, new: NewAccount, password_hash: str, *, now: datetime
    ) -> Account:
        await repository.delete_stale(
            connection,
            email=new.email,
            username=new.username,
            before=now - VERIFICATION_LIFETIME,
        )
        row = repository.AccountRow(
            id=create_id(),
            email=new.email,
            username=new.username,
            display_name=new.display_name,
            password_hash=password_hash,
            status=self._first_status,
            created_at=now,
        )
        await repository.insert_account(connection, row)
        if self.settings.email_verification:
            await self._request_proof(connection, new, user_id=row.id, now=now)
        return Account(id=row.id, username=row.username, status=self._first_status)

    async def _request_proof(
        self, connection: AnyConnection, new: NewAccount, *, user_id: UUID, now: datetime
    ) -> None:
        token = create_token()
        token_hash = compute_token_hash(self.key, token)
        assert token_hash is not None
        await repository.insert_verification(
            connection,
            token_hash,
            user_id=user_id,
            email=new.email,
            now=now,
            expires_at=now + VERIFICATION_LIFETIME,
        )
        payload = {
            "email": new.email,
            "username": new.username,
            "link": f"{self.settings.base_url}/api/v1/accounts/verify?token={token}",
            "token": token,
        }
        await enqueue_job(connection, "email.verification", payload, now=now)

    async def _answer_taken(
        self, connection: AnyConnection, new: NewAccount, *, now: datetime
    ) -> Account:
        taken = await repository.fetch_conflicts(connection, email=new.email, username=new.username)
        for row in taken:
            if row["same_email"] and row["same_username"] and row["status"] == "pending":
                return await self._answer_repeat(connection, new, row, now=now)
        if any(row["same_username"] for row in taken):
            raise build_taken("username")
        if not self.settings.email_verification:
            raise build_taken("email")
        # As for a new address: who reads that mailbox has an account, nobody else learns it.
        return Account(id=create_id(), username=new.username, status="pending")

    async def _answer_repeat(
        self, connection: AnyConnection, new: NewAccount, row: asyncpg.Record, *, now: datetime
    ) -> Account:
        if not await self.vault.verify(row["password_hash"], new.password):
            raise build_taken("username")
        # The same person again: the first answer or the first email was lost.
        async with connection.transaction():
            await self._request_proof(connection, new, user_id=row["id"], now=now)
        return Account(id=row["id"], username=new.username, status="pending")


def refuse_bad_password(new: NewAccount) -> None:
    """Raise 422 `password_refused` for a password that is easily guessed."""
    fault = find_password_fault(new.password, username=new.username, email=new.email)
    if fault is not None:
        raise PlatformError(
            422,
            "password_refused",
            f"The password {fault}.",
            errors=(FieldError("password", fault),),
        )


def build_taken(field: Literal["username", "email"]) -> PlatformError:
    """Return 409 for what another account has."""
    return PlatformError(
        409,
        f"{field}_taken",
        f"Another account has this {field}.",
        errors=(FieldError(field, "is taken"),),
    )


def build_verification_error() -> PlatformError:
    """Return 422 for a link that is false, too old, or of an account that is gone."""
    return PlatformError(
        422, "verification_invalid", "This link is not valid any more; register again."
    )
