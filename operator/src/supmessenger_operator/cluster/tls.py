"""The instance's authority and the edge's certificate, renewed at two thirds of its life."""

from datetime import datetime

from supmessenger_operator.cluster.certificates import (
    KeyPair,
    make_authority,
    make_certificate,
    needs_renewal,
)
from supmessenger_operator.cluster.secrets import InstanceSecrets
from supmessenger_operator.model.messenger import Messenger


async def ensure_certificate(
    secrets: InstanceSecrets,
    messenger: Messenger,
    *,
    edge_address: str,
    cluster_domain: str,
    now: datetime,
) -> str:
    """Make sure the edge has a certificate; return the authority that clients shall trust."""
    tls = messenger.spec.tls
    if tls.secret_ref is not None:
        values = await secrets.read(
            tls.secret_ref, ("tls.crt", "tls.key"), field="spec.tls.secretRef"
        )
        secrets.adopt("tls", tls.secret_ref, values)
        return values.get("ca.crt", "")
    if tls.mode == "disabled":
        return ""
    authority = await _ensure_authority(secrets, messenger, now=now)
    names = build_names(messenger, edge_address=edge_address, cluster_domain=cluster_domain)
    current = await secrets.ensure(
        "tls", ("tls.crt", "tls.key"), lambda: _make(authority, names, now=now)
    )
    if needs_renewal(current["tls.crt"].encode(), authority.certificate, names, now=now):
        await secrets.keep("tls", _make(authority, names, now=now))
    return authority.certificate.decode()


def build_names(messenger: Messenger, *, edge_address: str, cluster_domain: str) -> tuple[str, ...]:
    """Return every name under which the edge is reached, the domain first."""
    edge, namespace = messenger.object_name("edge"), messenger.namespace
    return (
        messenger.spec.domain,
        edge,
        f"{edge}.{namespace}",
        f"{edge}.{namespace}.svc",
        f"{edge}.{namespace}.svc.{cluster_domain}",
        *((edge_address,) if edge_address else ()),
    )


async def _ensure_authority(
    secrets: InstanceSecrets, messenger: Messenger, *, now: datetime
) -> KeyPair:
    def make() -> dict[str, str]:
        made = make_authority(messenger.name, now=now)
        return {"tls.crt": made.certificate.decode(), "tls.key": made.key.decode()}

    values = await secrets.ensure("ca", ("tls.crt", "tls.key"), make)
    return KeyPair(certificate=values["tls.crt"].encode(), key=values["tls.key"].encode())


def _make(authority: KeyPair, names: tuple[str, ...], *, now: datetime) -> dict[str, str]:
    made = make_certificate(authority, names, now=now)
    return {
        "tls.crt": made.certificate.decode(),
        "tls.key": made.key.decode(),
        "ca.crt": authority.certificate.decode(),
    }
