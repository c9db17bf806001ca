"""The schedule of backups: its runs can be seen, and it rests while the instance sleeps."""

from support.messengers import make_inputs, make_messenger

from supmessenger_operator.desired.backup import build_objects
from supmessenger_operator.model.observed import MANAGED_BY, MANAGED_BY_LABEL


def test_runs_carry_the_label_by_which_the_operator_finds_them() -> None:
    messenger = make_messenger()
    (schedule,) = [
        one for one in build_objects(messenger, make_inputs(messenger)) if one.kind == "CronJob"
    ]

    labels = schedule.body["spec"]["jobTemplate"]["metadata"]["labels"]
    assert labels[MANAGED_BY_LABEL] == MANAGED_BY
    assert labels["app.kubernetes.io/component"] == "backup"
    assert "suspend" not in schedule.body["spec"]
