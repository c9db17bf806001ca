"""A certificate of a real ACME server on the node: ordered, served, renewed."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from support.instance import Instance, make_tiny, wait_until

from supmessenger_cli.target import Kubectl
from supmessenger_operator.cluster.certificates import KeyPair, make_authority, make_certificate
from supnode.paths import compute_cache_root

pytestmark = pytest.mark.node

NAMESPACE = "acme-test"
# Renewed at two thirds of it.
CERTIFICATE_SECONDS = 90
# A name that the cluster's own DNS gives the address of the edge's Service.
DOMAIN = f"demo-edge.{NAMESPACE}.svc.cluster.local"
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def build_pebble(image: str, own: KeyPair) -> list[dict[str, Any]]:
    """The server's objects: its settings, its pod, its Service."""
    labels = {"app": "pebble"}
    settings = {
        "listenAddress": "0.0.0.0:14000",
        "managementListenAddress": "127.0.0.1:15000",
        "certificate": "/etc/pebble/tls.crt",
        "privateKey": "/etc/pebble/tls.key",
        "httpPort": 80,
        "tlsPort": 443,
        "keyAlgorithm": "ecdsa",
        "retryAfter": {"authz": 1, "order": 1},
        "profiles": {"default": {"description": "short", "validityPeriod": CERTIFICATE_SECONDS}},
    }
    container = {
        "name": "pebble",
        "image": image,
        "command": ["pebble", "-config", "/etc/pebble/pebble.json"],
        "env": [{"name": "PEBBLE_VA_NOSLEEP", "value": "1"}],
        "ports": [{"name": "acme", "containerPort": 14000}],
        "securityContext": RESTRICTED,
        "readinessProbe": {"tcpSocket": {"port": "acme"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/pebble", "readOnly": True}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": "settings", "secret": {"secretName": "pebble"}}],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "pebble"},
            "stringData": {
                "pebble.json": json.dumps({"pebble": settings}),
                "tls.crt": own.certificate.decode(),
                "tls.key": own.key.decode(),
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "pebble"},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "pebble"},
            "spec": {"selector": labels, "ports": [{"port": 443, "targetPort": "acme"}]},
        },
    ]


def build_messenger() -> dict[str, Any]:
    """A tiny instance whose certificate comes from Pebble, with nothing else switched on."""
    messenger = make_tiny("demo")
    messenger["spec"] |= {
        "domain": DOMAIN,
        "adminEmail": "admin@example.org",
        "tls": {
            "acme": {
                "server": f"https://pebble.{NAMESPACE}.svc.cluster.local/dir",
                "caSecretRef": {"name": "pebble-ca"},
            }
        },
        "monitoring": {"enabled": False},
        "livekit": {"enabled": False},
        "backup": {"enabled": False},
    }
    return messenger


@pytest.fixture
async def instance() -> AsyncIterator[Instance]:
    """A namespace with Pebble in it, and an instance that is to be made."""
    kubectl = Kubectl(timeout=60)
    images = json.loads((compute_cache_root(os.environ) / "images/images.json").read_text())
    now = datetime.now(UTC)
    authority = make_authority("pebble", now=now)
    names = (f"pebble.{NAMESPACE}.svc.cluster.local",)
    made = Instance("demo", namespace=NAMESPACE)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    namespace["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "restricted"}  # type: ignore[index]
    await made.apply(namespace)
    trust = {"metadata": {"name": "pebble-ca"}, "apiVersion": "v1", "kind": "Secret"}
    await made.apply({**trust, "stringData": {"ca.crt": authority.certificate.decode()}})
    own = make_certificate(authority, names, now=now)
    for manifest in build_pebble(images["pebble"], own):
        await made.apply(manifest)
    yield made
    await kubectl.run("delete", "sup", "demo", "-n", NAMESPACE, "--ignore-not-found")
    await kubectl.run("delete", "namespace", NAMESPACE, "--timeout=180s", timeout=190)


def read_certificate(address: str) -> x509.Certificate:
    """Return what the edge shows; OSError while it can't be reached."""
    pem = ssl.get_server_certificate((address, 443), timeout=5)
    return x509.load_pem_x509_certificate(pem.encode())


async def nudge(instance: Instance) -> None:
    """Let the kubelet look at the edge's volumes now: by itself it does so every minute or so."""
    where = ("-n", NAMESPACE, "-l", "app.kubernetes.io/component=edge", "--overwrite")
    await instance.kubectl.run("annotate", "pods", *where, f"test/nudge={time.monotonic_ns()}")


async def test_a_certificate_is_ordered_served_renewed_and_a_failure_told(
    instance: Instance,
) -> None:
    await instance.apply(build_messenger())
    await instance.wait_until_ready(timeout=240)
    service = await instance.get("service", "demo-edge")
    address = service["status"]["loadBalancer"]["ingress"][0]["ip"]

    first: list[x509.Certificate] = []

    async def is_issued() -> bool:
        await nudge(instance)
        try:
            seen = await asyncio.to_thread(read_certificate, address)
        except OSError:
            return False
        first[:] = [seen]
        return "Pebble" in seen.issuer.rfc4514_string()

    await wait_until(is_issued, timeout=120, what="a certificate of the ACME server at the edge")
    assert first[0].extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ).value.get_values_for_type(x509.DNSName) == [DOMAIN]

    async def is_renewed() -> bool:
        await nudge(instance)
        try:
            seen = await asyncio.to_thread(read_certificate, address)
        except OSError:
            return False
        return seen.serial_number != first[0].serial_number

    await wait_until(
        is_renewed, timeout=CERTIFICATE_SECONDS + 90, what="the renewed certificate at the edge"
    )
    assert (await instance.condition("EdgeReady"))["status"] == "True"

    gone = f"https://nobody.{NAMESPACE}.svc.cluster.local/dir"
    await instance.patch({"spec": {"tls": {"acme": {"server": gone}}}})

    async def is_told() -> bool:
        degraded = await instance.condition("Degraded")
        return degraded.get("reason") == "CertificateNotRenewed" and gone in degraded["message"]

    await wait_until(is_told, timeout=90, what="the failed order in Degraded")
    served = await asyncio.to_thread(read_certificate, address)
    assert "Pebble" in served.issuer.rfc4514_string()
