"""Flows of calls that begin or end outside: media has no proxy in between, so clients come here."""

from typing import Any
from urllib.parse import urlsplit

from supmessenger_operator.desired import livekit, turn
from supmessenger_operator.model import Inputs, Messenger

Rule = dict[str, Any]

# What an external LiveKit has nothing to do with: the cluster and the networks around it.
_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")


def list_media_ingress(messenger: Messenger, component: str) -> list[Rule]:
    """Return what anybody may send media to."""
    if component == livekit.COMPONENT:
        return [{"ports": [_port(livekit.RTC_TCP_PORT), _port(livekit.RTC_UDP_PORT, "UDP")]}]
    if component == turn.COMPONENT:
        relay = turn.find_relay_ports(messenger)
        return [
            {
                "ports": [
                    _port(turn.PORT),
                    _port(turn.PORT, "UDP"),
                    *([_port(turn.TLS_PORT)] if turn.has_tls(messenger) else []),
                    {**_port(relay.min, "UDP"), "endPort": relay.max},
                ]
            }
        ]
    return []


def list_media_egress(messenger: Messenger, inputs: Inputs, component: str) -> list[Rule]:
    """Return where calls lead out: to LiveKit's address, and to what is run elsewhere."""
    if component == turn.COMPONENT:
        return _list_relay_egress(messenger, inputs)
    spec, rules = messenger.spec, []
    if component in ("api", "worker") and spec.livekit is not None and spec.has_livekit:
        external = spec.livekit.external
        if external is not None:
            rules.append({"ports": [_port(_parse_port(external.url))]})
    if component == "worker" and spec.turn is not None and spec.has_turn and spec.turn.external:
        address = turn.build_check_address(messenger, inputs)
        if address:
            rules.append({"ports": [_port(int(address.rpartition(":")[2]), "UDP")]})
    return rules


def _list_relay_egress(messenger: Messenger, inputs: Inputs) -> list[Rule]:
    if "livekit" not in messenger.spec.media_exposures:
        anywhere = {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(_PRIVATE)}}
        return [{"to": [anywhere], "ports": [{"protocol": "UDP"}]}]
    address = inputs.livekit_address.ip
    if not address:
        return []
    # Some networks judge before they turn the Service's address into the pod's, some after.
    to = [{"ipBlock": {"cidr": f"{address}/32"}}]
    return [{"to": to, "ports": [_port(livekit.RTC_UDP_PORT, "UDP")]}]


def _parse_port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "wss" else 80)


def _port(port: int, protocol: str = "TCP") -> Rule:
    return {"port": port, "protocol": protocol}
