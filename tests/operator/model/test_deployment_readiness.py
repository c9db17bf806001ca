"""A Deployment is ready when its new pods are, whatever the old ones still do."""

from typing import Any

import pytest

from supmessenger_operator.model.observed import parse_observed


def make_deployment(**status: int) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "demo-api", "uid": "u", "generation": 2},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 2, **status},
    }


@pytest.mark.parametrize(
    ("status", "is_ready"),
    [
        ({"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}, True),
        # The old pod serves, the new one is not there yet.
        (
            {
                "replicas": 2,
                "updatedReplicas": 1,
                "availableReplicas": 1,
                "unavailableReplicas": 1,
            },
            False,
        ),
        # The new pod serves, the old one is leaving.
        ({"replicas": 2, "updatedReplicas": 1, "availableReplicas": 2}, True),
        ({"replicas": 1, "updatedReplicas": 0, "availableReplicas": 1}, False),
        ({"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1}, False),
    ],
)
def test_a_rollout_is_over_when_the_new_pods_are_available(
    status: dict[str, int], is_ready: bool
) -> None:
    assert parse_observed(make_deployment(**status)).is_ready is is_ready


def test_pods_that_are_not_there_yet_are_never_counted_below_none() -> None:
    live = make_deployment(updatedReplicas=1, availableReplicas=0, unavailableReplicas=2)
    assert parse_observed(live).message == "0 of 1 pods ready"
