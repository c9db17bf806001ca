"""Passwords: the rules for new ones, and argon2id in threads with a cap."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 256
# OWASP's first choice for argon2id with a small memory: 19 MiB, two passes, one lane. A larger
# memory would let a few parallel logins end a small pod.
MEMORY_KIB = 19 * 1024
PASSES = 2
# A node's cores are not the pod's: more hashes at once would cost memory and gain nothing.
MAX_THREADS = 4
# What no length rule catches; compared in lower case.
COMMON = frozenset(
    {
        "0123456789",
        "1234567890",
        "12345678910",
        "123456789a",
        "1q2w3e4r5t",
        "1qaz2wsx3edc",
        "adminadmin",
        "changeme123",
        "football123",
        "iloveyou123",
        "letmein123",
        "passw0rd123",
        "password01",
        "password12",
        "password123",
        "password1234",
        "qwerty12345",
        "qwerty123456",
        "qwertyuiop",
        "welcome123",
    }
)
_MIN_DISTINCT = 4


def find_password_fault(password: str, *, username: str, email: str) -> str | None:
    """Return what is wrong with a new password, or None.

    Length and what an attacker tries first count; classes of characters do not.
    """
    lowered = password.casefold()
    if len(password) < MIN_LENGTH:
        return f"must have at least {MIN_LENGTH} characters"
    if len(password) > MAX_LENGTH:
        return f"must have at most {MAX_LENGTH} characters"
    if len(set(password)) < _MIN_DISTINCT or lowered in COMMON:
        return "is one of the first that an attacker tries"
    for name in (username, email, email.partition("@")[0]):
        if len(name) >= MIN_LENGTH // 2 and name.casefold() in lowered:
            return "must not hold the username or the email address"
    return None


class PasswordVault:
    """Hashes and verifies outside the event loop, at most four at once."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
        self._threads = ThreadPoolExecutor(
            threads or min(MAX_THREADS, os.cpu_count() or 1), thread_name_prefix="argon2"
        )
        # Compared against when there is no such account, so that both take the same time.
        self._dummy = self._hasher.hash("no account has this password")

    async def hash(self, password: str) -> str:
        """Return the PHC string of a password."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Say whether the password fits; takes as long when `stored` is None."""
        loop = asyncio.get_running_loop()
        fits = await loop.run_in_executor(
            self._threads, self._fits, stored or self._dummy, password
        )
        return fits and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Say whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """End the threads once what they began is done."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
