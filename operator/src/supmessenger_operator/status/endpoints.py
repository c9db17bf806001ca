"""Where the platform is reached, and the DNS records that lead there."""

from ipaddress import ip_address
from typing import Literal

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.inputs import Inputs
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.status import DnsRecord, Endpoints, TlsStatus


def build_endpoints(messenger: Messenger, inputs: Inputs | None = None) -> Endpoints:
    """Return the URLs that clients use; that of the relay once it has an address."""
    is_plain = messenger.spec.tls.mode == "disabled"
    web, sockets = ("http", "ws") if is_plain else ("https", "wss")
    domain = messenger.spec.domain
    return Endpoints(
        web=f"{web}://{domain}",
        api=f"{web}://{domain}/api",
        websocket=f"{sockets}://{domain}/ws",
        media=f"{web}://{domain}/media",
        livekit=_find_livekit(messenger, own=f"{sockets}://{domain}/livekit"),
        turn=_find_turn(messenger, inputs),
    )


def _find_livekit(messenger: Messenger, *, own: str) -> str:
    spec = messenger.spec
    if not spec.has_livekit:
        return ""
    external = spec.livekit.external if spec.livekit is not None else None
    return external.url if external is not None else own


def _find_turn(messenger: Messenger, inputs: Inputs | None) -> str:
    spec = messenger.spec
    if not spec.has_turn:
        return ""
    if spec.turn is not None and spec.turn.external is not None:
        return spec.turn.external.uris[0]
    host = inputs.turn_address.host if inputs is not None else ""
    return f"turn:{host}:3478" if host else ""


def build_tls(facts: Facts) -> TlsStatus:
    """Name the ConfigMap of the instance's own authority, when it has one."""
    authority = facts.find_object("ConfigMap", "foundation")
    return TlsStatus(ca_config_map=authority.name if authority is not None else "")


def build_dns_records(facts: Facts) -> tuple[DnsRecord, ...]:
    """Return a record of the domain for each address of the edge; a name's can only be alone."""
    edge = facts.find_object("Service", "edge")
    if facts.messenger is None or edge is None:
        return ()
    domain = facts.messenger.spec.domain
    numbers = tuple(one for one in edge.addresses if _type_of(one) != "CNAME")
    addresses = numbers or edge.addresses[:1]
    return tuple(_build_record(facts, domain, address) for address in addresses)


def _build_record(facts: Facts, domain: str, address: str) -> DnsRecord:
    record = DnsRecord(
        name=domain,
        type=_type_of(address),
        value=address,
        resolves=facts.inputs is not None and address in facts.inputs.domain_addresses,
    )
    if facts.inputs is None:  # nobody was asked in this pass: what was known stays
        known = record.model_copy(update={"resolves": True})
        return known if known in facts.previous.dns_records else record
    return record


def _type_of(address: str) -> Literal["A", "AAAA", "CNAME"]:
    try:
        return "A" if ip_address(address).version == 4 else "AAAA"
    except ValueError:
        return "CNAME"
