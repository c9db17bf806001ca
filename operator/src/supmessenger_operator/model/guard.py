"""What the API server can't know about the core; each refusal names the field and the cure."""

from collections.abc import Iterator, Mapping
from typing import Any

from supmessenger_operator.model.availability import check_available
from supmessenger_operator.model.effective import (
    RESERVED_CONNECTIONS,
    Effective,
    EffectiveWorkload,
)
from supmessenger_operator.model.images import IMAGE_NAMES, RETIRED_IMAGES
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.scalars import parse_quantity
from supmessenger_operator.model.schedule import CRON_NAMES, CRON_RANGES
from supmessenger_operator.model.spec import Spec
from supmessenger_operator.model.workload import PodBlock

_POD_TEMPLATE_KEYS = frozenset({"metadata", "spec"})


def check_spec(spec: Spec) -> None:
    """Refuse what can't work, before anything is built."""
    check_available(spec)
    _check_images(spec)
    _check_redis(spec)
    _check_connections(spec)
    _check_schedule("spec.backup.schedule", spec.backup.schedule)
    for field, block in _find_blocks(spec):
        check_pod_template(f"{field}.podTemplate", block.pod_template)


def check_effective(effective: Effective, spec: Spec) -> None:
    """Refuse requests above limits: the API server would refuse the pods, one by one."""
    for field, workload in _find_workloads(effective, spec):
        check_amounts(f"{field}.resources", workload)
    memory = parse_quantity(effective.redis_cache.limits.memory)
    if parse_quantity(effective.redis_max_memory) >= memory:
        raise Stalled(
            f"{effective.redis_max_memory} does not fit into the cache's memory limit of"
            f" {effective.redis_cache.limits.memory}; lower maxMemory or raise"
            " spec.redis.embedded.resources.limits.memory",
            field="spec.redis.embedded.maxMemory",
        )


def _check_images(spec: Spec) -> None:
    for name in spec.images.overrides:
        if name not in (*IMAGE_NAMES, *RETIRED_IMAGES):
            raise Stalled(
                f"there is no image of this name; the names are {', '.join(IMAGE_NAMES)}",
                field=f"spec.images.overrides.{name}",
            )


def _check_redis(spec: Spec) -> None:
    external = spec.redis.external
    if external is None:
        return
    cache, state = external.cache, external.state
    if (cache.host, cache.port, cache.database) == (state.host, state.port, state.database):
        raise Stalled(
            "the state store must not share the cache's database, which evicts what the state"
            " store has to keep; name another Redis",
            field="spec.redis.external.state",
        )


def _check_connections(spec: Spec) -> None:
    if spec.postgres.embedded is None:
        return
    field = "spec.postgres.embedded.parameters.max_connections"
    given = spec.postgres.embedded.parameters.get("max_connections", "200")
    if not given.isdecimal() or int(given) <= RESERVED_CONNECTIONS + 20:
        raise Stalled(
            f"{given!r} is too few or not a number: {RESERVED_CONNECTIONS} connections are kept"
            f" for maintenance, so set more than {RESERVED_CONNECTIONS + 20}",
            field=field,
        )


def _check_schedule(field: str, schedule: str) -> None:
    for part, (low, high) in zip(schedule.split(), CRON_RANGES, strict=True):
        for item in part.lower().split(","):
            span, _, step = item.partition("/")
            bounds = [] if span in ("*", "?") else span.split("-")
            numbers = [int(bound) for bound in bounds if bound.isdecimal()]
            named = [bound for bound in bounds if not bound.isdecimal()]
            is_sound = (
                all(low <= number <= high for number in numbers)
                and all(name in CRON_NAMES for name in named)
                and len(bounds) <= 2
                and numbers == sorted(numbers)
                and (not step or (step.isdecimal() and int(step) > 0))
            )
            if not is_sound:
                raise Stalled(
                    f"{part!r} is not possible in the schedule {schedule!r}: each of the five"
                    " fields holds numbers of its range, such as 0 2 * * *",
                    field=field,
                )


def check_pod_template(field: str, patch: Mapping[str, Any]) -> None:
    """Refuse a patch that is none of a pod template."""
    unknown = sorted(set(patch) - _POD_TEMPLATE_KEYS)
    if unknown:
        raise Stalled(
            f"{unknown[0]!r} is no part of a pod template; it has metadata and spec", field=field
        )
    for part in _POD_TEMPLATE_KEYS & set(patch):
        if not isinstance(patch[part], Mapping):
            raise Stalled("must be an object", field=f"{field}.{part}")
    containers = patch.get("spec", {}).get("containers", [])
    if not isinstance(containers, list) or not all(
        isinstance(container, Mapping)
        and isinstance(container.get("name"), str)
        and container["name"]
        for container in containers
    ):
        raise Stalled(
            "must be a list of containers, each with the name it is merged by",
            field=f"{field}.spec.containers",
        )


def check_amounts(field: str, workload: EffectiveWorkload) -> None:
    """Refuse a request above its limit."""
    for name in ("cpu", "memory"):
        request, limit = getattr(workload.requests, name), getattr(workload.limits, name)
        if parse_quantity(request) > parse_quantity(limit):
            raise Stalled(
                f"the request of {request} is above the limit of {limit}; raise"
                f" limits.{name} or lower requests.{name}",
                field=f"{field}.requests.{name}",
            )


def _find_blocks(spec: Spec) -> Iterator[tuple[str, PodBlock]]:
    for name in ("edge", "api", "websocket", "media", "worker"):
        yield f"spec.{name}", getattr(spec, name)
    for field, union in (
        ("postgres", spec.postgres),
        ("redis", spec.redis),
        ("rabbitmq", spec.rabbitmq),
        ("objectStorage", spec.object_storage),
    ):
        if union.embedded is not None:
            yield f"spec.{field}.embedded", union.embedded


def _find_workloads(effective: Effective, spec: Spec) -> Iterator[tuple[str, EffectiveWorkload]]:
    for name in ("edge", "api", "websocket", "media", "worker"):
        yield f"spec.{name}", getattr(effective, name)
    if spec.postgres.embedded is not None:
        yield "spec.postgres.embedded", effective.postgres
    if spec.redis.embedded is not None:
        yield "spec.redis.embedded", effective.redis_cache
    if spec.rabbitmq.embedded is not None:
        yield "spec.rabbitmq.embedded", effective.rabbitmq
    if spec.object_storage.embedded is not None:
        yield "spec.objectStorage.embedded", effective.object_storage
