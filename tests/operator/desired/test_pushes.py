"""What push and transcoding give the services."""

from __future__ import annotations

from typing import Any

import pytest
from support.deployables import build_all, make_samples, to_plain
from support.messengers import make_messenger

from supmessenger_operator.model.availability import find_unavailable

EVERY_SERVICE = ("api", "websocket", "media", "worker")


def read_pod(sample: str, component: str) -> tuple[dict[str, Any], set[str], dict[str, Any]]:
    """Return environment, mounts and pod of a service."""
    for built in build_all(make_samples()[sample]):
        if built.kind == "Deployment" and built.component == component:
            pod = to_plain(built)["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            env = {one["name"]: one.get("value") for one in container["env"]}
            return env, {mount["mountPath"] for mount in container["volumeMounts"]}, pod
    raise AssertionError(component)


def test_services_are_told_of_push() -> None:
    api, websocket, worker = (read_pod("push", name) for name in ("api", "websocket", "worker"))
    assert api[0]["SUP_PUSH_ENABLED"] == websocket[0]["SUP_PUSH_ENABLED"] == "true"
    assert api[0]["SUP_FCM_ENABLED"] == "true"
    hosts = "*.push.example.org,http://push-sink:8090"
    assert api[0]["SUP_WEB_PUSH_ALLOWED_HOSTS"] == hosts
    assert worker[0]["SUP_WEB_PUSH_ALLOWED_HOSTS"] == hosts
    assert {"/bindings/web-push", "/bindings/fcm"} <= worker[1]
    assert "/bindings/web-push" in api[1]


def test_the_api_never_holds_the_private_key() -> None:
    _, _, pod = read_pod("push", "api")
    secrets = {source["secret"]["secretName"] for source in pod["volumes"] if source.get("secret")}
    assert "demo-web-push-public" in secrets
    assert not {"demo-web-push", "demo-fcm"} & secrets


@pytest.mark.parametrize("component", EVERY_SERVICE)
def test_without_push_nothing_of_it_is_mounted(component: str) -> None:
    env, mounts, _ = read_pod("tiny", component)
    assert env.get("SUP_PUSH_ENABLED", "false") == "false"
    assert not {"/bindings/web-push", "/bindings/fcm"} & mounts


def test_the_worker_may_call_providers_at_their_ports_only() -> None:
    def list_ports(sample: str) -> set[int]:
        for built in build_all(make_samples()[sample]):
            body = to_plain(built)
            if built.kind == "NetworkPolicy" and body["metadata"]["name"] == "demo-worker":
                rules = [rule for rule in body["spec"]["egress"] if "to" not in rule]
                return {port["port"] for rule in rules for port in rule["ports"]}
        raise AssertionError("no policy of the worker")

    assert list_ports("push") - list_ports("tiny") == {443, 8090, 8091}


def test_videos_have_room_and_limits() -> None:
    env, _, pod = read_pod("push", "worker")
    assert env["SUP_TRANSCODING_CONCURRENCY"] == "2"
    assert env["SUP_TRANSCODING_MAX_SOURCE_SIZE"] == str(1024**3)
    assert env["SUP_TRANSCODING_MAX_DURATION_SECONDS"] == "600"
    (limit,) = [v["emptyDir"]["sizeLimit"] for v in pod["volumes"] if v["name"] == "tmp"]
    assert limit == f"{256 + 2 * 2 * 1024}Mi"
    assert read_pod("tiny", "media")[0]["SUP_TRANSCODING_ENABLED"] == "true"


def test_only_apples_push_is_not_to_be_had() -> None:
    apns = {
        "keySecretRef": {"name": "apple"},
        "keyId": "ABCDEFGHIJ",
        "teamId": "ABCDEFGHIJ",
        "topic": "org.example.chat",
    }
    spec = make_messenger(spec={"push": {"apns": apns, "webPush": {}}}).spec
    fields = [part.field for part in find_unavailable(spec)]
    assert "spec.push.apns" in fields
    assert "spec.push" not in fields
    assert "spec.media.transcoding" not in fields


@pytest.mark.parametrize(
    "host",
    ["https://push.example.org", "push.example.org/x", "*", "*.org", "http://*.x.org", "10.0.0.1"],
)
def test_a_host_that_would_open_too_much_is_refused(host: str) -> None:
    messenger = make_messenger(spec={"push": {"webPush": {"allowedHosts": [host]}}})
    assert messenger.problems["push"].startswith("spec.push.webPush.allowedHosts.0: ")
    assert not messenger.spec.has_push
