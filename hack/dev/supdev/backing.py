"""The backing services of a development run, and the bindings that lead to them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.bindings import (
    build_credentials,
    build_object_storage_binding,
    build_postgres_binding,
    build_rabbitmq_binding,
    build_redis_binding,
    build_smtp_binding,
    write_binding,
)
from support.processes.minio import ObjectStorageServer, start_minio
from support.processes.postgres import (
    PostgresServer,
    create_database,
    has_database,
    start_postgres,
)
from support.processes.rabbitmq import RabbitServer, start_rabbitmq
from support.processes.redis import RedisServer, start_redis
from support.processes.servers import Program, Run, start_guarded, wait_until_ready

from supdev.ports import choose_port, is_listening

DATABASE = "sup"
PREFIX = "dev-"
_USERS = ("media", "worker", "backup")

Say = Callable[[str], None]


@dataclass(frozen=True)
class MailSink:
    """Where the platform's emails end."""

    smtp_port: int
    http_port: int


@dataclass(frozen=True)
class Backing:
    """Everything the four services stand on."""

    postgres: PostgresServer
    redis_cache: RedisServer
    redis_state: RedisServer
    rabbitmq: RabbitServer
    object_storage: ObjectStorageServer
    mail: MailSink


def start_backing(run: Run, root: Path, *, say: Say) -> Backing:
    """Start all backing services, each with a line about it."""
    postgres = start_postgres(run, port=choose_port(5432))
    say(f"PostgreSQL {postgres.version} on port {postgres.port}")
    cache = start_redis(run, "redis-cache", policy="allkeys-lru", port=choose_port(6379))
    state = start_redis(run, "redis-state", policy="noeviction", port=choose_port(6380))
    say(f"Redis {cache.version} on ports {cache.port} and {state.port}")
    storage = start_minio(run, port=choose_port(9000), console_port=choose_port(9001))
    say(f"MinIO {storage.version} on port {storage.port}")
    rabbitmq = start_rabbitmq(run, port=choose_port(5672), management_port=choose_port(15672))
    say(f"RabbitMQ {rabbitmq.version} on port {rabbitmq.port}")
    mail = start_mail_sink(run, root)
    say(f"mail sink on port {mail.smtp_port}")
    return Backing(postgres, cache, state, rabbitmq, storage, mail)


def start_mail_sink(run: Run, root: Path) -> MailSink:
    """Start the mail server that keeps what it gets."""
    sink = MailSink(choose_port(2525), choose_port(8025))
    folder = run.folder / "smtp-sink"
    folder.mkdir(exist_ok=True)
    script = root / "hack" / "images" / "smtp-sink" / "smtp_sink.py"
    ports = ("--smtp-port", str(sink.smtp_port), "--http-port", str(sink.http_port))
    program = Program(command=(sys.executable, str(script), "--host", "127.0.0.1", *ports))
    pid = start_guarded(run, "smtp-sink", folder=folder, program=program)
    wait_until_ready(
        run,
        "smtp-sink",
        pid=pid,
        is_ready=lambda: is_listening(sink.smtp_port) and is_listening(sink.http_port),
        seconds=30,
    )
    return sink


def write_bindings(run: Run, backing: Backing) -> Path:
    """Write the bindings of every service and Job; return the folder, one subfolder each."""
    root = run.folder / "bindings"
    credentials = _read_or_make_credentials(run.folder / "credentials.json")
    users = _read_or_make_users(run.folder / "object-storage-users.json", backing)
    for service in ("api", "websocket", "media", "worker"):
        folder = root / service
        postgres = build_postgres_binding(backing.postgres, DATABASE)
        write_binding(folder, "postgres", postgres)
        write_binding(folder, "redis-cache", build_redis_binding(backing.redis_cache))
        write_binding(folder, "redis-state", build_redis_binding(backing.redis_state))
        write_binding(folder, "rabbitmq", build_rabbitmq_binding(backing.rabbitmq, "/"))
        write_binding(folder, "credentials", credentials)
        write_binding(folder, "object-storage", users["worker" if service == "worker" else "media"])
        write_binding(folder, "smtp", build_smtp_binding(backing.mail.smtp_port))
    owner = build_postgres_binding(backing.postgres, DATABASE, role="sup_owner")
    write_binding(root / "jobs", "postgres", owner)
    store = build_object_storage_binding(backing.object_storage, PREFIX)
    write_binding(root / "jobs", "object-storage", store)
    for user in _USERS:
        write_binding(root / "jobs", f"object-storage-{user}", users[user])
    return root


def _read_or_make_credentials(path: Path) -> dict[str, str]:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps(build_credentials()))
    credentials: dict[str, str] = json.loads(path.read_text())
    return credentials


def _read_or_make_users(path: Path, backing: Backing) -> dict[str, dict[str, str]]:
    """Return the bindings of the store's users; their keys stay, addresses may change."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps({user: secrets.token_urlsafe(24) for user in _USERS}))
    found: Mapping[str, str] = json.loads(path.read_text())
    common = build_object_storage_binding(backing.object_storage, PREFIX)
    return {
        user: common | {"access-key-id": f"{PREFIX}{user}", "secret-access-key": secret}
        for user, secret in found.items()
    }


def prepare(run: Run, root: Path, bindings: Path, backing: Backing) -> None:
    """Bring schema and buckets up to date with the Jobs' own commands."""
    if not has_database(backing.postgres, DATABASE):
        create_database(backing.postgres, DATABASE)
    env = os.environ | {
        "SERVICE_BINDING_ROOT": str(bindings / "jobs"),
        "SUP_MIGRATIONS_DIR": str(root / "apps" / "api" / "migrations"),
        "SUP_TERMINATION_LOG": str(run.folder / "termination-log"),
    }
    for command in (
        ("supmessenger_api.migrations.main", "up"),
        ("supmessenger_worker.object_storage_setup.main",),
    ):
        subprocess.run([sys.executable, "-m", *command], check=True, env=env)
