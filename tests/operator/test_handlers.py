"""What an event asks for, and what it does not."""

from typing import Any

from supmessenger_operator.cluster.kinds import CHILD_KINDS
from supmessenger_operator.handlers import (
    SELECTOR,
    WATCHED_KINDS,
    Instances,
    build_registry,
    build_settings,
)

KEY = ("chat", "demo")


class Asked:
    """Notes what was asked for."""

    def __init__(self) -> None:
        self.passes: list[tuple[str, str]] = []
        self.forgotten: list[tuple[str, str]] = []
        self.instances = Instances(self.passes.append, self.forgotten.append)


def make_body(generation: int = 1, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "chat",
            "name": "demo",
            "uid": "u",
            "generation": generation,
            "resourceVersion": "1",
            **metadata,
        }
    }


def make_child(instance: str = "demo") -> dict[str, Any]:
    labels = {"app.kubernetes.io/instance": instance}
    return {"metadata": {"namespace": "chat", "name": "x", "labels": labels}}


def test_our_own_status_writes_ask_for_nothing() -> None:
    asked = Asked()
    asked.instances.see(None, make_body())
    asked.instances.see("MODIFIED", make_body(resourceVersion="2"))

    assert asked.passes == [KEY]


def test_a_new_generation_or_annotation_asks_for_a_pass() -> None:
    asked = Asked()
    asked.instances.see("ADDED", make_body())
    asked.instances.see("MODIFIED", make_body(2))
    asked.instances.see("MODIFIED", make_body(2, annotations={"supmessenger.io/paused": "true"}))

    assert asked.passes == [KEY] * 3


def test_a_child_asks_for_its_instance_and_no_other() -> None:
    asked = Asked()
    asked.instances.see("ADDED", make_body())
    asked.instances.see_child(make_child())
    asked.instances.see_child(make_child("of-another-cluster-tool"))

    assert asked.passes == [KEY] * 2


def test_a_deleted_instance_is_forgotten() -> None:
    asked = Asked()
    asked.instances.see("ADDED", make_body())
    asked.instances.see("DELETED", make_body())
    asked.instances.see_child(make_child())

    assert asked.forgotten == [KEY]
    assert list(asked.instances) == []


def test_every_kind_that_is_built_is_watched_with_our_label_only() -> None:
    settings = build_settings()

    assert set(CHILD_KINDS) < set(WATCHED_KINDS)
    assert list(settings.watching.label_selectors.values()) == [SELECTOR] * len(WATCHED_KINDS)
    assert settings.posting.enabled is False
    assert settings.queueing.worker_limit is None


def test_kopf_is_asked_to_watch_and_for_nothing_else() -> None:
    asked = Asked()
    registry = build_registry(asked.instances)

    assert registry._watching._handlers
    for part in (registry._changing, registry._spawning, registry._indexing, registry._webhooks):
        assert not part._handlers
