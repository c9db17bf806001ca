"""The doctor's line about alerts."""

import pytest
from support.doctor import make_evidence, make_resource

from supmessenger_cli.doctor.finding import State
from supmessenger_cli.doctor.operations import judge_monitoring


def test_a_receiver_that_this_release_only_accepts_reaches_nobody() -> None:
    resource = make_resource(spec={"monitoring": {"alerts": {"email": {"to": "me@example.org"}}}})
    message = "not yet available in this release"
    resource["status"]["components"].append(
        {"name": "alerts-email", "mode": "unavailable", "message": message}
    )
    found = judge_monitoring(make_evidence(resource=resource))
    assert (found.state, message in found.seen) == (State.WARN, True)
    assert found.cure.startswith("see who fires: kubectl sup open prometheus demo -n chat")


@pytest.mark.parametrize(
    ("alerts", "state"),
    [
        ({}, State.WARN),
        ({"email": {"enabled": False}}, State.WARN),
        ({"email": {}}, State.OK),
        ({"webhook": {"urlSecretRef": {"name": "alerts"}}}, State.OK),
    ],
)
def test_only_a_receiver_that_is_on_is_one(alerts: dict[str, object], state: State) -> None:
    resource = make_resource(spec={"monitoring": {"alerts": alerts}})
    assert judge_monitoring(make_evidence(resource=resource)).state is state
