"""The servers of the services tier do what the other tests rely on."""

from pathlib import Path
from typing import Literal

import aio_pika
import asyncpg
import pytest
from redis.asyncio import Redis
from support.processes.minio import ObjectStorageServer
from support.processes.postgres import PostgresServer
from support.processes.redis import RedisServer, send_commands

from minio import Minio
from supmessenger_common import bindings
from supmessenger_common.database import Pool, open_pool

pytestmark = pytest.mark.services


async def test_a_database_has_the_schema_and_the_services_may_use_it(postgres: Pool) -> None:
    assert await postgres.fetchval("SELECT count(*) FROM users") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await postgres.execute("CREATE TABLE intruder ()")


async def test_an_empty_database_has_no_tables(
    postgres_server: PostgresServer, empty_database: str
) -> None:
    connection = await asyncpg.connect(postgres_server.build_url(empty_database, "sup_owner"))
    tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert tables == 0


async def test_every_binding_reaches_a_server(
    binding_root: Path, redis_cache: RedisServer, object_storage_server: ObjectStorageServer
) -> None:
    pool = await open_pool(bindings.read_postgres(binding_root), size=1, application_name="test")
    assert await pool.fetchval("SELECT current_user") == "sup_user"
    await pool.close()

    names: tuple[Literal["redis-cache", "redis-state"], ...] = ("redis-cache", "redis-state")
    for name in names:
        redis = bindings.read_redis(binding_root, name)
        client = Redis(host=redis.host, port=redis.port, password=redis.password)
        assert await client.dbsize() == 0
        await client.set("key", "value")
        await client.aclose()

    rabbit = bindings.read_rabbitmq(binding_root)
    connection = await aio_pika.connect(
        host=rabbit.host,
        port=rabbit.port,
        login=rabbit.username,
        password=rabbit.password,
        virtualhost=rabbit.vhost,
    )
    channel = await connection.channel()
    queue = await channel.declare_queue("hello", durable=True)
    assert queue.declaration_result.message_count == 0
    await connection.close()

    storage = bindings.read_object_storage(binding_root)
    store = Minio(
        storage.endpoint.removeprefix("http://"),
        access_key=storage.access_key_id,
        secret_key=storage.secret_access_key,
        secure=False,
    )
    assert store.bucket_exists(storage.bucket("media"))
    assert list(store.list_objects(storage.bucket("media"))) == []


def test_a_test_finds_redis_empty(redis_cache: RedisServer, redis_state: RedisServer) -> None:
    for server in (redis_cache, redis_state):
        assert ":0" in send_commands(server.port, server.password, "DBSIZE")
