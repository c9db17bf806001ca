"""What the real API server says of bad fields of optional parts, and of good ones beside them."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.bad_fields import BAD_FIELDS, GOOD_SPECS, RULED_OUT
from support.control_plane import ControlPlane
from support.messengers import make_inputs, make_messenger
from support.service_settings import read_settings

from supmessenger_operator.desired import build_instance
from supmessenger_operator.model.crd import build_spec_schema
from supmessenger_operator.model.messenger import check_messenger
from supmessenger_operator.model.parts import find_held

pytestmark = pytest.mark.control_plane


_SECRET = {"name": "given"}
# Together they choose every way of every optional part.
WAYS: tuple[dict[str, Any], ...] = (
    {
        "kafka": {"enabled": True, "embedded": {}},
        "livekit": {"embedded": {"exposure": {}}},
        "turn": {"relayPorts": {}, "exposure": {}},
        "monitoring": {
            "prometheus": {"embedded": {}},
            "grafana": {},
            "logs": {},
            "alerts": {"email": {}},
            "tracing": {},
        },
        "push": {"webPush": {}},
        "media": {"transcoding": {}},
        "tls": {"acme": {}},
    },
    {
        "kafka": {"enabled": True, "external": {"bootstrapServers": ["a:9092"]}},
        "livekit": {"external": {"url": "wss://a", "credentialsSecretRef": _SECRET}},
        "turn": {"external": {"uris": ["turn:a"], "sharedSecretRef": _SECRET}},
        "monitoring": {"prometheus": {"external": {"url": "https://a/write"}}},
        "push": {"fcm": {"serviceAccountSecretRef": _SECRET}},
    },
)
# What people and programs write by mistake.
ODD_VALUES: tuple[Any, ...] = (
    *("", " ", "0", "-1", "a..b", "a\u00a0b", "https://a:99999/\u2003", "9" * 30, "..", "x" * 300),
    *("0s", "1ms", "0Mi", "1m", "999999999Ei", "9999999999d", "\n", "'\"${}%"),
    *(0, -1, 10**12, 1.5, True, None, [], {}, ["", "a b"], {"": ""}, {"a": "\u0000"}),
)


# Read by optional parts alone; the block of a pod is the same for all of them.
ROOTS = ("kafka", "livekit", "turn", "monitoring", "push", "media.transcoding", "tls.acme")
SAME = ("resources", "extraEnv", "podTemplate", "storage")


def list_fields(node: Mapping[str, Any], chosen: Any, path: str = "") -> Iterator[str]:
    """Yield the fields of optional parts below the blocks that a way chooses."""
    for name, child in node.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        below = chosen.get(name) if isinstance(chosen, Mapping) else None
        if name in SAME and not inner.startswith("turn"):
            continue
        if inner.startswith(ROOTS):
            yield inner
        if below is not None or inner.startswith("turn.resources"):
            yield from list_fields(child, below, inner)


def put(spec: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the spec with a value at a path."""
    changed = copy.deepcopy(dict(spec))
    holder = changed
    *folders, last = path.split(".")
    for name in folders:
        holder = holder.setdefault(name, {})
    holder[last] = value
    return changed


def create(plane: ControlPlane, namespace: str, spec: Any) -> tuple[int, dict[str, Any]]:
    path = f"/apis/supmessenger.io/v1alpha1/namespaces/{namespace}/supmessengers"
    body = {
        "apiVersion": "supmessenger.io/v1alpha1",
        "kind": "SupMessenger",
        "metadata": {"name": "demo"},
        "spec": {"domain": "chat.example.org", **spec},
    }
    return plane.request("POST", f"{path}?fieldValidation=Strict&dryRun=All", body)


def test_a_bad_field_is_refused_by_name_wherever_one_look_suffices(
    control_plane: ControlPlane, namespace: str
) -> None:
    for bad in (*BAD_FIELDS, *RULED_OUT):
        status, answer = create(control_plane, namespace, bad.spec)
        if bad.admitted:
            assert status == 201, (bad.field, answer)
        else:
            assert status in (400, 422), (bad.field, bad.spec)
            assert bad.field in answer["message"], answer["message"]


def test_good_fields_pass(control_plane: ControlPlane, namespace: str) -> None:
    for spec in GOOD_SPECS:
        status, answer = create(control_plane, namespace, spec)
        assert status == 201, (spec, answer)


@pytest.mark.parametrize(
    ("spec", "cure"),
    [
        ({"monitoring": {"logs": {"retention": "1h"}}}, "set monitoring.logs.enabled to false"),
        (
            {"monitoring": {"prometheus": {"embedded": {"storage": {"size": "1Mi"}}}}},
            "must have 512Mi or more",
        ),
        ({"media": {"transcoding": {"maxSourceSize": 0}}}, "must be 1Mi or more"),
        ({"media": {"transcoding": {"maxDuration": "0s"}}}, "must be 1s or more"),
        ({"kafka": {"topic": "."}}, "use sup.messages"),
    ],
)
def test_the_refusal_of_a_rule_says_what_to_do(
    control_plane: ControlPlane, namespace: str, spec: dict[str, Any], cure: str
) -> None:
    status, answer = create(control_plane, namespace, spec)

    assert status == 422
    assert cure in answer["message"]


@pytest.mark.parametrize("way", WAYS, ids=("embedded", "elsewhere"))
def test_what_is_admitted_never_harms_the_core(
    control_plane: ControlPlane, namespace: str, way: dict[str, Any]
) -> None:
    """Every field of every optional part, with every odd value: the core is built and starts."""
    status, answer = create(control_plane, namespace, way)
    assert status == 201, answer
    admitted = 0
    for path in list_fields(build_spec_schema(), way):
        for value in ODD_VALUES:
            status, answer = create(control_plane, namespace, put(way, path, value))
            assert status in (201, 400, 422), (path, value, answer)
            if status == 201:
                admitted += 1
                assert_core_is_whole(answer["spec"], f"{path}: {value!r}")
    assert admitted > 100


def assert_core_is_whole(spec: dict[str, Any], what: str) -> None:
    messenger = make_messenger(spec=spec)
    check_messenger(messenger)
    held = find_held(messenger.problems, messenger.spec)
    built = build_instance(messenger, make_inputs(messenger), without=held)
    components = {item.component for item in built.objects}
    assert components >= {"policies", "postgres", "worker", "api", "websocket", "media", "edge"}, (
        what
    )
    for service in ("api", "websocket", "media", "worker"):
        assert read_settings(built.objects, service), what
