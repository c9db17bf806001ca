"""Judgement, by table: what is observed on the left, what people are told on the right."""

from datetime import timedelta
from typing import Any

import pytest
from support.facts import MESSENGER, NOW, make_facts, make_object, make_report
from support.messengers import make_inputs, make_messenger

from supmessenger_operator.model.checks import Check
from supmessenger_operator.model.components import compute_components
from supmessenger_operator.model.job_message import JobMessage, parse_job_message
from supmessenger_operator.model.outcome import Outcome, Stalled, Waiting
from supmessenger_operator.model.status import Status
from supmessenger_operator.status import compute_status


def look(status: Status, kind: str) -> tuple[str, str]:
    condition = status.find_condition(kind)
    assert condition is not None
    return condition.status, condition.reason


INSTALLED = compute_status(make_facts())


def test_a_platform_that_is_well_is_ready() -> None:
    status = compute_status(make_facts())

    assert look(status, "Ready") == ("True", "AllChecked")
    assert look(status, "Reconciling") == ("False", "Settled")
    assert look(status, "Stalled")[0] == look(status, "Degraded")[0] == "False"
    assert status.phase == "Ready"
    assert status.version == "0.1.0"
    parts = len(compute_components(MESSENGER.spec))
    assert status.components_ready == f"{parts}/{parts}"


def test_every_condition_carries_the_generation_a_reason_and_a_sentence() -> None:
    message = parse_job_message('{"schemaVersion": "003_chats", "run": []}')
    status = compute_status(make_facts(migration_message=message))

    assert status.observed_generation == 3
    assert all(item.observed_generation == 3 and item.reason for item in status.conditions)
    assert [item.type for item in status.conditions if not item.message] == []


@pytest.mark.parametrize("previous", [Status(), INSTALLED])
def test_pods_alone_do_not_make_ready_without_a_live_check(previous: Status) -> None:
    for report in (None, make_report(age=600)):
        status = compute_status(make_facts(report=report, previous=previous))

        assert look(status, "Ready")[0] != "True"
        assert look(status, "PostgresReady") == ("Unknown", "NotChecked")


def test_a_failing_check_of_an_installed_platform_is_degraded() -> None:
    report = make_report(postgres="password authentication failed")
    status = compute_status(make_facts(report=report, previous=INSTALLED))

    assert look(status, "PostgresReady") == ("False", "CheckFailed")
    assert look(status, "Ready")[0] == "False"
    assert look(status, "Degraded")[0] == "True"
    assert status.phase == "Degraded"
    assert "password authentication failed" in status.message


def test_a_failing_check_while_installing_is_on_its_way() -> None:
    report = make_report(object_storage="no such bucket")
    status = compute_status(make_facts(report=report))

    assert look(status, "Degraded")[0] == "False"
    assert look(status, "Reconciling")[0] == "True"
    assert status.phase == "Installing"


def test_what_is_not_ready_for_long_is_no_longer_on_its_way() -> None:
    pod = make_object("StatefulSet", "rabbitmq", is_ready=False, ready=0, message="0 of 1 ready")
    first = compute_status(make_facts(pod))
    moment = NOW + timedelta(minutes=11)
    report = make_report(age=-660)
    later = compute_status(make_facts(pod, previous=first, now=moment, report=report))

    assert look(first, "Reconciling")[0] == "True"
    assert look(later, "RabbitmqReady") == ("False", "NotReadyForLong")
    assert look(later, "Reconciling")[0] == "False"
    assert look(later, "Degraded")[0] == "True"


def test_a_rollout_out_of_time_is_stuck_at_once() -> None:
    pod = make_object("Deployment", "api", is_ready=False, is_stuck=True, ready=0)
    status = compute_status(make_facts(pod))

    assert look(status, "ApiReady") == ("False", "RolloutStuck")
    assert "kubectl describe deployment demo-api -n chat" in status.message
    assert status.phase == "Degraded"


def test_pods_being_replaced_leave_the_component_ready_but_not_the_whole() -> None:
    pod = make_object("Deployment", "api", is_ready=False, ready=1)
    status = compute_status(make_facts(pod, previous=INSTALLED))

    assert look(status, "ApiReady")[0] == "True"
    assert look(status, "Ready") == ("Unknown", "RollingOut")


def test_stalled_tells_the_cure_and_that_the_platform_goes_on() -> None:
    stalled = Stalled("set it right", field="spec.api", reason="InvalidSpec")
    status = compute_status(make_facts(outcome=Outcome(stalled=stalled), previous=INSTALLED))

    assert look(status, "Stalled") == ("True", "InvalidSpec")
    assert look(status, "Reconciling")[0] == "False"
    assert look(status, "Ready") == ("False", "Stalled")
    assert look(status, "ApiReady")[0] == "True"
    assert status.phase == "Stalled"
    assert status.message.startswith("spec.api: set it right")
    assert "goes on running" in status.message


def test_waiting_is_reconciling_with_its_reason() -> None:
    waiting = Waiting("waiting for postgres", reason="WaitingForPostgres")
    status = compute_status(make_facts(outcome=Outcome(waiting=waiting)))

    assert look(status, "Reconciling") == ("True", "WaitingForPostgres")
    assert status.phase == "Installing"
    assert status.version == ""


@pytest.mark.parametrize(
    ("changes", "expected", "phase"),
    [
        ({"is_ready": True}, ("True", "Complete"), "Ready"),
        ({"is_ready": False}, ("False", "Running"), "Migrating"),
        ({"is_ready": False, "is_stuck": True}, ("False", "MigrationFailed"), "Stalled"),
    ],
)
def test_the_migration_job_is_told_as_it_is(
    changes: dict[str, Any], expected: tuple[str, str], phase: str
) -> None:
    outcome = Outcome()
    if changes.get("is_stuck"):
        outcome = Outcome(stalled=Stalled("failed", reason="MigrationsFailed"))
    elif not changes["is_ready"]:
        outcome = Outcome(waiting=Waiting("running", reason="WaitingForMigrations"))
    raw = '{"message": "relation users does not exist", "sqlstate": "42P01"}'
    facts = make_facts(
        migration=make_object("Job", "migrations", **changes),
        migration_message=parse_job_message(raw) if changes.get("is_stuck") else JobMessage(),
        outcome=outcome,
    )
    status = compute_status(facts)

    assert look(status, "Migrated") == expected
    assert status.phase == phase
    if changes.get("is_stuck"):
        migrated = status.find_condition("Migrated")
        assert migrated is not None
        assert "relation users does not exist (sqlstate 42P01)" in migrated.message


def test_the_schema_version_is_what_the_migration_reported() -> None:
    message = parse_job_message('{"schemaVersion": "003_chats", "run": []}')
    status = compute_status(make_facts(migration_message=message))
    later = compute_status(make_facts(migration=None, previous=status))

    assert status.schema_version == later.schema_version == "003_chats"


def test_parts_that_are_off_have_no_condition_but_are_listed() -> None:
    messenger = make_messenger(spec={"backup": {"enabled": False}, "livekit": {"enabled": False}})
    status = compute_status(make_facts(messenger=messenger))
    listed = {item.name: item for item in status.components}

    assert status.find_condition("BackupHealthy") is None
    assert listed["backup"].mode == listed["livekit"].mode == "disabled"
    assert listed["turn"].mode == "disabled"
    assert "no calls to relay" in listed["turn"].message


def test_an_external_service_is_judged_by_its_check_alone() -> None:
    external = {"host": "db", "credentialsSecretRef": {"name": "db"}}
    messenger = make_messenger(spec={"postgres": {"external": external}})
    status = compute_status(make_facts(messenger=messenger))

    assert look(status, "PostgresReady") == ("True", "Checked")
    assert next(c for c in status.components if c.name == "postgres").mode == "external"


def test_mail_that_can_not_be_sent_is_degraded_but_ready() -> None:
    report = make_report()
    smtp = Check(name="smtp", ok=False, message="connection refused")
    status = compute_status(
        make_facts(report=report.model_copy(update={"checks": (*report.checks, smtp)}))
    )

    assert look(status, "Ready")[0] == "True"
    assert look(status, "Degraded") == ("True", "SmtpFailing")
    assert status.phase == "Degraded"


def test_devices_that_can_not_be_woken_are_degraded_but_ready() -> None:
    report = make_report()
    push = Check(name="push", ok=False, message="FCM: the service account is not accepted")
    status = compute_status(
        make_facts(report=report.model_copy(update={"checks": (*report.checks, push)}))
    )

    assert look(status, "Ready")[0] == "True"
    assert look(status, "Degraded") == ("True", "PushFailing")


def test_transition_times_stay_while_the_status_stays() -> None:
    later = compute_status(make_facts(previous=INSTALLED, now=NOW + timedelta(seconds=60)))
    broken = compute_status(
        make_facts(
            previous=later, now=NOW + timedelta(seconds=90), report=make_report(-90, postgres="x")
        )
    )

    def time_of(status: Status) -> str:
        condition = status.find_condition("PostgresReady")
        assert condition is not None
        return condition.last_transition_time

    assert time_of(later) == time_of(INSTALLED) == "2026-01-01T12:00:00Z"
    assert time_of(broken) == "2026-01-01T12:01:30Z"


def test_the_domain_s_record_is_told_once_the_edge_has_an_address() -> None:
    edge = make_object("Service", "edge", addresses=("192.0.2.7",))
    inputs = make_inputs(MESSENGER).model_copy(update={"domain_addresses": ("192.0.2.7",)})
    (record,) = compute_status(make_facts(edge, inputs=inputs)).dns_records

    assert (record.name, record.type, record.value, record.resolves) == (
        "chat.example.org",
        "A",
        "192.0.2.7",
        True,
    )
    assert compute_status(make_facts()).dns_records == ()


def test_a_resource_that_can_not_be_read_keeps_what_was_known() -> None:
    facts = make_facts(
        messenger=None,
        inputs=None,
        previous=INSTALLED,
        outcome=Outcome(stalled=Stalled("no", field="spec.size")),
    )
    status = compute_status(facts)

    assert status.components == INSTALLED.components
    assert status.version == INSTALLED.version
    assert look(status, "Stalled")[0] == "True"
