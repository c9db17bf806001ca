"""Coturn: the relay for callers whose network lets no media through."""

from dataclasses import dataclass
from urllib.parse import parse_qs

from supmessenger_operator.desired.container import (
    Container,
    build_binding,
    build_config_mount,
    build_scratch,
    build_secret_mount,
)
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_probes, build_tcp_check
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.realtime import RelayPorts, Turn

COMPONENT = "turn"
IMAGE = "coturn"
PORT = 3478
TLS_PORT = 5349
METRICS_PORT = 9641
_CONFIG = "/etc/sup-turn"
_CERTIFICATE = "/bindings/tls"
_GRACE_SECONDS = 10
# Of one person: a call opens two connections, a phone tries three ways from each of its networks,
# and Coturn counts what was given back for some seconds more.
_ALLOCATIONS_PER_PERSON = 24
# Bytes a second of one allocation: 8 Mbit/s, several videos at once.
_BYTES_PER_SECOND = 1_000_000
# Where nothing but an external LiveKit may be reached: every range that is nobody's public address.
_PRIVATE_RANGES = (
    ("0.0.0.0", "0.255.255.255"),  # noqa: S104 - a range that is denied
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "255.255.255.255"),
    ("::", "2000::"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)
_EVERYTHING = (
    ("0.0.0.0", "255.255.255.255"),  # noqa: S104 - a range that is denied
    ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)


@dataclass(frozen=True)
class TurnServer:
    """One way to a relay, as LiveKit tells it to clients."""

    host: str
    port: int
    protocol: str


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return ConfigMap and Deployment, or nothing until clients have an address to send to."""
    address = inputs.turn_address
    if not is_embedded(messenger, inputs) or not address.ip:
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.EXTRAS)
    files = {
        "turnserver.conf": build_turnserver_conf(messenger, inputs),
        "run.sh": build_file("turn-run.sh"),
    }
    pod = Pod(
        component=COMPONENT,
        containers=(_build_container(messenger, inputs, config_map=kinds.name),),
        config=files,
        grace_seconds=_GRACE_SECONDS,
        block=messenger.spec.turn or Turn(),
        block_path="spec.turn",
    )
    return (
        kinds.build_config_map(files),
        *kinds.build_deployment(
            pod,
            replicas=messenger.effective.turn.replicas,
            annotations=address.build_annotation(),
            recreates=True,
        ),
    )


def is_embedded(messenger: Messenger, inputs: Inputs) -> bool:
    """Whether this instance runs a relay of its own."""
    return "turn" in messenger.spec.media_exposures and (
        inputs.has_image(IMAGE) and "turn" in inputs.secrets
    )


def is_offered(messenger: Messenger, inputs: Inputs) -> bool:
    """Whether clients can be told of a relay, here or elsewhere."""
    return bool(list_uris(messenger, inputs))


def has_tls(messenger: Messenger) -> bool:
    """Whether there is a certificate to listen with."""
    return messenger.spec.tls.mode != "disabled"


def find_relay_ports(messenger: Messenger) -> RelayPorts:
    """Return the range of the ports that relay."""
    return (messenger.spec.turn or Turn()).relay_ports


def list_uris(messenger: Messenger, inputs: Inputs) -> tuple[str, ...]:
    """Return the TURN URIs that clients get; none until the relay has an address."""
    chosen = messenger.spec.turn
    if not messenger.spec.has_turn or "turn" not in inputs.secrets:
        return ()
    if chosen is not None and chosen.external is not None:
        return chosen.external.uris
    address = inputs.turn_address
    if not address.host or not inputs.has_image(IMAGE):
        return ()
    uris = [f"turn:{address.host}:{PORT}?transport={way}" for way in ("udp", "tcp")]
    # A certificate that was not made here covers names only, and the relay's only if it has one.
    is_covered = messenger.spec.tls.mode == "selfSigned" or address.host != address.ip
    if has_tls(messenger) and is_covered:
        uris.append(f"turns:{address.host}:{TLS_PORT}?transport=tcp")
    return tuple(uris)


def list_servers(messenger: Messenger, inputs: Inputs) -> tuple[TurnServer, ...]:
    """Return the same as LiveKit's configuration wants it."""
    return tuple(parse_uri(uri) for uri in list_uris(messenger, inputs))


def parse_uri(uri: str) -> TurnServer:
    """Parse a TURN URI (RFC 7065)."""
    scheme, _, rest = uri.partition(":")
    place, _, query = rest.partition("?")
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    is_secure = scheme == "turns"
    transport = parse_qs(query).get("transport", ["tcp" if is_secure else "udp"])[0]
    number = int(port) if port else TLS_PORT if is_secure else PORT
    return TurnServer(host=host, port=number, protocol="tls" if is_secure else transport)


def build_check_address(messenger: Messenger, inputs: Inputs) -> str:
    """Return where the instance's checker asks over UDP; empty when nothing listens there."""
    if is_embedded(messenger, inputs):
        return f"{messenger.object_name(COMPONENT)}:{PORT}"
    servers = list_servers(messenger, inputs)
    return next((f"{one.host}:{one.port}" for one in servers if one.protocol == "udp"), "")


def build_turnserver_conf(messenger: Messenger, inputs: Inputs) -> str:
    """Return turnserver.conf, valid for Coturn 4.6 and 4.17; run.sh adds secret and addresses."""
    relay = find_relay_ports(messenger)
    count = relay.max - relay.min + 1
    livekit = inputs.livekit_address.ip if "livekit" in messenger.spec.media_exposures else ""
    is_external = "livekit" not in messenger.spec.media_exposures
    return build_file(
        "turnserver.conf.j2",
        {
            "realm": messenger.spec.domain,
            "port": PORT,
            "tls_port": TLS_PORT if has_tls(messenger) else 0,
            "certificate": _CERTIFICATE,
            "metrics_port": METRICS_PORT,
            "relay": relay,
            "allocations": count,
            "allocations_per_person": min(count, _ALLOCATIONS_PER_PERSON),
            "bytes_per_second": _BYTES_PER_SECOND,
            "bytes_per_second_of_all": _BYTES_PER_SECOND * count,
            "allowed": (livekit,) if livekit else (),
            "denied": _PRIVATE_RANGES if is_external else _EVERYTHING,
        },
    )


def _build_container(messenger: Messenger, inputs: Inputs, *, config_map: str) -> Container:
    tls = has_tls(messenger)
    certificate = (
        (
            build_secret_mount(
                inputs.secrets["tls"], name="binding-tls", path=_CERTIFICATE, rolls_pod=False
            ),
        )
        if tls
        else ()
    )
    listens = build_tcp_check("turn-tcp")
    return Container(
        name="turn",
        image=inputs.images[IMAGE],
        command=("sh", f"{_CONFIG}/run.sh"),
        amounts=messenger.effective.turn,
        env={
            "BINDINGS": "/bindings",
            "CERTIFICATE": _CERTIFICATE if tls else "",
            "CONFIG": _CONFIG,
            "PUBLIC_IP": inputs.turn_address.ip,
            "RUN": "/run/turn",
        },
        ports={
            "turn-tcp": PORT,
            **({"turn-tls": TLS_PORT} if tls else {}),
            "metrics": METRICS_PORT,
        },
        udp_ports={"turn-udp": PORT},
        mounts=(
            build_config_mount(config_map, _CONFIG),
            build_binding(inputs.secrets["turn"], "turn"),
            *certificate,
            build_scratch("run", "/run/turn", in_memory=True, limit="1Mi"),
        ),
        probes=build_probes(startup=listens, readiness=listens, liveness=listens),
        keeps_net_bind=True,
    )
