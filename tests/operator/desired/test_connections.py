"""The sum of all database pools stays below what PostgreSQL takes."""

from hypothesis import example, given
from hypothesis import strategies as st
from support.deployables import build_all, list_deployables
from support.messengers import make_messenger

from supmessenger_operator.model import Messenger
from supmessenger_operator.model.effective import (
    EXTERNAL_MAX_CONNECTIONS,
    RESERVED_CONNECTIONS,
    compute_pool_sizes,
)

_SERVICES = ("api", "websocket", "media", "worker")
_REPLICAS = st.fixed_dictionaries(
    {name: st.integers(min_value=0, max_value=60) for name in _SERVICES}
)


@example(replicas={"api": 0, "websocket": 0, "media": 60, "worker": 0}, max_connections=96)
@given(replicas=_REPLICAS, max_connections=st.integers(min_value=51, max_value=2000))
def test_pools_fit_beside_the_reserve_while_a_rollout_adds_a_pod_to_each_service(
    replicas: dict[str, int], max_connections: int
) -> None:
    sizes = compute_pool_sizes(replicas, max_connections=max_connections)
    pods = {name: count + 1 for name, count in replicas.items()}
    used = sum(pods[name] * getattr(sizes, name) for name in _SERVICES)
    budget = max_connections - RESERVED_CONNECTIONS
    # With more pods than connections there is no pool of less than one.
    assert used <= max(budget, sum(pods.values()))


@given(replicas=_REPLICAS)
def test_a_process_always_has_a_connection(replicas: dict[str, int]) -> None:
    sizes = compute_pool_sizes(replicas, max_connections=200)
    assert all(getattr(sizes, name) >= 1 for name in _SERVICES)


def test_pods_are_told_their_share(sample: Messenger) -> None:
    total = 0
    for one in list_deployables(build_all(sample)):
        if one.component in _SERVICES:
            env = {each["name"]: each.get("value") for each in one.containers[0]["env"]}
            total += int(env["SUP_POSTGRES_POOL_SIZE"] or 0) * (one.body["spec"]["replicas"] + 1)
    embedded = sample.spec.postgres.embedded is not None
    limit = int(sample.effective.postgres_parameters["max_connections"])
    assert total <= (limit if embedded else EXTERNAL_MAX_CONNECTIONS) - RESERVED_CONNECTIONS


def test_more_connections_are_larger_pools() -> None:
    small, large = (
        make_messenger(
            spec={
                "size": "large",
                "postgres": {"embedded": {"parameters": {"max_connections": number}}},
            }
        )
        for number in ("100", "400")
    )
    assert small.effective.pool_sizes.api < large.effective.pool_sizes.api
