"""Facts of a platform that is well, for tests of judgement: name only what is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from support.messengers import make_inputs, make_messenger

from supmessenger_operator.model.checks import Check, CheckReport
from supmessenger_operator.model.components import compute_components
from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.observed import ObservedObject
from supmessenger_operator.model.outcome import Outcome
from supmessenger_operator.model.status import Status

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MESSENGER = make_messenger()


def make_object(kind: str, component: str, **changes: Any) -> ObservedObject:
    values: dict[str, Any] = {
        "kind": kind,
        "name": f"demo-{component}",
        "component": component,
        "uid": component,
        "owner_uid": MESSENGER.metadata.uid,
        "fingerprint": "",
        "is_ready": True,
        "desired": 1,
        "ready": 1,
    }
    return ObservedObject(**(values | changes))


def make_facts(*others: ObservedObject, **changes: Any) -> Facts:
    """Return the facts of a platform that is well, but for what is named."""
    replaced = {(item.kind, item.component) for item in others}
    workloads = [
        make_object(component.workload, component.name)
        for component in compute_components(MESSENGER.spec)
        if (component.workload, component.name) not in replaced
    ]
    schedule = make_object("CronJob", "backup")
    well = [*workloads, *([] if ("CronJob", "backup") in replaced else [schedule])]
    values: dict[str, Any] = {
        "generation": 3,
        "now": NOW,
        "previous": Status(),
        "outcome": Outcome(),
        "messenger": MESSENGER,
        "inputs": make_inputs(MESSENGER),
        "observed": (*well, *others),
        "report": make_report(),
        "migration": make_object("Job", "migrations"),
    }
    return Facts(**(values | changes))


def make_report(age: float = 1, **failing: str) -> CheckReport:
    return CheckReport(
        checked_at=NOW - timedelta(seconds=age),
        checks=tuple(
            Check(
                name=component.name,
                ok=component.name.replace("-", "_") not in failing,
                message=failing.get(component.name.replace("-", "_"), ""),
            )
            for component in compute_components(MESSENGER.spec)
        ),
    )
