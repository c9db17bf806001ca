"""Where clients reach the ports that no HTTP proxy carries: the address of a Service, followed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from supmessenger_operator.cluster.observe import Observed
from supmessenger_operator.cluster.reach import Reach
from supmessenger_operator.cluster.release import Releases
from supmessenger_operator.model.inputs import ADDRESS_ANNOTATION, PublicAddress
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.observed import ObservedObject
from supmessenger_operator.model.realtime import MediaExposure


@dataclass(frozen=True, kw_only=True)
class ExposedPart:
    """A part with ports of its own, and where in the resource its exposure is chosen."""

    service: str
    exposure: MediaExposure
    field: str
    observed: ObservedObject | None = None
    released: tuple[Mapping[str, Any], ...] = ()


async def gather_call_addresses(
    messenger: Messenger, observed: Observed, releases: Releases, reach: Reach
) -> dict[str, PublicAddress]:
    """Return the addresses of the parts of calls that run here; empty ones for the others."""
    current, addresses = releases.current, {}
    for name, exposure in messenger.spec.media_exposures.items():
        service = messenger.object_name("livekit-rtc" if name == "livekit" else name)
        part = ExposedPart(
            service=service,
            exposure=exposure,
            field="spec.livekit.embedded.exposure" if name == "livekit" else "spec.turn.exposure",
            observed=observed.find("Service", service),
            released=current[name].objects if name in current else (),
        )
        addresses[name] = await gather_public_address(part, reach)
    return {name: addresses.get(name, PublicAddress()) for name in ("livekit", "turn")}


async def gather_public_address(part: ExposedPart, reach: Reach) -> PublicAddress:
    """Return the address in force; one that was lost stays until there is another."""
    before = find_released_address(part.released)
    host = part.exposure.address
    if not host and part.exposure.type == "LoadBalancer" and part.observed is not None:
        host = _choose(part.observed.addresses, before=before.host)
    if not host:
        return _keep_released(part, _explain_missing(part))
    addresses = (host,) if _parse(host) is not None else await reach.resolve(host)
    if before.host == host and before.ip in addresses:
        # A name of several addresses gains and loses some; a change of ours would end every call.
        return before
    ip = next((one for one in addresses if isinstance(_parse(one), IPv4Address)), "")
    if ip:
        return PublicAddress(host=host, ip=ip)
    where = f"{part.field}.address" if part.exposure.address else f"Service {part.service}"
    return _keep_released(
        part,
        f"{where} is {host}, which gives no IPv4 address that media could be sent to; correct the"
        f" name's DNS record, or set {part.field}.address to an IPv4 address",
    )


def _choose(addresses: Sequence[str], *, before: str) -> str:
    """Return the best of a Service's addresses; of equal ones that in force, as calls use it."""
    best = next(iter(addresses), "")
    return before if before in addresses and type(_parse(before)) is type(_parse(best)) else best


def find_released_address(released: Iterable[Mapping[str, Any]]) -> PublicAddress:
    """Return the address that a released workload was configured with, if there is one."""
    for body in released:
        annotations = body["metadata"].get("annotations") or {}
        host, _, ip = annotations.get(ADDRESS_ANNOTATION, "").partition(" ")
        if host and ip:
            return PublicAddress(host=host, ip=ip)
    return PublicAddress()


def _keep_released(part: ExposedPart, problem: str) -> PublicAddress:
    return find_released_address(part.released).model_copy(update={"problem": problem})


def _explain_missing(part: ExposedPart) -> str:
    kind = part.exposure.type
    if kind != "LoadBalancer":
        return (
            f"Service {part.service} is of type {kind}, which has no address of its own; set"
            f" {part.field}.address to the address at which clients reach its ports, or"
            f" {part.field}.type to LoadBalancer"
        )
    return (
        f"waiting for the address of Service {part.service}, which the cluster has not given yet;"
        f" see `kubectl describe service {part.service}`. A cluster without load balancers needs"
        f" one, or {part.field}.address set to where clients reach these ports"
    )


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
