"""What calls are reached by: their Services, made first of all.

They come before everything that waits: the edge resolves LiveKit's name when it starts, and the
cluster's addresses are known by the time the services and the relay are configured with them.
"""

from dataclasses import replace
from typing import Any

from supmessenger_operator.desired import livekit, turn
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.realtime import MediaExposure

COMPONENT = "calls"
# Apart from the others: a cluster that refuses a load balancer still lets the edge find its name.
SIGNALLING = "signalling"


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return the Services of LiveKit and of the relay, where they run here."""
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.CONFIGURATION)
    exposures = messenger.spec.media_exposures
    built: list[DesiredObject] = []
    if livekit.is_embedded(messenger, inputs):
        built.append(_build_signalling(replace(kinds, component=SIGNALLING)))
        built.append(_build_media(kinds, exposures["livekit"]))
    if turn.is_embedded(messenger, inputs):
        built.append(_build_turn(kinds, exposures["turn"]))
    return tuple(built)


def _build_signalling(kinds: Kinds) -> DesiredObject:
    return kinds.build_service(
        {"http": (livekit.PORT, "http"), "metrics": (livekit.METRICS_PORT, "metrics")},
        name=kinds.messenger.object_name(livekit.COMPONENT),
        selects=livekit.COMPONENT,
    )


def _build_media(kinds: Kinds, exposure: MediaExposure) -> DesiredObject:
    return kinds.build_service(
        {"rtc-tcp": (livekit.RTC_TCP_PORT, "rtc-tcp")},
        udp_ports={"rtc-udp": (livekit.RTC_UDP_PORT, "rtc-udp")},
        name=f"{kinds.messenger.object_name(livekit.COMPONENT)}-rtc",
        selects=livekit.COMPONENT,
        annotations=exposure.annotations,
        settings=_build_settings(exposure),
    )


def _build_turn(kinds: Kinds, exposure: MediaExposure) -> DesiredObject:
    ports = {"turn-tcp": (turn.PORT, "turn-tcp")}
    if turn.has_tls(kinds.messenger):
        ports["turn-tls"] = (turn.TLS_PORT, "turn-tls")
    relay = turn.find_relay_ports(kinds.messenger)
    return kinds.build_service(
        ports,
        # A Service knows no ranges.
        udp_ports={
            "turn-udp": (turn.PORT, "turn-udp"),
            **{f"relay-{port}": (port, port) for port in range(relay.min, relay.max + 1)},
        },
        name=kinds.messenger.object_name(turn.COMPONENT),
        selects=turn.COMPONENT,
        annotations=exposure.annotations,
        settings=_build_settings(exposure),
    )


def _build_settings(exposure: MediaExposure) -> dict[str, Any]:
    if exposure.type == "LoadBalancer":
        # Keeps the client's address, and media takes no second way through the cluster.
        return {"type": exposure.type, "externalTrafficPolicy": "Local"}
    return {"type": exposure.type}
