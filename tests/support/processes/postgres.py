"""A PostgreSQL 16 server for a run, and one database per test."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from support.processes.binaries import find_postgres, probe_account
from support.processes.servers import (
    Program,
    Run,
    probe_free_port,
    start_guarded,
    start_once,
    wait_until_ready,
)

T = TypeVar("T")

# Test data may be lost: no fsync. One iteration: logging in costs nothing.
_TEST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "scram_iterations": "1",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
}
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "jit": "off",
    "log_min_messages": "warning",
}


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A running server: its port, the passwords of its roles, its programs and version."""

    port: int
    superuser_password: str
    owner_password: str
    user_password: str
    bin_folder: str
    version: str

    def build_url(self, database: str, role: str) -> str:
        """Return the address of a database for `postgres`, `sup_owner` or `sup_user`."""
        password = {
            "postgres": self.superuser_password,
            "sup_owner": self.owner_password,
            "sup_user": self.user_password,
        }[role]
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}?sslmode=disable"


def start_postgres(run: Run, *, port: int | None = None) -> PostgresServer:
    """Start the run's PostgreSQL, or find it running."""

    def start(folder: Path) -> dict[str, Any]:
        return asdict(_start(run, folder, port=port or probe_free_port()))

    return PostgresServer(**start_once(run, "postgres", start))


def _start(run: Run, folder: Path, *, port: int) -> PostgresServer:
    binaries = find_postgres()
    assert binaries is not None, "checked by the tier's requirements"
    account = probe_account()
    if account is not None:
        os.chown(folder, account.user, account.group)
    data = folder / "data"
    passwords = _read_or_make_passwords(folder)
    if not (data / "PG_VERSION").exists():
        _initialize(binaries, data, password=passwords[0])
    settings = _SETTINGS | ({} if run.keep_data else _TEST_SETTINGS)
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    pid = start_guarded(
        run,
        "postgres",
        folder=folder,
        program=Program(
            command=(str(binaries / "postgres"), "-D", str(data), "-p", str(port), *options),
            account=account,
            # Immediate shutdown where nothing is kept, fast shutdown where it is.
            stop_signal=signal.SIGINT if run.keep_data else signal.SIGQUIT,
        ),
    )
    address = f"postgresql://postgres:{passwords[0]}@127.0.0.1:{port}/postgres?sslmode=disable"
    wait_until_ready(
        run, "postgres", pid=pid, is_ready=lambda: _accepts_connections(address), seconds=60
    )
    version = run_apart(_create_roles(address, owner=passwords[1], user=passwords[2]))
    return PostgresServer(
        port=port,
        superuser_password=passwords[0],
        owner_password=passwords[1],
        user_password=passwords[2],
        bin_folder=str(binaries),
        version=version,
    )


def _read_or_make_passwords(folder: Path) -> list[str]:
    """Return the passwords of postgres, sup_owner and sup_user, made at the first start."""
    path = folder / "passwords"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text("\n".join(secrets.token_urlsafe(18) for _ in range(3)))
    return path.read_text().split("\n")


def _initialize(binaries: Path, data: Path, *, password: str) -> None:
    account = probe_account()
    reading, writing = os.pipe()
    os.write(writing, password.encode() + b"\n")
    os.close(writing)
    os.fchmod(reading, 0o600)
    if account is not None:
        os.fchown(reading, account.user, account.group)
    subprocess.run(
        [
            *(binaries / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8"),
            *("--locale=C.UTF-8", "-A", "scram-sha-256", "--no-sync", "--no-instructions"),
            *("--set", "scram_iterations=1", f"--pwfile=/dev/fd/{reading}"),
        ],
        check=True,
        capture_output=True,
        pass_fds=(reading,),
        cwd=data.parent,
        user=account.user if account else None,
        group=account.group if account else None,
        extra_groups=[] if account else None,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    os.close(reading)


def _accepts_connections(address: str) -> bool:
    async def probe() -> bool:
        try:
            connection = await asyncpg.connect(address)
        except (OSError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    port = int(address.rsplit(":", 1)[1].split("/")[0])
    with socket.socket() as door:
        if door.connect_ex(("127.0.0.1", port)) != 0:
            return False
    return run_apart(probe())


async def _create_roles(address: str, *, owner: str, user: str) -> str:
    """Create the roles of an instance as its database pod does; return the server's version."""
    connection = await asyncpg.connect(address)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'sup_owner'"):
            await connection.execute(
                f"CREATE ROLE sup_owner LOGIN PASSWORD '{owner}';"
                "CREATE ROLE sup_app NOLOGIN;"
                f"CREATE ROLE sup_user LOGIN PASSWORD '{user}' IN ROLE sup_app;"
                f"CREATE ROLE sup_user_b LOGIN PASSWORD '{user}' IN ROLE sup_app;"
            )
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def _execute(server: PostgresServer, *statements: str) -> None:
    connection = await asyncpg.connect(server.build_url("postgres", "postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def create_database(server: PostgresServer, name: str, *, template: str = "template0") -> None:
    """Create a database that `sup_owner` owns."""
    run_apart(_execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER sup_owner'))


def has_database(server: PostgresServer, name: str) -> bool:
    """Return whether a database exists."""

    async def probe() -> bool:
        connection = await asyncpg.connect(server.build_url("postgres", "postgres"))
        try:
            found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
        finally:
            await connection.close()
        return found is not None

    return run_apart(probe())


def drop_database(server: PostgresServer, name: str) -> None:
    """Drop a database, ending the connections it still has."""
    run_apart(_execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def seal_template(server: PostgresServer, name: str) -> None:
    """Let nobody connect to a database any more: only then can it be copied at any time."""
    run_apart(_execute(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on an event loop of its own in a thread, from where a loop may exist."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
