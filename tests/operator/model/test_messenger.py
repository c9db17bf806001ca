"""The model: what is complete, what it comes to and what is refused."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messengers import make_messenger

from supmessenger_operator.model.effective import (
    EXTERNAL_MAX_CONNECTIONS,
    RESERVED_CONNECTIONS,
    compute_effective,
    compute_pool_sizes,
)
from supmessenger_operator.model.features import Images
from supmessenger_operator.model.images import compute_images
from supmessenger_operator.model.messenger import check_messenger, parse_messenger
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.scalars import parse_duration, parse_quantity
from supmessenger_operator.model.sizes import SIZES
from supmessenger_operator.model.spec import Size, Spec

# CPU in cores and memory in bytes that the sum of requests may reach.
BUDGETS = {"tiny": (0.5, 2 * 2**30), "small": (2.0, 6 * 2**30)}


def test_domain_alone_is_complete() -> None:
    spec = Spec.model_validate({"domain": "chat.example.org"})

    assert spec.size == "small"
    assert spec.postgres.embedded is not None
    assert spec.tls.mode == "selfSigned"
    assert spec.backup.schedule == "0 2 * * *"


def test_a_newer_resource_is_read_without_its_new_fields() -> None:
    spec = Spec.model_validate({"domain": "chat.example.org", "news": {"from": "the future"}})

    assert spec == Spec.model_validate({"domain": "chat.example.org"})


@pytest.mark.parametrize("size", get_args(Size))
def test_a_spec_survives_a_round_trip(size: str) -> None:
    spec = make_messenger(spec={"size": size, "smtp": {"host": "m", "from": "a@b"}}).spec

    assert Spec.model_validate(spec.model_dump(by_alias=True)) == spec


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_the_sum_of_requests_stays_within_what_the_size_promises(size: Any) -> None:
    cpu, memory = BUDGETS[size]
    # A migration, setup or backup runs beside everything else; Kafka is off unless asked for.
    workloads = [w for name, w in SIZES[size].items() if name not in ("backup", "kafka")]
    # One exporter each for the database, Redis and the edge.
    workloads += [SIZES[size]["exporters"]] * 2

    assert sum(parse_quantity(w.cpu) * w.replicas for w in workloads) <= cpu
    assert sum(parse_quantity(w.memory) * w.replicas for w in workloads) <= memory


@pytest.mark.parametrize("size", get_args(Size))
def test_every_default_passes_the_guard(size: str) -> None:
    check_messenger(make_messenger(spec={"size": size}))


@pytest.mark.parametrize("size", ["medium", "large"])
def test_larger_sizes_replicate_the_services(size: Any) -> None:
    assert all(SIZES[size][name].replicas > 1 for name in ("api", "websocket", "media", "worker"))


def test_an_explicit_choice_goes_over_the_size() -> None:
    messenger = make_messenger(
        spec={
            "api": {"replicas": 3, "resources": {"requests": {"cpu": 1}}},
            "postgres": {"embedded": {"parameters": {"work_mem": "8MB"}}},
        }
    )

    assert messenger.effective.api.replicas == 3
    assert messenger.effective.api.requests.cpu == "1"
    assert messenger.effective.api.requests.memory == SIZES["tiny"]["api"].memory
    assert messenger.effective.postgres_parameters == {
        "effective_cache_size": "1GB",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "work_mem": "8MB",
    }


@given(
    replicas=st.fixed_dictionaries(
        {name: st.integers(0, 12) for name in ("api", "websocket", "media", "worker")}
    ),
    most=st.integers(RESERVED_CONNECTIONS + 60, 2000),
)
def test_pools_together_stay_below_the_database_s_limit(
    replicas: dict[str, int], most: int
) -> None:
    pools = compute_pool_sizes(replicas, max_connections=most)

    # While a rollout runs, each service has one pod more.
    total = sum(getattr(pools, name) * (count + 1) for name, count in replicas.items())
    assert total <= most - RESERVED_CONNECTIONS


def test_an_external_database_is_asked_for_little() -> None:
    external = {"host": "db", "credentialsSecretRef": {"name": "db"}}
    messenger = make_messenger(spec={"size": "large", "postgres": {"external": external}})
    pools = compute_effective(messenger.spec).pool_sizes

    replicas = {name: SIZES["large"][name].replicas for name in ("api", "websocket", "media")}
    assert sum(getattr(pools, n) * c for n, c in replicas.items()) < EXTERNAL_MAX_CONNECTIONS


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        (
            {"api": {"resources": {"requests": {"cpu": "3"}, "limits": {"cpu": "2"}}}},
            "spec.api.resources.requests.cpu",
            "above the limit of 2",
        ),
        (
            {"redis": {"embedded": {"maxMemory": "1Gi"}}},
            "spec.redis.embedded.maxMemory",
            "does not fit",
        ),
        (
            {"postgres": {"embedded": {"parameters": {"max_connections": "many"}}}},
            "spec.postgres.embedded.parameters.max_connections",
            "not a number",
        ),
        (
            {"backup": {"schedule": "0 25 * * *"}},
            "spec.backup.schedule",
            "'25' is not possible",
        ),
        ({"api": {"podTemplate": {"speck": {}}}}, "spec.api.podTemplate", "'speck'"),
        (
            {"worker": {"podTemplate": {"spec": {"containers": [{"image": "x"}]}}}},
            "spec.worker.podTemplate.spec.containers",
            "name",
        ),
        (
            {"postgres": {"cloudNativePG": {}}},
            "spec.postgres.cloudNativePG",
            "use embedded or external",
        ),
        (
            {"images": {"overrides": {"postgress": "x"}}},
            "spec.images.overrides.postgress",
            "the names are api,",
        ),
        (
            {"redis": {"external": {"cache": {"host": "a", "tls": True}, "state": {"host": "b"}}}},
            "spec.redis.external.cache.tls",
            "without TLS",
        ),
        (
            {"redis": {"external": {"cache": {"host": "a"}, "state": {"host": "a"}}}},
            "spec.redis.external.state",
            "must not share",
        ),
        ({"exposure": {"type": "Ingress"}}, "spec.exposure.type", "use LoadBalancer"),
    ],
)
def test_what_the_api_server_can_not_know_is_refused_with_field_and_cure(
    spec: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Stalled) as refusal:
        check_messenger(make_messenger(spec=spec))

    assert refusal.value.field == field
    assert words in refusal.value.message
    assert refusal.value.message.startswith(f"{field}: ")


@pytest.mark.parametrize("schedule", ["*/15 * * * *", "0 2 * * mon-fri", "5,35 0 1 jan ?"])
def test_sound_schedules_pass(schedule: str) -> None:
    check_messenger(make_messenger(spec={"backup": {"schedule": schedule}}))


def test_a_resource_that_can_not_be_read_names_the_path() -> None:
    with pytest.raises(Stalled) as refusal:
        parse_messenger(
            {
                "metadata": {"name": "demo", "namespace": "chat", "uid": "u"},
                "spec": {"domain": "chat.example.org", "api": {"replicas": "two"}},
            }
        )

    assert refusal.value.field == "spec.api.replicas"


@pytest.mark.parametrize(
    ("text", "number"),
    [("250m", 0.25), ("1", 1), ("1.5Gi", 1.5 * 2**30), ("2k", 2000), ("512Mi", 512 * 2**20)],
)
def test_quantities_are_numbers(text: str, number: float) -> None:
    assert float(parse_quantity(text)) == number


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1h30m", 5400), ("500ms", 0.5)])
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "1 Gi", "Gi", "-1"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        parse_quantity(text)


def test_one_registry_re_homes_all_images_and_an_override_wins() -> None:
    defaults = {
        "postgres": "docker.io/library/postgres:16",
        "api": "ghcr.io/sup-messenger/api:1.0",
        "redis": "redis:7",
        "worker": "localhost:5000/worker@sha256:abc",
    }
    choice = Images(registry="mirror.example.org/sup/", overrides={"redis": "mine/redis:7.2"})

    assert compute_images(defaults, choice, version="2.0") == {
        "postgres": "mirror.example.org/sup/library/postgres:16",
        "api": "mirror.example.org/sup/sup-messenger/api:2.0",
        "redis": "mine/redis:7.2",
        "worker": "mirror.example.org/sup/worker:2.0",
    }


def test_stores_of_metrics_are_named_in_every_usual_way() -> None:
    urls = (
        "https://mimir.example.org/api/v1/push",
        "http://10.0.0.7:9090/api/v1/write?tenant=a",
        "http://[2001:db8::1]:9090/api/v1/write",
        "http://store:8428",
    )
    for url in urls:
        spec = {"monitoring": {"prometheus": {"external": {"url": url}}}}
        assert make_messenger(spec=spec).spec.has_prometheus
