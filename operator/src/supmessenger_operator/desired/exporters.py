"""Exporters: they ask PostgreSQL and Redis, and tell Prometheus.

They have a pod of their own, so that switching monitoring never restarts the data, and an exporter
that fails makes nothing else unready.
"""

from urllib.parse import urlencode

from supmessenger_operator.desired import postgres, redis
from supmessenger_operator.desired.container import Container, build_binding, build_secret_mount
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_http_check, build_probes
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave

COMPONENT = "exporters"
POSTGRES_PORT = 9187
REDIS_PORT = 9121
POSTGRES_SECRET = "postgres-monitor"  # noqa: S105 - the name of one
REDIS_SECRET = "redis-monitor"  # noqa: S105 - the name of one
# Names of ports have at most 15 characters.
_POSTGRES_METRICS = "metrics-pg"
_REDIS_METRICS = "metrics-redis"
# What the metrics of a port tell of.
JOBS = {_POSTGRES_METRICS: postgres.COMPONENT, _REDIS_METRICS: "redis-exporter"}
_PASSWORDS = "/bindings/redis-monitor/passwords.json"


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return Service and Deployment, or nothing when nobody would ask them."""
    if not (messenger.spec.has_prometheus and inputs.has_image("postgres-exporter")):
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.EXTRAS)
    containers = [_build_postgres(messenger, inputs)]
    ports = {"postgres": (POSTGRES_PORT, _POSTGRES_METRICS)}
    if has_redis(messenger, inputs):
        containers.append(_build_redis(messenger, inputs))
        ports["redis"] = (REDIS_PORT, _REDIS_METRICS)
    pod = Pod(component=COMPONENT, containers=tuple(containers), block_path="spec.monitoring")
    return (
        kinds.build_service(ports),
        *kinds.build_deployment(pod, replicas=messenger.effective.exporters.replicas),
    )


def has_redis(messenger: Messenger, inputs: Inputs) -> bool:
    """Whether somebody asks Redis."""
    images = ("postgres-exporter", "redis-exporter")
    return messenger.spec.has_prometheus and all(inputs.has_image(name) for name in images)


def build_redis_addresses(messenger: Messenger) -> dict[str, str]:
    """Return the address of each Redis by its component, as the exporter is asked for it."""
    external = messenger.spec.redis.external
    if external is not None:
        return {
            redis.CACHE: f"redis://{external.cache.host}:{external.cache.port}",
            redis.STATE: f"redis://{external.state.host}:{external.state.port}",
        }
    return {
        component: f"redis://{messenger.object_name(component)}:{redis.PORT}"
        for component in (redis.CACHE, redis.STATE)
    }


def _build_postgres(messenger: Messenger, inputs: Inputs) -> Container:
    binding = build_binding(inputs.secrets[POSTGRES_SECRET], "postgres")
    answers = build_http_check("/", _POSTGRES_METRICS)
    return Container(
        name="postgres",
        image=inputs.images["postgres-exporter"],
        command=("postgres_exporter",),
        amounts=messenger.effective.exporters,
        env={
            "DATA_SOURCE_URI": _build_postgres_address(messenger, folder=binding.path),
            "DATA_SOURCE_USER_FILE": f"{binding.path}/username",
            "DATA_SOURCE_PASS_FILE": f"{binding.path}/password",
        },
        ports={_POSTGRES_METRICS: POSTGRES_PORT},
        mounts=(binding,),
        # Its own page, not the metrics: a database that is away is no fault of the exporter.
        probes=build_probes(startup=answers, readiness=answers, liveness=answers),
    )


def _build_postgres_address(messenger: Messenger, *, folder: str) -> str:
    external = messenger.spec.postgres.external
    if external is None:
        host = messenger.object_name(postgres.COMPONENT)
        return f"{host}:{postgres.PORT}/sup?sslmode=disable"
    words: dict[str, str] = {"sslmode": external.ssl_mode}
    if external.ca_secret_ref is not None:
        words["sslrootcert"] = f"{folder}/ca.crt"
    return f"{external.host}:{external.port}/{external.database}?{urlencode(words, safe='/')}"


def _build_redis(messenger: Messenger, inputs: Inputs) -> Container:
    secret = build_secret_mount(
        inputs.secrets[REDIS_SECRET], name="redis-monitor", path="/bindings/redis-monitor"
    )
    answers = build_http_check("/health", _REDIS_METRICS)
    return Container(
        name="redis",
        image=inputs.images["redis-exporter"],
        command=("redis_exporter",),
        amounts=messenger.effective.exporters,
        env={
            # None of its own: Prometheus names the one it wants to know of.
            "REDIS_ADDR": "",
            "REDIS_PASSWORD_FILE": _PASSWORDS,
            # The configuration holds passwords.
            "REDIS_EXPORTER_CONFIG_COMMAND": "-",
            **({"REDIS_USER": redis.MONITOR} if messenger.spec.redis.external is None else {}),
        },
        ports={_REDIS_METRICS: REDIS_PORT},
        mounts=(secret,),
        probes=build_probes(startup=answers, readiness=answers, liveness=answers),
    )
