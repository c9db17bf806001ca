"""The values in force: what size, defaults and explicit choices come to."""

from typing import Literal

from pydantic import Field

from supmessenger_operator.model.base import Model
from supmessenger_operator.model.sizes import REDIS_MAX_MEMORY, SIZES, SizedWorkload
from supmessenger_operator.model.spec import Spec
from supmessenger_operator.model.workload import DataWorkload, PodBlock, Resources, Workload

# The seed's settings; `spec.postgres.embedded.parameters` goes over them.
POSTGRES_PARAMETERS = {
    "effective_cache_size": "1GB",
    "max_connections": "200",
    "shared_buffers": "256MB",
}
# Connections kept free for the superuser, migrations, backups and a person with psql.
RESERVED_CONNECTIONS = 30
EXTERNAL_MAX_CONNECTIONS = 100
# Shares of the pool: sending and history live in api and websocket.
_POOL_WEIGHTS = {"api": 4, "websocket": 3, "media": 1, "worker": 2}
_MOST_PER_PROCESS = 20

ServiceName = Literal["api", "websocket", "media", "worker"]


class EffectiveAmount(Model):
    """An amount of CPU and memory in force."""

    cpu: str = Field(description="Cores.")
    memory: str = Field(description="Bytes.")


class EffectiveWorkload(Model):
    """One workload in force."""

    replicas: int = Field(description="Number of pods.")
    requests: EffectiveAmount = Field(description="What the scheduler reserves.")
    limits: EffectiveAmount = Field(description="The most it may use.")
    storage: str = Field(default="", description="Size of its volume; empty without one.")
    storage_class_name: str = Field(default="", description="Class of its volume, when chosen.")


class PoolSizes(Model):
    """Most database connections of one process of each service."""

    api: int = Field(description="Of an api process.")
    websocket: int = Field(description="Of a websocket process.")
    media: int = Field(description="Of a media process.")
    worker: int = Field(description="Of a worker process.")


class Effective(Model):
    """All values that size moves, as they are in force."""

    size: str = Field(description="The size they come from.")
    postgres: EffectiveWorkload = Field(description="The database.")
    redis_cache: EffectiveWorkload = Field(description="The cache.")
    redis_state: EffectiveWorkload = Field(description="The state store.")
    rabbitmq: EffectiveWorkload = Field(description="The job queue.")
    object_storage: EffectiveWorkload = Field(description="The store of files.")
    worker: EffectiveWorkload = Field(description="The background worker.")
    api: EffectiveWorkload = Field(description="The REST service.")
    websocket: EffectiveWorkload = Field(description="The socket service.")
    media: EffectiveWorkload = Field(description="The media service.")
    edge: EffectiveWorkload = Field(description="The nginx in front.")
    kafka: EffectiveWorkload = Field(description="The event log, when it is on.")
    livekit: EffectiveWorkload = Field(description="The server of calls.")
    turn: EffectiveWorkload = Field(description="The relay for callers.")
    prometheus: EffectiveWorkload = Field(description="The store of metrics.")
    exporters: EffectiveWorkload = Field(description="Each container that exports metrics.")
    grafana: EffectiveWorkload = Field(description="The dashboards.")
    loki: EffectiveWorkload = Field(description="The store of logs.")
    job: EffectiveWorkload = Field(description="A migration or setup Job.")
    backup: EffectiveWorkload = Field(description="A backup Job, with the volume of backups.")
    redis_max_memory: str = Field(description="Bytes the cache may hold.")
    postgres_parameters: dict[str, str] = Field(description="Settings of postgresql.conf.")
    pool_sizes: PoolSizes = Field(description="Database connections of one process.")


def compute_effective(spec: Spec) -> Effective:
    """Return the values in force for this spec."""
    sized = SIZES[spec.size]
    redis, volume = spec.redis.embedded, spec.backup.destination.volume
    blocks: dict[str, PodBlock | None] = {
        "postgres": spec.postgres.embedded,
        "redis-cache": redis,
        "redis-state": redis,
        "rabbitmq": spec.rabbitmq.embedded,
        "object-storage": spec.object_storage.embedded,
        "worker": spec.worker,
        "api": spec.api,
        "websocket": spec.websocket,
        "media": spec.media,
        "edge": spec.edge,
        "kafka": spec.kafka.embedded if spec.kafka is not None else None,
        "livekit": spec.livekit.embedded if spec.livekit is not None else None,
        "turn": spec.turn,
        "prometheus": spec.monitoring.prometheus.embedded if spec.monitoring is not None else None,
        "exporters": None,
        "grafana": None,
        "loki": spec.monitoring.logs if spec.monitoring is not None else None,
        "job": None,
        "backup": DataWorkload(storage=volume) if volume is not None else None,
    }
    workloads = {
        name.replace("-", "_"): _compute_workload(sized[name], block)
        for name, block in blocks.items()
    }
    parameters = {
        **POSTGRES_PARAMETERS,
        **(spec.postgres.embedded.parameters if spec.postgres.embedded is not None else {}),
    }
    return Effective(
        size=spec.size,
        redis_max_memory=(redis.max_memory if redis is not None else None)
        or REDIS_MAX_MEMORY[spec.size],
        postgres_parameters=parameters,
        pool_sizes=compute_pool_sizes(
            {name: workloads[name].replicas for name in _POOL_WEIGHTS},
            max_connections=_parse_max_connections(parameters["max_connections"])
            if spec.postgres.embedded is not None
            else EXTERNAL_MAX_CONNECTIONS,
        ),
        **workloads,
    )


def compute_pool_sizes(replicas: dict[str, int], *, max_connections: int) -> PoolSizes:
    """Share the connections so that the sum, with one surge pod each, stays below the limit."""
    pods = {name: count + 1 for name, count in replicas.items()}
    # Each process has one connection; what is left is shared by weight.
    left = max(0, max_connections - RESERVED_CONNECTIONS - sum(pods.values()))
    weight = sum(_POOL_WEIGHTS[name] * count for name, count in pods.items())
    return PoolSizes(
        **{
            name: min(_MOST_PER_PROCESS, 1 + left * share // weight)
            for name, share in _POOL_WEIGHTS.items()
        }
    )


def _parse_max_connections(text: str) -> int:
    # What is no number is refused elsewhere, with its field path.
    return int(text) if text.isdecimal() else int(POSTGRES_PARAMETERS["max_connections"])


def _compute_workload(sized: SizedWorkload, block: PodBlock | None) -> EffectiveWorkload:
    resources = block.resources if block is not None else Resources()
    storage = block.storage if isinstance(block, DataWorkload) else None
    return EffectiveWorkload(
        replicas=_compute_replicas(sized, block),
        requests=EffectiveAmount(
            cpu=resources.requests.cpu or sized.cpu,
            memory=resources.requests.memory or sized.memory,
        ),
        limits=EffectiveAmount(
            cpu=resources.limits.cpu or sized.cpu_limit,
            memory=resources.limits.memory or sized.memory_limit,
        ),
        storage=(storage.size if storage is not None else None) or sized.storage,
        storage_class_name=storage.class_name if storage is not None else "",
    )


def _compute_replicas(sized: SizedWorkload, block: PodBlock | None) -> int:
    if not isinstance(block, Workload):
        return sized.replicas
    if block.autoscaling is not None:
        return block.autoscaling.min_replicas
    return sized.replicas if block.replicas is None else block.replicas
