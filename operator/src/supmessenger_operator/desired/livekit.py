"""LiveKit: the server of voice and video rooms."""

from supmessenger_operator.desired import turn
from supmessenger_operator.desired.container import (
    Container,
    Mount,
    build_binding,
    build_config_mount,
    build_scratch,
)
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_http_check, build_probes
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.realtime import LivekitEmbedded

COMPONENT = "livekit"
IMAGE = "livekit"
PORT = 7880
RTC_TCP_PORT = 7881
RTC_UDP_PORT = 7882
METRICS_PORT = 6789
_CONFIG = "/etc/sup-livekit"
_API_PORT = 3000
# On TERM it takes no new rooms and waits for people to leave those it has.
_GRACE_SECONDS = 60


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return ConfigMap and Deployment, or nothing until clients have an address to send to."""
    address = inputs.livekit_address
    if not is_embedded(messenger, inputs) or not address.ip:
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.EXTRAS)
    files = {"livekit.yaml": build_livekit_yaml(messenger, inputs), "run.sh": _build_script()}
    chosen = messenger.spec.livekit.embedded if messenger.spec.livekit is not None else None
    pod = Pod(
        component=COMPONENT,
        containers=(_build_container(messenger, inputs, config_map=kinds.name),),
        config=files,
        grace_seconds=_GRACE_SECONDS,
        block=chosen or LivekitEmbedded(),
        block_path="spec.livekit.embedded",
    )
    return (
        kinds.build_config_map(files),
        *kinds.build_deployment(
            pod,
            replicas=messenger.effective.livekit.replicas,
            annotations=address.build_annotation(),
            recreates=True,
        ),
    )


def is_embedded(messenger: Messenger, inputs: Inputs) -> bool:
    """Whether this instance runs a LiveKit of its own."""
    return "livekit" in messenger.spec.media_exposures and (
        inputs.has_image(IMAGE) and "livekit" in inputs.secrets
    )


def is_offered(messenger: Messenger, inputs: Inputs) -> bool:
    """Whether services have a LiveKit to speak to, here or elsewhere."""
    spec = messenger.spec
    is_external = spec.livekit is not None and spec.livekit.external is not None
    has_one = is_external or inputs.has_image(IMAGE)
    return spec.has_livekit and has_one and "livekit" in inputs.secrets


def build_check_url(messenger: Messenger, inputs: Inputs) -> str:
    """Return the address at which the instance's checker asks; empty without LiveKit."""
    if not is_offered(messenger, inputs):
        return ""
    external = messenger.spec.livekit.external if messenger.spec.livekit is not None else None
    if external is None:
        return f"http://{messenger.object_name(COMPONENT)}:{PORT}"
    return external.url.replace("ws", "http", 1)


def build_livekit_yaml(messenger: Messenger, inputs: Inputs) -> str:
    """Return LiveKit's configuration without its secrets, which run.sh adds in memory."""
    return build_file(
        "livekit.yaml.j2",
        {
            "port": PORT,
            "metrics_port": METRICS_PORT,
            "rtc_tcp_port": RTC_TCP_PORT,
            "rtc_udp_port": RTC_UDP_PORT,
            "node_ip": inputs.livekit_address.ip,
            "turn_servers": turn.list_servers(messenger, inputs),
        },
    )


def _build_script() -> str:
    return build_file("livekit-run.sh")


def _build_container(messenger: Messenger, inputs: Inputs, *, config_map: str) -> Container:
    alive = build_http_check("/", "http")
    return Container(
        name="livekit",
        image=inputs.images[IMAGE],
        command=("sh", f"{_CONFIG}/run.sh"),
        amounts=messenger.effective.livekit,
        env={
            "CONFIG": _CONFIG,
            "BINDINGS": "/bindings",
            "RUN": "/run/livekit",
            "WEBHOOK": f"http://{messenger.object_name('api')}:{_API_PORT}"
            "/internal/livekit/webhook",
        },
        ports={"http": PORT, "rtc-tcp": RTC_TCP_PORT, "metrics": METRICS_PORT},
        udp_ports={"rtc-udp": RTC_UDP_PORT},
        mounts=(
            build_config_mount(config_map, _CONFIG),
            build_binding(inputs.secrets["livekit"], "livekit"),
            build_binding(inputs.secrets["redis-state"], "redis-state"),
            *_list_turn_mounts(messenger, inputs),
            build_scratch("run", "/run/livekit", in_memory=True, limit="1Mi"),
        ),
        probes=build_probes(startup=alive, readiness=alive, liveness=alive),
    )


def _list_turn_mounts(messenger: Messenger, inputs: Inputs) -> tuple[Mount, ...]:
    if not turn.list_servers(messenger, inputs):
        return ()
    return (build_binding(inputs.secrets["turn"], "turn"),)
