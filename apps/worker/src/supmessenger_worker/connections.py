"""The bindings of the worker, read together."""

from dataclasses import dataclass
from pathlib import Path

from supmessenger_common.bindings import (
    BindingError,
    KafkaBinding,
    LivekitBinding,
    ObjectStorageBinding,
    PostgresBinding,
    RabbitBinding,
    RedisBinding,
    SmtpBinding,
    TurnBinding,
    read_kafka,
    read_livekit,
    read_object_storage,
    read_postgres,
    read_rabbitmq,
    read_redis,
    read_smtp,
    read_turn,
)
from supmessenger_common.log import get_logger

_log = get_logger("connections")


@dataclass(frozen=True)
class Bindings:
    """Every connection the worker has or checks."""

    postgres: PostgresBinding
    redis_cache: RedisBinding
    redis_state: RedisBinding
    rabbitmq: RabbitBinding
    object_storage: ObjectStorageBinding
    smtp: SmtpBinding | None
    kafka: KafkaBinding | None = None
    livekit: LivekitBinding | None = None
    turn: TurnBinding | None = None


def read_bindings(root: Path) -> Bindings:
    """Read all of them below `root`; raises BindingError naming what is missing."""
    return Bindings(
        postgres=read_postgres(root),
        redis_cache=read_redis(root, "redis-cache"),
        redis_state=read_redis(root, "redis-state"),
        rabbitmq=read_rabbitmq(root),
        object_storage=read_object_storage(root),
        smtp=read_smtp(root),
        kafka=read_event_log(root),
        livekit=read_media_server(root),
        turn=read_relay(root),
    )


def read_media_server(root: Path) -> LivekitBinding | None:
    """Read the binding `livekit`; a broken one costs the rooms of calls, nothing else."""
    try:
        return read_livekit(root)
    except BindingError as error:
        _log.error("no media server", why=str(error))
        return None


def read_event_log(root: Path) -> KafkaBinding | None:
    """Read the binding `kafka`; a broken one costs the events, nothing else."""
    try:
        return read_kafka(root)
    except BindingError as error:
        _log.error("no event log", why=str(error))
        return None


def read_relay(root: Path) -> TurnBinding | None:
    """Read the binding `turn`; a broken one costs the check of the relay, nothing else."""
    try:
        return read_turn(root)
    except BindingError as error:
        _log.error("no relay", why=str(error))
        return None
