"""What Prometheus asks, how long it keeps it, and where it sends it."""

from __future__ import annotations

from typing import Any

import yaml
from support.deployables import build_all, list_deployables, to_plain
from support.messengers import make_inputs, make_messenger

from supmessenger_operator.desired import build_objects
from supmessenger_operator.desired.scraping import USERNAME_MARK, build_config
from supmessenger_operator.model import Messenger

_REMOTE = {
    "url": "https://metrics.example.org/write",
    "credentialsSecretRef": {"name": "metrics-login"},
}


def list_arguments(messenger: Messenger) -> dict[str, str]:
    """Return the flags of Prometheus."""
    found = list_deployables(build_all(messenger))
    (one,) = [one for one in found if one.component == "prometheus"]
    pairs = (argument.removeprefix("--").split("=", 1) for argument in one.containers[0]["args"])
    return dict(pairs)


def list_scraped(messenger: Messenger) -> list[tuple[str, str, str]]:
    """Return (component, container, port) of every port that the jobs for pods ask."""
    return [
        (one.component, container["name"], port["name"])
        for one in list_deployables(build_all(messenger))
        for container in one.pod["containers"]
        for port in container.get("ports", ())
        if port["name"].startswith("metrics")
        or (one.component, port["name"]) == ("object-storage", "s3")
    ]


def test_every_part_is_asked_exactly_once(sample: Messenger) -> None:
    if not sample.spec.has_prometheus:
        return
    scraped = list_scraped(sample)
    per_container = [(component, container) for component, container, _ in scraped]
    assert len(per_container) == len(set(per_container))
    running = {
        one.component
        for one in list_deployables(build_all(sample))
        if one.kind in ("Deployment", "StatefulSet")
    }
    # The exporters tell of these two kinds; Kafka tells nobody.
    by_exporters = {"postgres", "redis-cache", "redis-state", "kafka"}
    assert {component for component, _, _ in scraped} == running - by_exporters


def test_what_it_asks_it_may_reach(sample: Messenger) -> None:
    if not (sample.spec.has_prometheus and sample.spec.security.network_policies.enabled):
        return
    objects = [to_plain(one) for one in build_all(sample)]
    (policy,) = [
        one
        for one in objects
        if one["kind"] == "NetworkPolicy"
        and one["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component")
        == "prometheus"
    ]
    allowed = {
        (peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"], port["port"])
        for rule in policy["spec"]["egress"]
        for peer in rule.get("to", ())
        for port in rule["ports"]
    }
    wanted = {
        (one.component, port["containerPort"])
        for one in list_deployables(build_all(sample))
        for container in one.pod["containers"]
        for port in container.get("ports", ())
        if port["name"].startswith("metrics")
        or (one.component, port["name"]) == ("object-storage", "s3")
    }
    assert wanted <= allowed


def test_it_alone_may_look_at_pods_and_at_nothing_else() -> None:
    objects = [to_plain(one) for one in build_all(make_messenger())]
    (role,) = [one for one in objects if one["kind"] == "Role"]
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    ]
    (binding,) = [one for one in objects if one["kind"] == "RoleBinding"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "demo-prometheus"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "demo-prometheus", "namespace": "chat"}
    ]


def test_only_pods_of_the_instance_are_looked_for() -> None:
    messenger = make_messenger()
    config = build_config(messenger, make_inputs(messenger))
    discoveries = [
        one for job in config["scrape_configs"] for one in job.get("kubernetes_sd_configs", ())
    ]
    assert discoveries
    for one in discoveries:
        assert one["role"] == "pod"
        assert one["namespaces"] == {"names": ["chat"]}
        assert "app.kubernetes.io/instance=demo" in one["selectors"][0]["label"]


def test_less_is_kept_than_the_volume_holds() -> None:
    storage = {
        "monitoring": {
            "prometheus": {"embedded": {"retention": "30d", "storage": {"size": "100Gi"}}}
        }
    }
    arguments = list_arguments(make_messenger(spec=storage))
    assert arguments["storage.tsdb.retention.time"] == f"{30 * 86400}s"
    assert int(arguments["storage.tsdb.retention.size"].removesuffix("B")) == 70 * 2**30


def test_a_store_elsewhere_is_written_to_and_its_password_is_nowhere() -> None:
    messenger = make_messenger(spec={"monitoring": {"prometheus": {"external": _REMOTE}}})
    (remote,) = build_config(messenger, make_inputs(messenger))["remote_write"]
    assert remote["url"] == _REMOTE["url"]
    assert remote["basic_auth"] == {
        "username": USERNAME_MARK,
        "password_file": "/bindings/remote-write/password",
    }
    files = next(
        to_plain(one)["data"]
        for one in build_all(messenger)
        if (one.kind, one.component) == ("ConfigMap", "prometheus")
    )
    # The script that writes the name counts on the quotes.
    assert f"username: '{USERNAME_MARK}'" in files["prometheus.yml"]
    assert list_arguments(messenger)["storage.tsdb.retention.time"] == "86400s"


def test_redis_is_asked_wherever_it_runs() -> None:
    external = {
        "cache": {"host": "cache.example.org", "port": 6380},
        "state": {"host": "state.example.org"},
    }
    messenger = make_messenger(spec={"redis": {"external": external}})
    config = build_config(messenger, make_inputs(messenger))
    (job,) = [one for one in config["scrape_configs"] if one["job_name"] == "redis"]
    assert [one["targets"] for one in job["static_configs"]] == [
        ["redis://cache.example.org:6380"],
        ["redis://state.example.org:6379"],
    ]


def test_switching_monitoring_leaves_the_data_alone() -> None:
    def data_pods(spec: dict[str, Any]) -> dict[str, Any]:
        found = list_deployables(build_all(make_messenger(spec=spec)))
        data = {"postgres", "redis-cache", "redis-state", "rabbitmq", "object-storage", "edge"}
        return {one.component: one.template for one in found if one.component in data}

    assert data_pods({}) == data_pods({"monitoring": {"enabled": False}})


def test_without_monitoring_there_is_nothing_of_it() -> None:
    objects = build_all(make_messenger(spec={"monitoring": {"enabled": False}}))
    components = {one.component for one in objects}
    assert not {"prometheus", "exporters", "grafana", "loki"} & components


def test_no_part_of_monitoring_is_in_the_pods_of_messaging() -> None:
    """An image that can't be had must not keep them from being ready."""
    core = {"postgres", "redis-cache", "redis-state", "rabbitmq", "object-storage"}
    core |= {"worker", "api", "websocket", "media", "edge"}
    for one in list_deployables(build_all(make_messenger())):
        if one.component in core:
            assert len(one.pod["containers"]) == 1, one.component


def test_without_images_the_configuration_is_made_all_the_same() -> None:
    messenger = make_messenger()
    lacking = {"prometheus": "", "postgres-exporter": ""}
    objects = build_objects(messenger, make_inputs(messenger, images=lacking))
    kinds = {one.kind for one in objects if one.component == "prometheus"}
    assert kinds == {"ServiceAccount", "Role", "RoleBinding", "ConfigMap"}
    config = next(
        to_plain(one)["data"]["prometheus.yml"]
        for one in objects
        if (one.kind, one.component) == ("ConfigMap", "prometheus")
    )
    assert "redis" not in {one["job_name"] for one in yaml.safe_load(config)["scrape_configs"]}
