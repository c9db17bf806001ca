"""Providers that are stood in for, and who is woken by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from support.bindings import write_binding
from support.push_scene import Scene
from support.push_sink import PushSink, open_push_sink
from support.worker_service import Jobs

from supmessenger_common.bindings import read_credentials
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import encode_bytes
from supmessenger_common.push.sealing import TokenSeal


@pytest.fixture(scope="module")
def account_key() -> str:
    """The private key of a service account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def sink(binding_root: Path, account_key: str) -> Iterator[PushSink]:
    """The providers, bound as `fcm` and `web-push`."""
    with open_push_sink() as opened:
        account = {
            "project_id": "stand-in",
            "client_email": "push@stand-in.example",
            "private_key": account_key,
            "token_uri": f"{opened.url}/token",
        }
        fcm = {"service-account.json": json.dumps(account), "endpoint": opened.url}
        write_binding(binding_root, "fcm", fcm)
        write_binding(binding_root, "web-push", build_pair())
        yield opened


@pytest.fixture
def scene(postgres: Pool, binding_root: Path, jobs: Jobs) -> Scene:
    """People with devices."""
    seal = TokenSeal(read_credentials(binding_root).encryption_key)
    return Scene(postgres, seal, binding_root, jobs)


def build_pair() -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "private-key": pem.decode(),
        "public-key": encode_bytes(point),
        "subject": "mailto:admin@example.org",
    }
