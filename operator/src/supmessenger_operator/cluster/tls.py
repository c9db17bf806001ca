"""The edge's certificate: the instance's own, a person's, or one of an ACME server."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from supmessenger_operator.cluster.acme import (
    AcmeOrder,
    ExternalAccount,
    compute_thumbprint,
    make_account_key,
)
from supmessenger_operator.cluster.acme_orders import CertificateOrders, OrderState
from supmessenger_operator.cluster.certificate_facts import (
    compute_renewal,
    find_flaw,
    read_expiry,
)
from supmessenger_operator.cluster.certificates import (
    KeyPair,
    make_authority,
    make_certificate,
    needs_renewal,
)
from supmessenger_operator.cluster.secrets import InstanceSecrets, Values
from supmessenger_operator.model.inputs import CertificateFact
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.parts import ACME
from supmessenger_operator.model.services import Acme

# Which server a certificate is from; another server in the resource asks for another certificate.
_SERVER_KEY = "acme-server"
_LOOK_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class EdgeCertificate:
    """What a pass learns of the certificate; `authority` is a private signer, if any."""

    authority: str = ""
    thumbprint: str = ""
    fact: CertificateFact = field(default_factory=CertificateFact)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where the edge is reached, and when it is."""

    edge_address: str
    cluster_domain: str
    now: datetime
    # Proofs of an ACME server are answered there: without it every order would fail.
    is_edge_up: bool = True
    # The relay listens with the same certificate at an address of its own.
    turn_host: str = ""


async def ensure_certificate(
    secrets: InstanceSecrets,
    messenger: Messenger,
    orders: CertificateOrders,
    around: Surroundings,
) -> EdgeCertificate:
    """Make sure the edge has a certificate, and say how it is."""
    tls = messenger.spec.tls
    if tls.secret_ref is not None:
        values = await secrets.read(
            tls.secret_ref, ("tls.crt", "tls.key"), field="spec.tls.secretRef"
        )
        secrets.adopt("tls", tls.secret_ref, values)
        fact = _judge_given(values, domain=messenger.spec.domain, now=around.now)
        return EdgeCertificate(authority=values.get("ca.crt", ""), fact=fact)
    if tls.mode == "disabled":
        return EdgeCertificate()
    if tls.acme is not None:
        return await _follow_acme(secrets, messenger, orders, around)
    return await _ensure_own(secrets, messenger, around)


def build_names(
    messenger: Messenger, *, edge_address: str, cluster_domain: str, turn_host: str = ""
) -> tuple[str, ...]:
    """Return every name under which the edge and the relay are reached, the domain first."""
    edge, namespace = messenger.object_name("edge"), messenger.namespace
    return tuple(
        dict.fromkeys(
            (
                messenger.spec.domain,
                edge,
                f"{edge}.{namespace}",
                f"{edge}.{namespace}.svc",
                f"{edge}.{namespace}.svc.{cluster_domain}",
                *((edge_address,) if edge_address else ()),
                *((turn_host,) if turn_host else ()),
            )
        )
    )


async def _ensure_own(
    secrets: InstanceSecrets, messenger: Messenger, around: Surroundings
) -> EdgeCertificate:
    authority = await _ensure_authority(secrets, messenger, now=around.now)
    names = build_names(
        messenger,
        edge_address=around.edge_address,
        cluster_domain=around.cluster_domain,
        turn_host=around.turn_host,
    )
    current = await secrets.ensure(
        "tls", ("tls.crt", "tls.key"), lambda: _make(authority, names, now=around.now)
    )
    certificate = current["tls.crt"].encode()
    if needs_renewal(certificate, authority.certificate, names, now=around.now):
        current = _make(authority, names, now=around.now)
        await secrets.keep("tls", current)
    renewal = compute_renewal(current["tls.crt"].encode())
    return EdgeCertificate(
        authority=authority.certificate.decode(),
        fact=CertificateFact(expires=read_expiry(current["tls.crt"]), look_again=renewal),
    )


async def _follow_acme(
    secrets: InstanceSecrets,
    messenger: Messenger,
    orders: CertificateOrders,
    around: Surroundings,
) -> EdgeCertificate:
    """Keep an ACME certificate fresh; until the first one is there the edge serves our own."""
    acme, key, now = messenger.spec.tls.acme, messenger.key, around.now
    if acme is None:
        raise ValueError("the resource asks for no ACME certificate")
    account = await secrets.ensure(
        "acme", ("account.key",), lambda: {"account.key": make_account_key()}
    )
    thumbprint = compute_thumbprint(account["account.key"])
    current = await secrets.recall("tls")
    # A sound one of another server serves until this server has given its own.
    is_sound = _SERVER_KEY in current and not find_flaw(current, messenger.spec.domain, now=now)
    unreadable = messenger.problems.get(ACME, "")
    is_wanted = is_sound and not unreadable and current[_SERVER_KEY] == acme.server
    if is_wanted and now < compute_renewal(current["tls.crt"].encode()):
        orders.forget(key)
        await secrets.keep("tls", current)
        return _tell_issued(current, thumbprint)
    state = OrderState(failure=unreadable)
    if unreadable:
        orders.forget(key)
    elif around.is_edge_up:
        try:
            order = await _build_order(secrets, messenger, acme, account=account, around=around)
            state = orders.follow(key, order, now=now)
        except Stalled as missing:
            # The edge goes on with what it has; the pass looks again once a minute.
            state = OrderState(failure=missing.message, next_try=now + _LOOK_AGAIN)
    if state.issued is not None:
        values = {
            "tls.crt": state.issued.chain,
            "tls.key": state.issued.key,
            _SERVER_KEY: acme.server,
        }
        await secrets.keep("tls", values)
        orders.forget(key)
        return _tell_issued(values, thumbprint)
    if is_sound:
        await secrets.keep("tls", current)
        served = EdgeCertificate()
    else:
        served = await _ensure_own(secrets, messenger, around)
    told = f"no certificate from {acme.server}: {state.failure}" if state.failure else ""
    return EdgeCertificate(
        authority=served.authority,
        thumbprint=thumbprint,
        fact=CertificateFact(
            problem=unreadable or told,
            is_usable=is_sound,
            is_pending=not state.failure,
            expires=read_expiry(current["tls.crt"]) if is_sound else None,
            # One that is due is under way now, and wakes the instance when it has ended.
            look_again=state.next_try if state.next_try and state.next_try > now else None,
        ),
    )


def _tell_issued(values: Values, thumbprint: str) -> EdgeCertificate:
    return EdgeCertificate(
        thumbprint=thumbprint,
        fact=CertificateFact(
            expires=read_expiry(values["tls.crt"]),
            look_again=compute_renewal(values["tls.crt"].encode()),
        ),
    )


async def _build_order(
    secrets: InstanceSecrets,
    messenger: Messenger,
    acme: Acme,
    *,
    account: Values,
    around: Surroundings,
) -> AcmeOrder:
    authority, external = "", None
    if acme.ca_secret_ref is not None:
        name = acme.ca_secret_ref.key or "ca.crt"
        field = "spec.tls.acme.caSecretRef"
        authority = (await secrets.read(acme.ca_secret_ref, (name,), field=field))[name]
    if acme.external_account is not None:
        ref = acme.external_account.key_secret_ref
        name, field = ref.key or "hmac-key", "spec.tls.acme.externalAccount.keySecretRef"
        given = await secrets.read(ref, (name,), field=field)
        external = ExternalAccount(key_id=acme.external_account.key_id, hmac_key=given[name])
    edge = f"{messenger.object_name('edge')}.{messenger.namespace}.svc.{around.cluster_domain}"
    return AcmeOrder(
        directory=acme.server,
        domain=messenger.spec.domain,
        account_key=account["account.key"],
        email=messenger.spec.admin_email,
        authority=authority,
        external_account=external,
        edge_url=f"http://{edge}",
    )


def _judge_given(values: Values, *, domain: str, now: datetime) -> CertificateFact:
    """Say what is wrong with a person's own certificate, before clients find out."""
    flaw = find_flaw(values, domain, now=now)
    if flaw:
        problem = f"{flaw}; put a good one into the Secret of spec.tls.secretRef"
        return CertificateFact(problem=problem, is_usable=False)
    return CertificateFact(expires=read_expiry(values["tls.crt"]))


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
