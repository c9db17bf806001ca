"""What the sizes promise: two tiny instances fit on a laptop, larger ones are replicated."""

from decimal import Decimal

import pytest
from support.deployables import build_all, compute_requests, list_deployables
from support.messengers import make_messenger

from supmessenger_operator.model.scalars import parse_quantity

# One pod each at every size: what is left out when it goes is no conversation.
_SINGLE = ("livekit", "turn", "exporters", "grafana")


def compute_sum(size: str, resource: str) -> Decimal:
    """Return what the scheduler reserves for a whole instance while all its Jobs run."""
    return sum(
        (
            compute_requests(one.pod, resource) * int(one.body["spec"].get("replicas", 1))
            for one in list_deployables(build_all(make_messenger(spec={"size": size})))
        ),
        Decimal(0),
    )


@pytest.mark.parametrize(
    ("size", "cores", "memory"), [("tiny", "0.5", "2Gi"), ("small", "2", "6Gi")]
)
def test_a_whole_instance_fits_into_its_size(size: str, cores: str, memory: str) -> None:
    assert compute_sum(size, "cpu") <= Decimal(cores)
    assert compute_sum(size, "memory") <= parse_quantity(memory)


def test_each_size_asks_for_more_than_the_one_before() -> None:
    sums = [compute_sum(size, "memory") for size in ("tiny", "small", "medium", "large")]
    assert sums == sorted(set(sums))


def test_no_request_is_above_its_limit() -> None:
    for size in ("tiny", "small", "medium", "large"):
        for one in list_deployables(build_all(make_messenger(spec={"size": size}))):
            for container in one.containers:
                resources = container["resources"]
                for name, request in resources["requests"].items():
                    assert parse_quantity(request) <= parse_quantity(resources["limits"][name])


@pytest.mark.parametrize("size", ["medium", "large"])
def test_replicated_services_keep_a_pod_during_a_disruption(size: str) -> None:
    objects = build_all(make_messenger(spec={"size": size}))
    guarded = {built.component for built in objects if built.kind == "PodDisruptionBudget"}
    assert guarded == {"api", "websocket", "media", "worker", "edge"}
    for one in list_deployables(objects):
        if one.kind == "Deployment" and one.component not in _SINGLE:
            assert one.body["spec"]["replicas"] > 1


def test_a_single_pod_has_no_budget_that_would_block_a_drain() -> None:
    kinds = {built.kind for built in build_all(make_messenger())}
    assert "PodDisruptionBudget" not in kinds


def test_a_rollout_never_takes_a_pod_before_the_next_is_ready() -> None:
    for one in list_deployables(build_all(make_messenger())):
        if one.kind == "Deployment" and one.component not in ("livekit", "turn"):
            rolling = one.body["spec"]["strategy"]["rollingUpdate"]
            assert rolling == {"maxSurge": 1, "maxUnavailable": 0}


def test_explicit_choices_win_over_the_size() -> None:
    block = {"replicas": 3, "resources": {"requests": {"cpu": "123m"}}}
    messenger = make_messenger(spec={"api": block})
    api = next(one for one in list_deployables(build_all(messenger)) if one.component == "api")
    assert api.body["spec"]["replicas"] == 3
    assert api.containers[0]["resources"]["requests"]["cpu"] == "123m"


def test_the_memory_of_programs_fits_into_that_of_their_pods(sample_size: str) -> None:
    messenger = make_messenger(spec={"size": sample_size})
    effective = messenger.effective
    buffers = Decimal(256 * 2**20)
    assert buffers * 2 <= parse_quantity(effective.postgres.limits.memory)
    cache = parse_quantity(effective.redis_max_memory)
    assert cache < parse_quantity(effective.redis_cache.limits.memory)


@pytest.fixture(params=["tiny", "small", "medium", "large"])
def sample_size(request: pytest.FixtureRequest) -> str:
    """Each size."""
    return str(request.param)
