"""The doctor's judgement, by table: what is seen on the left, what people are told on the right."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.doctor import (
    NOW,
    make_api,
    make_evidence,
    make_object,
    make_pod,
    make_resource,
    make_service,
)

from supmessenger_cli.doctor import exposure, operations, passwords, trouble
from supmessenger_cli.doctor.catalogue import SECTIONS, Judge
from supmessenger_cli.doctor.evidence import Certificate, Connections, Evidence
from supmessenger_cli.doctor.finding import State
from supmessenger_cli.doctor.kubelet import Usage

CRASHING: dict[str, Any] = {
    "containerStatuses": [{"name": "api", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
}
KILLED: dict[str, Any] = {
    "containerStatuses": [
        {
            "name": "api",
            "state": {"running": {}},
            "lastState": {
                "terminated": {"reason": "OOMKilled", "finishedAt": "2026-01-01T11:50:00Z"}
            },
        }
    ]
}
UNSCHEDULED: dict[str, Any] = {
    "conditions": [{"type": "PodScheduled", "status": "False", "message": "no room"}]
}


def certify(**changes: Any) -> Evidence:
    values: dict[str, Any] = {"ends": NOW + timedelta(days=60), "names": ("chat.example.org",)}
    return make_evidence(certificate=Certificate(**(values | changes)))


def resource(spec: dict[str, Any] | None = None, **conditions: tuple[str, str]) -> Evidence:
    return make_evidence(resource=make_resource(spec=spec, conditions=conditions))


def test_an_instance_that_is_well_passes_every_check() -> None:
    evidence = make_evidence()
    found = [judge(evidence) for section in SECTIONS for judge in section.judges]
    assert [one for one in found if one.state is not State.OK] == []


def test_every_line_of_the_seed_has_its_check() -> None:
    checklist, variables, trouble_topics = (
        [judge(make_evidence()).check for judge in section.judges] for section in SECTIONS
    )
    assert checklist == [
        "Change all default passwords",
        "Generate strong JWT_SECRET (64+ characters)",
        "Enable SSL/TLS certificates",
        "Configure firewall rules",
        "Set up database backups",
        "Enable rate limiting",
        "Configure CORS properly",
        "Set secure Redis password",
        "Update RabbitMQ credentials",
        "Review and restrict exposed ports",
        "Enable monitoring and alerts",
        "Set up log rotation",
        "Configure email SMTP",
        "Set up push notifications",
    ]
    assert variables == [
        "DATABASE_PASSWORD",
        "JWT_SECRET",
        "SESSION_SECRET",
        "ENCRYPTION_KEY",
        "REDIS_PASSWORD",
        "RABBITMQ_PASSWORD",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
    ]
    assert trouble_topics == [
        "Service won't start",
        "Database connection issues",
        "Out of disk space",
        "High memory usage",
    ]


@pytest.mark.parametrize(
    ("judge", "evidence", "state", "said"),
    [
        (
            passwords.judge_passwords,
            make_evidence(secrets={("postgres", "password"): "changeme"}),
            State.FAIL,
            "postgres/password is a well-known default",
        ),
        (
            passwords.judge_passwords,
            make_evidence(secrets={("postgres", "password"): "a" * 40}),
            State.FAIL,
            "guessable",
        ),
        (
            passwords.judge_jwt_secret,
            make_evidence(secrets={("credentials", "jwt-secret"): "aB3dE6gH9jK2mN5pQ8sT"}),
            State.FAIL,
            "has 20 characters, of 64 or more",
        ),
        (
            passwords.judge_redis,
            make_evidence(open_doors={"redis-cache": "PONG"}),
            State.FAIL,
            "answers without a password",
        ),
        (passwords.judge_redis, make_evidence(open_doors={}), State.UNKNOWN, "could not be asked"),
        (
            passwords.judge_rabbitmq,
            make_evidence(open_doors={"rabbitmq": "200"}),
            State.FAIL,
            "guest/guest",
        ),
        (exposure.judge_tls, resource({"tls": {"disabled": {}}}), State.FAIL, "in the clear"),
        (exposure.judge_tls, certify(ends=NOW - timedelta(days=2)), State.FAIL, "ended on"),
        (exposure.judge_tls, certify(ends=NOW + timedelta(days=3)), State.WARN, "3 days"),
        (exposure.judge_tls, certify(names=("other.example.org",)), State.FAIL, "not chat."),
        (exposure.judge_tls, certify(names=("*.example.org",)), State.OK, "chain whole"),
        (exposure.judge_tls, certify(fault="the chain is broken"), State.FAIL, "broken"),
        (exposure.judge_tls, make_evidence(certificate=None), State.UNKNOWN, "could be read"),
        (exposure.judge_tls, resource({"tls": {"selfSigned": {}}}), State.WARN, "own authority"),
        (
            exposure.judge_firewall,
            make_evidence(make_object("Deployment", "media")),
            State.FAIL,
            "no policy for media",
        ),
        (
            exposure.judge_rate_limits,
            make_evidence(make_api(SUP_RATE_LIMITS_ENABLED="false")),
            State.FAIL,
            "off",
        ),
        (
            exposure.judge_cors,
            make_evidence(make_api(SUP_CORS_ALLOWED_ORIGINS="*")),
            State.FAIL,
            "any origin",
        ),
        (
            exposure.judge_cors,
            make_evidence(make_api(SUP_CORS_ALLOWED_ORIGINS="http://app.example.org")),
            State.WARN,
            "not over TLS",
        ),
        (
            exposure.judge_ports,
            make_evidence(make_service("postgres", "NodePort", 5432)),
            State.FAIL,
            "demo-postgres 5432",
        ),
        (
            exposure.judge_ports,
            make_evidence(make_service("postgres", "ClusterIP", 5432)),
            State.OK,
            "demo-edge 443",
        ),
        (
            exposure.judge_ports,
            make_evidence(make_service("turn", "LoadBalancer", 3478, 49152, 49153, 49154)),
            State.OK,
            "demo-turn 3478/49152–49154",
        ),
        (
            operations.judge_backups,
            resource({"backup": {"enabled": False}}),
            State.FAIL,
            "off",
        ),
        (
            operations.judge_backups,
            resource(BackupHealthy=("False", "demo-backup-1 failed; see")),
            State.FAIL,
            "demo-backup-1 failed",
        ),
        (
            operations.judge_backups,
            resource(BackupHealthy=("Unknown", "the first is due")),
            State.WARN,
            "due",
        ),
        (operations.judge_monitoring, resource({"monitoring": {}}), State.WARN, "nobody"),
        (
            operations.judge_monitoring,
            resource(PrometheusReady=("False", "no pod")),
            State.FAIL,
            "not ready: prometheus",
        ),
        (operations.judge_log_rotation, make_evidence(log_rotation={}), State.FAIL, "don't cut"),
        (operations.judge_log_rotation, make_evidence(log_rotation=None), State.UNKNOWN, "kubelet"),
        (operations.judge_smtp, resource({"smtp": None}), State.WARN, "not configured"),
        (
            operations.judge_smtp,
            make_evidence(checks={"smtp": {"ok": False, "message": "535 no"}}),
            State.FAIL,
            "535 no",
        ),
        (operations.judge_smtp, make_evidence(checks=None), State.UNKNOWN, "did not answer"),
        (operations.judge_push, resource({"push": None}), State.WARN, "not configured"),
        (
            trouble.judge_starting,
            make_evidence(make_pod("api", **CRASHING)),
            State.FAIL,
            "CrashLoopBackOff (api)",
        ),
        (
            trouble.judge_starting,
            make_evidence(make_pod("api", **UNSCHEDULED)),
            State.FAIL,
            "not scheduled: no room",
        ),
        (
            trouble.judge_starting,
            make_evidence(make_pod("api", **KILLED)),
            State.WARN,
            "restarted within the hour: demo-api",
        ),
        (
            trouble.judge_starting,
            resource(Hibernated=("True", "asleep")),
            State.WARN,
            "stopped on purpose",
        ),
        (
            trouble.judge_starting,
            resource(Stalled=("True", "spec.x: correct it")),
            State.FAIL,
            "waits for a person",
        ),
        (
            trouble.judge_database,
            make_evidence(checks={"postgres": {"ok": False, "message": "refused"}}),
            State.FAIL,
            "refused",
        ),
        (
            trouble.judge_database,
            make_evidence(connections=Connections(used=190, most=200)),
            State.FAIL,
            "190 of 200",
        ),
        (
            trouble.judge_database,
            resource(Migrated=("False", "syntax error")),
            State.FAIL,
            "syntax error",
        ),
        (
            trouble.judge_disk,
            make_evidence(volumes={"data": Usage(used=95, capacity=100)}),
            State.FAIL,
            "volume data 95 %",
        ),
        (
            trouble.judge_disk,
            make_evidence(disks={"one": Usage(used=85, capacity=100)}),
            State.WARN,
            "node one 85 %",
        ),
        (trouble.judge_disk, make_evidence(sees_kubelets=False), State.UNKNOWN, "kubelets"),
        (
            trouble.judge_memory,
            make_evidence(make_pod("api", **KILLED)),
            State.FAIL,
            "killed for lack of memory: demo-api/api",
        ),
        (
            trouble.judge_memory,
            make_evidence(memory={("demo-api", "api"): 127 * 2**20}),
            State.WARN,
            "99 % of its limit",
        ),
    ],
)
def test_what_is_seen_is_judged(judge: Judge, evidence: Evidence, state: State, said: str) -> None:
    found = judge(evidence)

    assert (found.state, said in found.seen) == (state, True), found
    assert bool(found.cure) == (state is not State.OK)


def test_without_the_right_to_read_secrets_nothing_is_claimed() -> None:
    evidence = replace(make_evidence(), secrets=None)
    for judge in (passwords.judge_passwords, *SECTIONS[1].judges[:6]):
        assert judge(evidence).state is State.UNKNOWN


def test_no_finding_ever_holds_a_secret() -> None:
    value = "hunter2-hunter2-hunter2"
    secrets = {("postgres", "password"): value, ("rabbitmq", "password"): value}
    evidence = make_evidence(secrets=secrets)
    told = str([judge(evidence) for section in SECTIONS for judge in section.judges])
    assert value not in told
    assert value not in repr(evidence)
