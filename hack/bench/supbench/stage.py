"""Servers and a database for the measurements, started by the code that starts them for tests."""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from support.bindings import (
    build_credentials,
    build_postgres_binding,
    build_redis_binding,
    write_binding,
)
from support.processes.postgres import create_database, start_postgres
from support.processes.redis import start_redis
from support.processes.servers import (
    Program,
    Run,
    probe_free_port,
    start_guarded,
    stop_all,
    stop_guardian,
    wait_until_ready,
)
from support.schema import TEMPLATE, provide_template
from support.socket_service import DOMAIN
from support.tiers import gather_services_missing

from supbench.usage import find_child
from supdev.services import Service, probe_ready
from supmessenger_common.bindings import read_postgres
from supmessenger_common.database import Pool, open_pool

_READY_SECONDS = 60


class BenchError(Exception):
    """Something cannot be measured here; the message says the cure."""


@dataclass(frozen=True)
class Ground:
    """What one scenario stands on: bindings that lead to a database of its own."""

    bindings: Path
    owner_url: str

    @asynccontextmanager
    async def open_pool(self, size: int) -> AsyncIterator[Pool]:
        """Yield a pool with the settings the services have."""
        binding = read_postgres(self.bindings)
        pool = await open_pool(binding, size=size, application_name="bench", minimum=size)
        yield pool
        # Not in `finally`: after a failure the connections may be busy, and the server ends too.
        await pool.close()

    async def analyze(self) -> None:
        """Let PostgreSQL know its tables, as autovacuum does for an instance."""
        connection = await asyncpg.connect(self.owner_url)
        await connection.execute("ANALYZE")
        await connection.close()


@dataclass(frozen=True)
class Stage:
    """The servers of a run; each starts when the first scenario asks for it."""

    run: Run
    versions: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> Ground:
        """Start PostgreSQL and both Redis, make a migrated database, and write the bindings."""
        missing = gather_services_missing()
        if missing:
            raise BenchError("; ".join(str(each) for each in missing))
        postgres = start_postgres(self.run)
        provide_template(self.run, postgres)
        database = f"bench_{uuid.uuid4().hex}"
        create_database(postgres, database, template=TEMPLATE)
        root = self.run.folder / database
        write_binding(root, "postgres", build_postgres_binding(postgres, database))
        write_binding(root, "credentials", build_credentials())
        for name, policy in (("redis-cache", "allkeys-lru"), ("redis-state", "noeviction")):
            redis = start_redis(self.run, name, policy=policy)
            write_binding(root, name, build_redis_binding(redis))
        self.versions.update(PostgreSQL=postgres.version.split()[0], Redis=redis.version)
        return Ground(root, postgres.build_url(database, "sup_owner"))

    @contextmanager
    def run_socket_service(self, ground: Ground) -> Iterator[Service]:
        """Yield a ready `sup-websocket` process; its `pid` is the service's own."""
        name = f"websocket-{ground.bindings.name}"
        port, metrics_port = probe_free_port(), probe_free_port()
        folder = self.run.folder / name
        folder.mkdir()
        env = {
            "SERVICE_BINDING_ROOT": str(ground.bindings),
            "SUP_DOMAIN": DOMAIN,
            "SUP_HOST": "127.0.0.1",
            "SUP_PORT": str(port),
            "SUP_METRICS_PORT": str(metrics_port),
            "SUP_LOG_LEVEL": "warning",
            "SUP_DRAIN_SECONDS": "2",
        }
        script = str(Path(sys.executable).with_name("sup-websocket"))
        program = Program(command=(script,), env=env)
        guardian = start_guarded(self.run, name, folder=folder, program=program)
        service = Service("websocket", port, metrics_port, guardian)
        wait_until_ready(
            self.run,
            name,
            pid=guardian,
            is_ready=lambda: probe_ready(service),
            seconds=_READY_SECONDS,
        )
        try:
            yield Service("websocket", port, metrics_port, find_child(guardian))
        finally:
            stop_guardian(guardian)


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Yield an empty stage; afterwards all its processes and files are gone."""
    folder = Path(tempfile.mkdtemp(prefix="sup-bench-"))
    folder.chmod(0o711)  # the server that refuses root must reach its own folder below
    run = Run(folder, watch=os.getpid())
    try:
        yield Stage(run)
    finally:
        stop_all(run)
        shutil.rmtree(folder, ignore_errors=True)
