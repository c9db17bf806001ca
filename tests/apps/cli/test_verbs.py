"""What verbs decide without a cluster."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from supmessenger_cli.checkout import find_checkout
from supmessenger_cli.components import choose_component
from supmessenger_cli.health import parse_health
from supmessenger_cli.jobs import build_job, describe_pod
from supmessenger_cli.manifest import Wish, build_manifest
from supmessenger_cli.migrations import find_last_applied, parse_states
from supmessenger_cli.reference import build_reference
from supmessenger_cli.scope import Scope, choose_name
from supmessenger_cli.target import Kubectl
from supmessenger_cli.terminal import VerbFailure, WrongUse
from supmessenger_cli.verbs.backup import find_last_line, format_bytes
from supmessenger_cli.verbs.clean import build_announcement
from supmessenger_cli.verbs.deploy import find_messengers
from supmessenger_cli.verbs.logs import merge_lines
from supmessenger_cli.verbs.migrate import is_backup_recent
from supmessenger_cli.verbs.open import PAGES, build_credentials, build_cure
from supmessenger_cli.verbs.restart import RESTARTED_AT, is_restarted
from supmessenger_cli.verbs.smoke import choose_sink
from supmessenger_cli.verbs.stop import refuse_paused

SCOPE = Scope(kubectl=Kubectl(), namespace="chat", name="demo")
CHECKOUT = Path(__file__).resolve().parents[3]


def test_the_only_instance_needs_no_name() -> None:
    assert choose_name(["demo"], namespace="chat") == "demo"
    with pytest.raises(WrongUse, match="kubectl sup setup"):
        choose_name([], namespace="chat")
    with pytest.raises(WrongUse, match="namespace chat has a, b"):
        choose_name(["b", "a"], namespace="chat")


@pytest.mark.parametrize(
    ("word", "component"), [("api", "api"), ("nginx", "edge"), ("minio", "object-storage")]
)
def test_components_answer_to_the_words_of_the_seed(word: str, component: str) -> None:
    assert choose_component(word, ["api", "edge", "object-storage"]) == component


def test_an_unknown_component_names_those_there_are() -> None:
    with pytest.raises(WrongUse, match="there are api, edge"):
        choose_component("kafka", ["edge", "api", "api"])


def test_a_manifest_says_only_what_was_asked_for() -> None:
    wish = Wish(name="demo", namespace="chat", domain="chat.example.org", size="tiny", calls=False)
    assert build_manifest(wish)["spec"] == {
        "domain": "chat.example.org",
        "size": "tiny",
        "livekit": {"enabled": False},
        "turn": {"enabled": False},
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"domain": "Chat Example"}, "is no domain"),
        ({"domain": "localhost"}, "is no domain"),
        ({"name": "Demo"}, "is no name"),
        ({"name": "a" * 27}, "is no name"),
        ({"size": "huge"}, "tiny, small, medium, large"),
    ],
)
def test_wrong_answers_are_told_before_anything_is_made(change: dict[str, str], said: str) -> None:
    wish = {"name": "demo", "namespace": "chat", "domain": "chat.example.org"}
    with pytest.raises(WrongUse, match=said):
        build_manifest(Wish(**(wish | change)))  # type: ignore[arg-type] # texts only


def test_only_messengers_are_waited_for() -> None:
    items = [{"kind": "Namespace"}, {"kind": "SupMessenger", "metadata": {"name": "demo"}}]
    assert find_messengers({"kind": "List", "items": items}) == [items[1]]
    with pytest.raises(WrongUse, match="no SupMessenger"):
        find_messengers({"kind": "Namespace"})


def test_lines_of_several_pods_are_merged_by_time() -> None:
    lines = [
        ("2026-01-01T10:00:02Z second abc", "api-1"),
        ("2026-01-01T10:00:01.5Z first abc", "edge-1"),
        ("2026-01-01T10:00:03Z third", "api-1"),
        ("", "api-1"),
    ]
    assert merge_lines(lines) == ["edge-1 first abc", "api-1 second abc", "api-1 third"]
    assert merge_lines(lines, wanted="abc") == ["edge-1 first abc", "api-1 second abc"]


def make_workload(*, restarted: str, **status: int) -> dict[str, Any]:
    counts = {"observedGeneration": 3, "updatedReplicas": 2, "readyReplicas": 2, "replicas": 2}
    annotations = {RESTARTED_AT: restarted}
    return {
        "metadata": {"generation": 3},
        "spec": {"replicas": 2, "template": {"metadata": {"annotations": annotations}}},
        "status": counts | status,
    }


@pytest.mark.parametrize(
    ("workload", "is_done"),
    [
        (make_workload(restarted="now"), True),
        (make_workload(restarted="before now"), True),
        (make_workload(restarted="before"), False),
        (make_workload(restarted="now", observedGeneration=2), False),
        (make_workload(restarted="now", updatedReplicas=1), False),
        (make_workload(restarted="now", readyReplicas=1), False),
        (make_workload(restarted="now", replicas=3), False),
    ],
)
def test_a_restart_is_done_when_only_new_pods_run(workload: dict[str, Any], is_done: bool) -> None:
    assert is_restarted(workload, "now") is is_done


@pytest.mark.parametrize(
    ("ended", "is_recent"),
    [(None, False), ("2026-01-01T11:30:00Z", True), ("2026-01-01T10:30:00Z", False)],
)
def test_going_back_wants_a_backup_of_the_last_hour(ended: str | None, is_recent: bool) -> None:
    status = {"lastSuccessfulTime": ended} if ended else {}
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert is_backup_recent({"status": status}, now=now) is is_recent


def test_states_of_migrations_are_read() -> None:
    text = (
        "waiting for the database\n"
        '[{"name": "000_a", "state": "applied", "appliedAt": "2026-01-01T10:00:00.5+00:00"},'
        ' {"name": "001_b", "state": "pending", "appliedAt": null}]\n'
    )
    states = parse_states(text)
    assert [(one.name, one.state, one.applied_at) for one in states] == [
        ("000_a", "applied", "2026-01-01T10:00:00"),
        ("001_b", "pending", ""),
    ]
    assert find_last_applied(states) == "000_a"
    assert find_last_applied(()) == ""


def test_a_job_of_a_verb_is_not_taken_for_the_operators() -> None:
    source = {
        "metadata": {"namespace": "chat"},
        "spec": {
            "template": {
                "metadata": {
                    "labels": {
                        "app.kubernetes.io/managed-by": "sup-operator",
                        "app.kubernetes.io/component": "migrations",
                        "job-name": "demo-migrations-1",
                    }
                },
                "spec": {
                    "initContainers": [{"name": "dump"}],
                    "containers": [
                        {"name": "other"},
                        {"name": "migrate", "image": "i", "command": ["old"], "args": ["x"]},
                    ],
                },
            }
        },
    }
    job = build_job(source, name="n", command=["new"], container="migrate")
    template = job["spec"]["template"]

    assert template["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "kubectl-sup",
        "app.kubernetes.io/component": "migrations",
    }
    assert template["spec"] == {
        "containers": [{"name": "migrate", "image": "i", "command": ["new"], "args": []}]
    }
    assert "initContainers" in source["spec"]["template"]["spec"]  # type: ignore[index] # untouched


@pytest.mark.parametrize(
    ("status", "story"),
    [
        ({"phase": "Pending"}, "pending"),
        ({"initContainerStatuses": [{"name": "dump", "state": {"running": {}}}]}, "dump runs"),
        (
            {
                "containerStatuses": [
                    {"name": "b", "state": {"waiting": {"reason": "ErrImagePull"}}}
                ]
            },
            "b: ErrImagePull",
        ),
        ({"phase": "Succeeded", "containerStatuses": []}, "succeeded"),
    ],
)
def test_a_pod_is_told_in_a_few_words(status: dict[str, Any], story: str) -> None:
    assert describe_pod({"status": status}) == story


def make_held() -> list[dict[str, Any]]:
    spec = {"resources": {"requests": {"storage": "5Gi"}}}
    return [
        {"kind": "Secret", "metadata": {"name": "demo-tls"}},
        {"kind": "PersistentVolumeClaim", "metadata": {"name": "demo-backups"}, "spec": spec},
    ]


@pytest.mark.parametrize(
    ("data", "policy", "is_listed"),
    [(False, "Retain", False), (True, "Retain", True), (False, "Delete", True)],
)
def test_what_goes_for_good_is_listed_before(data: bool, policy: str, is_listed: bool) -> None:
    told = "\n".join(build_announcement("demo", make_held(), data=data, policy=policy))
    assert ("volume demo-backups (5Gi)" in told and "Secret demo-tls" in told) is is_listed
    assert ("1 volumes and its Secrets stay" in told) is not is_listed


def test_credentials_are_told_as_commands() -> None:
    user, password = build_credentials(SCOPE, PAGES["rabbitmq"])
    assert "get secret demo-rabbitmq-admin" in user
    assert password.startswith("password:  kubectl -n chat get secret")
    assert "no login" in build_credentials(SCOPE, PAGES["prometheus"])[0]


def test_a_paused_instance_is_not_waited_for() -> None:
    annotations = {"supmessenger.io/paused": "true"}
    with pytest.raises(VerbFailure, match="paused") as refused:
        refuse_paused({"metadata": {"annotations": annotations}}, SCOPE)
    assert refused.value.cure.endswith("supmessenger.io/paused-")
    refuse_paused({"metadata": {}}, SCOPE)


def test_the_checkout_around_a_folder_is_found(tmp_path: Path) -> None:
    assert find_checkout(CHECKOUT / "apps" / "cli") == CHECKOUT
    assert find_checkout(tmp_path) is None


def test_sizes_are_for_people_and_last_lines_say_something() -> None:
    assert [format_bytes(count) for count in (7, 2048, 5 * 2**30)] == ["7 B", "2.0 KiB", "5.0 GiB"]
    assert find_last_line("a\nb\n\n") == "b"
    assert find_last_line("") == "it said nothing"


def test_the_reference_names_every_verb_with_an_example() -> None:
    page = build_reference()
    for verb in ("setup", "deploy", "status", "doctor", "logs", "open", "stop", "start"):
        assert f"## `kubectl sup {verb}`" in page
    for verb in ("restart", "clean", "build", "smoke"):
        assert f"## `kubectl sup {verb}`" in page
    for verb in ("migrate up", "migrate down", "migrate create", "backup create", "backup list"):
        assert f"### `kubectl sup {verb}`" in page
    assert page.count("```sh") >= 19


@pytest.mark.parametrize(
    ("mode", "cure"),
    [("unavailable", "the operator has no image"), ("disabled", "spec.monitoring.grafana")],
)
def test_a_page_that_is_missing_has_the_cure_that_helps(mode: str, cure: str) -> None:
    part = {"name": "grafana", "mode": mode, "message": "the operator has no image for it"}
    meta = {"name": "demo", "namespace": "chat", "generation": 1}
    resource = {"metadata": meta, "spec": {"domain": "chat.example.org"}}
    health = parse_health({**resource, "status": {"components": [part]}})
    assert cure in build_cure(SCOPE, PAGES["grafana"], health)


@pytest.mark.parametrize(("smtp", "sink"), [({"host": "mail"}, "smtp-sink"), (None, "")])
def test_the_conversation_waits_for_mail_only_where_smtp_is_on(smtp: Any, sink: str) -> None:
    assert choose_sink({"spec": {"smtp": smtp}}, asked="smtp-sink") == sink
