"""An ACME server that was stored before its bound: the real operator, on a real API server."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.control_plane import ControlPlane
from support.instance_view import Instance
from support.older_definition import build_older, build_sent_definition, install_definition
from support.operator_process import start_checker, start_operator, wait_for

from supmessenger_operator.cluster.certificates import make_authority, make_certificate
from supmessenger_operator.cluster.secrets import encode

pytestmark = pytest.mark.control_plane

BAD = "https://ca_1.example/directory"
FIELD = "spec.tls.acme.server"


@contextmanager
def take_anything(plane: ControlPlane, namespace: str) -> Iterator[None]:
    """Have the older definition in force in the block, and today's before and afterwards."""
    strict = build_sent_definition()
    install_definition(plane, build_older(strict))
    try:
        wait_for(lambda: is_taken(plane, namespace), seconds=60, what="the older definition")
        yield
    finally:
        install_definition(plane, strict)
        wait_for(lambda: not is_taken(plane, namespace), seconds=60, what="today's definition")


def is_taken(plane: ControlPlane, namespace: str) -> bool:
    """Return whether a new instance with the bad server would be stored."""
    body = {
        "apiVersion": "supmessenger.io/v1alpha1",
        "kind": "SupMessenger",
        "metadata": {"name": "another"},
        "spec": {"domain": "chat.example.org", "tls": {"acme": {"server": BAD}}},
    }
    status, answer = plane.request("POST", f"{Instance(plane, namespace).path}?dryRun=All", body)
    assert status in (201, 422), answer
    return status == 201


def build_issued() -> dict[str, Any]:
    """Return what an earlier release kept of a certificate that it was given."""
    now = datetime.now(UTC)
    made = make_certificate(make_authority("acme", now=now), ("chat.example.org",), now=now)
    values = {"tls.crt": made.certificate, "tls.key": made.key, "acme-server": BAD.encode()}
    data = {key: encode(value.decode()) for key, value in values.items()}
    return {"metadata": {"name": "demo-tls"}, "data": data}


def test_a_good_certificate_serves_on_and_an_instance_without_one_says_so(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    issued = build_issued()
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    status, answer = control_plane.request("POST", secrets, issued)
    assert status == 201, answer
    good = Instance(control_plane, namespace)
    bare = Instance(control_plane, namespace, "bare")
    with take_anything(control_plane, namespace):
        for instance in (good, bare):
            instance.create(tls={"acme": {"server": BAD}})

    with (
        start_checker() as checker,
        start_operator(control_plane, folder=tmp_path, namespace=namespace, checker=checker),
    ):
        wait_for(good.is_ready, seconds=90, what="the one with a certificate to be Ready")
        degraded = good.condition("Degraded")
        assert (degraded["status"], degraded["reason"]) == ("True", "NotConfigured")
        assert degraded["message"].startswith(f"{FIELD}: ")
        assert "correct it and apply again" in degraded["message"]
        assert control_plane.request("GET", f"{secrets}/demo-tls")[1]["data"] == issued["data"]
        wait_for(lambda: good.has_said(FIELD), seconds=30, what="the Event")

        def is_told() -> bool:
            bare.controllers.make_ready()
            return FIELD in bare.condition("EdgeReady").get("message", "")

        wait_for(is_told, seconds=90, what="the one without a certificate to say so")
        assert bare.condition("EdgeReady")["status"] == "False"
        assert bare.condition("Stalled")["status"] == "False"
        assert bare.condition("ApiReady")["status"] == "True"

        # Another field can be changed, and is rolled out.
        good.change({"api": {"replicas": 2}})
        wait_for(good.is_ready, seconds=60, what="the change rolled out")
        assert good.child("/apis/apps/v1/deployments/demo-api")[1]["spec"]["replicas"] == 2

        for instance in (good, bare):
            instance.change({"tls": {"acme": None, "selfSigned": {}}})
            wait_for(instance.is_ready, seconds=60, what="the cure")
            assert instance.condition("Degraded")["status"] == "False"
