"""Fixtures of the services tier: real servers, and a part of each for one test alone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from support.bindings import (
    build_credentials,
    build_kafka_binding,
    build_object_storage_binding,
    build_postgres_binding,
    build_rabbitmq_binding,
    build_redis_binding,
    write_binding,
)
from support.processes.kafka import KafkaServer, start_kafka
from support.processes.minio import ObjectStorageServer, start_minio
from support.processes.postgres import (
    PostgresServer,
    create_database,
    drop_database,
    start_postgres,
)
from support.processes.rabbitmq import RabbitServer, start_rabbitmq
from support.processes.redis import RedisServer, start_redis
from support.processes.servers import Run
from support.schema import TEMPLATE, provide_template


@pytest.fixture(scope="session")
def postgres_server(server_run: Run) -> PostgresServer:
    """The run's PostgreSQL."""
    return start_postgres(server_run)


@pytest.fixture(scope="session")
def redis_servers(server_run: Run, worker_id: str) -> dict[str, RedisServer]:
    """`redis-cache` and `redis-state` of this worker: channels reach across databases."""
    suffix = "gw" if worker_id == "master" else worker_id
    return {
        name: start_redis(server_run, f"{name}-{suffix}", policy=policy)
        for name, policy in (("redis-cache", "allkeys-lru"), ("redis-state", "noeviction"))
    }


@pytest.fixture(scope="session")
def rabbitmq_server(server_run: Run) -> RabbitServer:
    """The run's RabbitMQ."""
    return start_rabbitmq(server_run)


@pytest.fixture(scope="session")
def object_storage_server(server_run: Run) -> ObjectStorageServer:
    """The run's object store."""
    return start_minio(server_run)


@pytest.fixture(scope="session")
def kafka_server(server_run: Run) -> KafkaServer:
    """The run's Kafka."""
    return start_kafka(server_run)


@pytest.fixture
def kafka_topic() -> str:
    """Name of a topic of this test, which is not made yet."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def kafka_binding(bindings_folder: Path, kafka_server: KafkaServer) -> Path:
    """Folder of the binding `kafka`."""
    return write_binding(bindings_folder, "kafka", build_kafka_binding(kafka_server))


@pytest.fixture
def empty_database(postgres_server: PostgresServer) -> Iterator[str]:
    """Name of a database of this test, owned by sup_owner, without any migration."""
    name = f"empty_{uuid.uuid4().hex}"
    create_database(postgres_server, name)
    yield name
    drop_database(postgres_server, name)


@pytest.fixture
def database(server_run: Run, postgres_server: PostgresServer) -> Iterator[str]:
    """Name of a database of this test with all migrations applied."""
    provide_template(server_run, postgres_server)
    name = f"test_{uuid.uuid4().hex}"
    create_database(postgres_server, name, template=TEMPLATE)
    yield name
    drop_database(postgres_server, name)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, database: str) -> str:
    """Address of the test's database for the role of the services."""
    return postgres_server.build_url(database, "sup_user")


@pytest.fixture
def postgres_owner_url(postgres_server: PostgresServer, database: str) -> str:
    """Address of the test's database for the role that owns the schema."""
    return postgres_server.build_url(database, "sup_owner")


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """A pool on the test's database, as the services' role."""
    pool = await asyncpg.create_pool(postgres_url, min_size=1, max_size=5)
    yield pool
    await pool.close()


@pytest.fixture
def redis_cache(redis_servers: dict[str, RedisServer]) -> RedisServer:
    """The cache, emptied."""
    redis_servers["redis-cache"].flush()
    return redis_servers["redis-cache"]


@pytest.fixture
def redis_state(redis_servers: dict[str, RedisServer]) -> RedisServer:
    """The state store, emptied."""
    redis_servers["redis-state"].flush()
    return redis_servers["redis-state"]


@pytest.fixture
def rabbitmq_vhost(rabbitmq_server: RabbitServer) -> Iterator[str]:
    """Name of a virtual host of this test."""
    name = f"test-{uuid.uuid4().hex}"
    rabbitmq_server.create_vhost(name)
    yield name
    rabbitmq_server.delete_vhost(name)


@pytest.fixture
def rabbitmq_url(rabbitmq_server: RabbitServer, rabbitmq_vhost: str) -> str:
    """AMQP address of the test's virtual host."""
    return rabbitmq_server.build_url(rabbitmq_vhost)


@pytest.fixture
def bucket_prefix() -> str:
    """Prefix of the test's buckets; the buckets are not made yet."""
    return f"t{uuid.uuid4().hex[:16]}-"


@pytest.fixture
def buckets(object_storage_server: ObjectStorageServer, bucket_prefix: str) -> str:
    """Prefix of the test's buckets `media` and `exports`, made and empty."""
    object_storage_server.make_buckets(f"{bucket_prefix}media", f"{bucket_prefix}exports")
    return bucket_prefix


@pytest.fixture
def bindings_folder(tmp_path: Path) -> Path:
    """An empty folder for the bindings of this test."""
    folder = tmp_path / "bindings"
    folder.mkdir()
    return folder


@pytest.fixture
def postgres_binding(bindings_folder: Path, postgres_server: PostgresServer, database: str) -> Path:
    """Folder of the binding `postgres` for the services' role."""
    keys = build_postgres_binding(postgres_server, database)
    return write_binding(bindings_folder, "postgres", keys)


@pytest.fixture
def redis_bindings(
    bindings_folder: Path, redis_cache: RedisServer, redis_state: RedisServer
) -> Path:
    """The bindings `redis-cache` and `redis-state`; returns the folder that holds them."""
    write_binding(bindings_folder, "redis-cache", build_redis_binding(redis_cache))
    write_binding(bindings_folder, "redis-state", build_redis_binding(redis_state))
    return bindings_folder


@pytest.fixture
def rabbitmq_binding(
    bindings_folder: Path, rabbitmq_server: RabbitServer, rabbitmq_vhost: str
) -> Path:
    """Folder of the binding `rabbitmq`."""
    keys = build_rabbitmq_binding(rabbitmq_server, rabbitmq_vhost)
    return write_binding(bindings_folder, "rabbitmq", keys)


@pytest.fixture
def object_storage_binding(
    bindings_folder: Path, object_storage_server: ObjectStorageServer, buckets: str
) -> Path:
    """Folder of the binding `object-storage`, with the store's root keys."""
    keys = build_object_storage_binding(object_storage_server, buckets)
    return write_binding(bindings_folder, "object-storage", keys)


@pytest.fixture
def credentials_binding(bindings_folder: Path) -> Path:
    """Folder of the binding `credentials`."""
    return write_binding(bindings_folder, "credentials", build_credentials())


@pytest.fixture
def binding_root(
    bindings_folder: Path,
    postgres_binding: Path,
    redis_bindings: Path,
    rabbitmq_binding: Path,
    object_storage_binding: Path,
    credentials_binding: Path,
) -> Path:
    """What a service sees at SERVICE_BINDING_ROOT: every binding but smtp."""
    return bindings_folder
