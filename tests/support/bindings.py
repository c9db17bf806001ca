"""Lays out service bindings as a pod sees them: one folder a binding, one file a key."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from support.processes.kafka import KafkaServer
from support.processes.minio import ObjectStorageServer
from support.processes.postgres import PostgresServer
from support.processes.rabbitmq import RabbitServer
from support.processes.redis import RedisServer


def write_binding(root: Path, name: str, keys: Mapping[str, str]) -> Path:
    """Write the files of one binding; return its folder."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    for key, value in keys.items():
        path = folder / key
        path.touch(mode=0o600)
        path.write_text(value)
    return folder


def build_postgres_binding(
    server: PostgresServer, database: str, *, role: str = "sup_user"
) -> dict[str, str]:
    """Return the keys of the binding `postgres` for `sup_user` or `sup_owner`."""
    passwords = {"sup_user": server.user_password, "sup_owner": server.owner_password}
    return {
        "type": "postgresql",
        "provider": "sup-messenger",
        "host": "127.0.0.1",
        "port": str(server.port),
        "database": database,
        "username": role,
        "password": passwords[role],
        "sslmode": "disable",
    }


def build_redis_binding(server: RedisServer) -> dict[str, str]:
    """Return the keys of a Redis binding."""
    return {
        "type": "redis",
        "provider": "sup-messenger",
        "host": "127.0.0.1",
        "port": str(server.port),
        "password": server.password,
    }


def build_rabbitmq_binding(server: RabbitServer, vhost: str) -> dict[str, str]:
    """Return the keys of the binding `rabbitmq`."""
    return {
        "type": "rabbitmq",
        "provider": "sup-messenger",
        "host": "127.0.0.1",
        "port": str(server.port),
        "username": server.username,
        "password": server.password,
        "vhost": vhost,
    }


def build_kafka_binding(server: KafkaServer) -> dict[str, str]:
    """Return the keys of the binding `kafka`."""
    return {
        "type": "kafka",
        "bootstrap-servers": server.bootstrap_servers,
        "security-protocol": "SASL_PLAINTEXT",
        "sasl-mechanism": "PLAIN",
        "username": server.username,
        "password": server.password,
    }


def build_object_storage_binding(server: ObjectStorageServer, prefix: str) -> dict[str, str]:
    """Return the keys of the binding `object-storage` with the store's root keys."""
    return {
        "type": "s3",
        "provider": "minio",
        "endpoint": server.endpoint,
        "region": server.region,
        "access-key-id": server.access_key_id,
        "secret-access-key": server.secret_access_key,
        "bucket-prefix": prefix,
    }


def build_credentials() -> dict[str, str]:
    """Return fresh keys of an instance."""
    return {
        name: base64.urlsafe_b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for name, size in (("jwt-secret", 64), ("session-secret", 64), ("encryption-key", 32))
    }


def build_smtp_binding(port: int) -> dict[str, str]:
    """Return the keys of the binding `smtp` for a mail sink on loopback."""
    return {
        "type": "smtp",
        "host": "127.0.0.1",
        "port": str(port),
        "security": "none",
        "from": "SUP <sup@chat.example.org>",
    }
