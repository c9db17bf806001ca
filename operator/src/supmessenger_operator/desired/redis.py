"""Redis: a cache that evicts and a state store that never does, from one builder."""

from dataclasses import dataclass

from supmessenger_operator.desired.container import (
    Container,
    build_binding,
    build_claim,
    build_config_mount,
    build_scratch,
    build_secret_mount,
)
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_probes, build_shell_check
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.backing import RedisEmbedded
from supmessenger_operator.model.effective import EffectiveWorkload
from supmessenger_operator.model.scalars import parse_quantity

CACHE = "redis-cache"
STATE = "redis-state"
PORT = 6379
# Who watches: sees figures, no keys, no values and no configuration, which holds passwords.
MONITOR = "sup_monitor"
USERS_SECRET = "redis-users"  # noqa: S105 - the name of one
_USERS = f"/bindings/{USERS_SECRET}"
# Part of the pod's memory that the state store may fill; the rest is for clients and rewriting.
_STATE_SHARE = 0.6


@dataclass(frozen=True, kw_only=True)
class _Instance:
    component: str
    amounts: EffectiveWorkload
    max_memory: int
    policy: str
    persistent: bool


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return both instances, or nothing when Redis is run elsewhere."""
    embedded = messenger.spec.redis.embedded
    if embedded is None:
        return ()
    effective = messenger.effective
    cache = _Instance(
        component=CACHE,
        amounts=effective.redis_cache,
        max_memory=int(parse_quantity(effective.redis_max_memory)),
        policy=embedded.max_memory_policy,
        persistent=False,
    )
    state = _Instance(
        component=STATE,
        amounts=effective.redis_state,
        max_memory=int(float(parse_quantity(effective.redis_state.limits.memory)) * _STATE_SHARE),
        policy="noeviction",
        persistent=True,
    )
    return tuple(
        built
        for instance in (cache, state)
        for built in _build_instance(messenger, inputs, block=embedded, instance=instance)
    )


def _build_instance(
    messenger: Messenger, inputs: Inputs, *, block: RedisEmbedded, instance: _Instance
) -> tuple[DesiredObject, ...]:
    kinds = Kinds(messenger=messenger, inputs=inputs, component=instance.component, wave=Wave.DATA)
    files = {
        "run.sh": build_file(
            "redis-run.sh",
            {"binding": instance.component, "users": _USERS, "monitor": MONITOR},
        ),
        "redis.conf": build_file(
            "redis.conf.j2",
            {
                "max_memory": instance.max_memory,
                "policy": instance.policy,
                "persistent": instance.persistent,
            },
        ),
    }
    pod = Pod(
        component=instance.component,
        containers=(_build_container(inputs, instance, config_map=kinds.name),),
        config=files,
        grace_seconds=60,
        block=block,
        block_path="spec.redis.embedded",
    )
    return (
        kinds.build_config_map(files),
        kinds.build_service({"redis": (PORT, "redis")}),
        kinds.build_stateful_set(pod, storage=instance.amounts if instance.persistent else None),
    )


def _build_container(inputs: Inputs, instance: _Instance, *, config_map: str) -> Container:
    binding = build_binding(inputs.secrets[instance.component], instance.component)
    # A server that still loads its data answers with an error (-e): started, when it no longer
    # does. One process: what a check that takes too long leaves behind, Redis does not clean up.
    ping = (
        f'IFS= read -r REDISCLI_AUTH < {binding.path}/password || [ -n "$REDISCLI_AUTH" ]'
        " && export REDISCLI_AUTH && exec redis-cli -e -h 127.0.0.1 ping"
    )
    return Container(
        name="redis",
        image=inputs.images["redis"],
        command=("sh", "/etc/sup-redis/run.sh"),
        amounts=instance.amounts,
        ports={"redis": PORT},
        mounts=(
            build_config_mount(config_map, "/etc/sup-redis"),
            binding,
            build_secret_mount(inputs.secrets[USERS_SECRET], name=USERS_SECRET, path=_USERS),
            build_scratch("run", "/run/redis", in_memory=True, limit="1Mi"),
            build_claim("data", "/data") if instance.persistent else build_scratch("data", "/data"),
        ),
        probes=build_probes(
            startup=build_shell_check(ping),
            startup_seconds=600,
            readiness=build_shell_check(ping),
            liveness=build_shell_check(ping),
        ),
    )
