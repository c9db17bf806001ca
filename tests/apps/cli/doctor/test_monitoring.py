"""The doctor's line about alerts."""

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
