"""The bindings of the worker, read together."""

from dataclasses import dataclass
from pathlib import Path

from supmessenger_common.bindings import (
    ObjectStorageBinding,
    PostgresBinding,
    RabbitBinding,
    RedisBinding,
    SmtpBinding,
    read_object_storage,
    read_postgres,
    read_rabbitmq,
    read_redis,
    read_smtp,
)


@dataclass(frozen=True)
class Bindings:
    """Every connection the worker has or checks."""

    postgres: PostgresBinding
    redis_cache: RedisBinding
    redis_state: RedisBinding
    rabbitmq: RabbitBinding
    object_storage: ObjectStorageBinding
    smtp: SmtpBinding | None


def read_bindings(root: Path) -> Bindings:
    """Read all of them below `root`; raises BindingError naming what is missing."""
    return Bindings(
        postgres=read_postgres(root),
        redis_cache=read_redis(root, "redis-cache"),
        redis_state=read_redis(root, "redis-state"),
        rabbitmq=read_rabbitmq(root),
        object_storage=read_object_storage(root),
        smtp=read_smtp(root),
    )
