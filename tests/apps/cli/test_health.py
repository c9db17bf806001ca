"""A SupMessenger is read as its status tells it, and what is new is told once."""

from typing import Any

from supmessenger_cli.health import parse_health
from supmessenger_cli.progress import Told, shorten
from supmessenger_cli.verbs.status import build_document


def make_resource(**changes: Any) -> dict[str, Any]:
    def condition(kind: str, status: str, reason: str = "R", generation: int = 2) -> dict[str, Any]:
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": f"{kind} is {status}",
            "observedGeneration": generation,
        }

    return {
        "metadata": {"name": "demo", "namespace": "chat", "generation": 2},
        "spec": {"domain": "chat.example.org"},
        "status": {
            "phase": "Degraded",
            "message": "redis is away; see",
            "components": [
                {"name": "redis-cache", "mode": "embedded", "desired": 1},
                {"name": "api", "mode": "embedded", "ready": 1, "desired": 1},
                {"name": "edge", "mode": "embedded"},
                {"name": "kafka", "mode": "disabled"},
                {"name": "push", "mode": "unavailable"},
                {"name": "worker", "mode": "embedded"},
            ],
            "conditions": [
                condition("Ready", "False"),
                condition("RedisCacheReady", "False"),
                condition("ApiReady", "True"),
                condition("EdgeReady", "Unknown", "Hibernated"),
                condition("WorkerReady", "True", generation=1),
            ],
            **changes,
        },
    }


def test_every_part_has_a_state() -> None:
    states = {part.name: part.state for part in parse_health(make_resource()).parts}
    assert states == {
        "redis-cache": "not ready",
        "api": "ready",
        "edge": "asleep",
        "kafka": "off",
        "push": "unavailable",
        "worker": "waiting",  # judged for another generation
    }


def test_conditions_of_an_older_generation_do_not_count() -> None:
    body = make_resource()
    body["metadata"]["generation"] = 3
    health = parse_health(body)

    assert not health.is_ready
    assert not health.conditions
    assert health.message == "the operator has not looked yet"


def test_a_resource_without_status_is_read() -> None:
    body = make_resource()
    del body["status"]
    health = parse_health(body)

    assert (health.phase, health.is_ready, health.stalled) == ("Pending", False, "")


def test_the_document_for_scripts_is_plain_data() -> None:
    document = build_document(parse_health(make_resource()))

    assert document["ready"] is False
    assert document["components"][0]["name"] == "redis-cache"
    assert {one["type"] for one in document["conditions"]} == {
        "Ready",
        "RedisCacheReady",
        "ApiReady",
        "EdgeReady",
    }


def test_only_news_is_told() -> None:
    told = Told()
    first = told.find_news(parse_health(make_resource()))
    assert "api              ready" in first
    assert "Degraded: redis is away …" in first
    assert not any("kafka" in line for line in first)
    assert told.find_news(parse_health(make_resource())) == []

    better = told.find_news(parse_health(make_resource(phase="Ready", message="well")))
    assert better == ["Ready: well"]


def test_a_long_story_is_cut_after_its_first_sentence() -> None:
    assert shorten("one; two; three") == "one …"
    assert shorten("one") == "one"
