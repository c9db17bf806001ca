"""The edge: one nginx that terminates TLS and routes to the services."""

from typing import Any

from supmessenger_operator.desired import api, livekit, media, websocket
from supmessenger_operator.desired.container import (
    Container,
    build_config_mount,
    build_secret_mount,
)
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_http_check, build_probes
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.scalars import parse_quantity

COMPONENT = "edge"
HTTP_PORT = 8080
HTTPS_PORT = 8443
METRICS_PORT = 9113
_METRICS = "metrics.txt"
_CONFIG = "/etc/sup-edge"
_CERTIFICATE = "/bindings/tls"
_UPSTREAMS = (api, media, websocket)
_LEAVE_SECONDS = 5
_GRACE_SECONDS = 45
_WORKERS = {"tiny": 1, "small": 2, "medium": 2, "large": 4}
# Whatever stands in front inside a cluster or its cloud has one of these addresses.
_TRUSTED_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return ConfigMap, Service and Deployment."""
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.EDGE)
    script = build_file("edge-run.sh")
    pod = Pod(
        component=COMPONENT,
        containers=(_build_container(messenger, inputs, config_map=kinds.name),),
        # Only the script rolls the pod: nginx.conf and the certificate are reloaded in place.
        config={"run.sh": script},
        grace_seconds=_GRACE_SECONDS,
        block=messenger.spec.edge,
        block_path="spec.edge",
    )
    return (
        kinds.build_config_map(
            {
                "nginx.conf": build_nginx_conf(
                    messenger,
                    inputs.acme_thumbprint,
                    signalling=_find_signalling(messenger, inputs),
                ),
                _METRICS: build_file("edge-metrics.txt"),
                "run.sh": script,
            }
        ),
        _build_service(kinds, messenger),
        *kinds.build_deployment(pod, replicas=messenger.effective.edge.replicas),
    )


def build_check_url(messenger: Messenger) -> str:
    """Return the address at which the instance's checker asks the edge."""
    scheme, port = ("https", 443) if _has_tls(messenger) else ("http", 80)
    return f"{scheme}://{messenger.object_name(COMPONENT)}:{port}/healthz"


def build_nginx_conf(
    messenger: Messenger, acme_thumbprint: str = "", *, signalling: str = ""
) -> str:
    """Return nginx.conf, valid for nginx 1.22 to 1.30; the thumbprint answers ACME challenges.

    `signalling` is the address of LiveKit's signalling, empty where the instance runs none.
    """
    spec = messenger.spec
    return build_file(
        "nginx.conf.j2",
        {
            "domain": spec.domain,
            "tls": _has_tls(messenger),
            "acme_thumbprint": acme_thumbprint,
            # A browser that has seen it refuses a self-signed certificate without a way past.
            "hsts": spec.tls.mode in ("acme", "certManager", "secretRef"),
            "behind_proxy": _is_behind_proxy(messenger),
            "trusted_ranges": _TRUSTED_RANGES,
            "worker_processes": _WORKERS[spec.size],
            "worker_connections": spec.edge.worker_connections,
            "metrics_port": METRICS_PORT,
            "metrics_file": f"{_CONFIG}/{_METRICS}",
            "max_upload_bytes": int(parse_quantity(spec.media.max_upload_size)),
            "upstreams": [
                (one.COMPONENT, f"{messenger.object_name(one.COMPONENT)}:{one.PORT}")
                for one in _UPSTREAMS
            ]
            + ([("livekit", signalling)] if signalling else []),
            "signalling": signalling,
        },
    )


def _build_container(messenger: Messenger, inputs: Inputs, *, config_map: str) -> Container:
    tls = _has_tls(messenger)
    certificate = (
        (
            build_secret_mount(
                inputs.secrets["tls"], name="binding-tls", path=_CERTIFICATE, rolls_pod=False
            ),
        )
        if tls
        else ()
    )
    answers = build_http_check("/healthz", "http")
    # Asked over TLS, so that a pod without a working certificate gets no clients.
    serves = build_http_check("/healthz", "https", scheme="HTTPS") if tls else answers
    return Container(
        name="nginx",
        image=inputs.images["nginx"],
        command=("sh", f"{_CONFIG}/run.sh"),
        amounts=messenger.effective.edge,
        env={
            "CONFIG": _CONFIG,
            "CERTIFICATE": _CERTIFICATE if tls else "",
            "SERVICES": " ".join(_list_services(messenger, inputs)),
            "LEAVE_SECONDS": str(_LEAVE_SECONDS),
        },
        ports={
            "http": HTTP_PORT,
            **({"https": HTTPS_PORT} if tls else {}),
            "metrics": METRICS_PORT,
        },
        mounts=(build_config_mount(config_map, _CONFIG), *certificate),
        probes=build_probes(startup=answers, readiness=serves, liveness=answers),
    )


def _find_signalling(messenger: Messenger, inputs: Inputs) -> str:
    if not livekit.is_embedded(messenger, inputs):
        return ""
    return f"{messenger.object_name(livekit.COMPONENT)}:{livekit.PORT}"


def _list_services(messenger: Messenger, inputs: Inputs) -> tuple[str, ...]:
    """Return the Services whose addresses nginx has to know."""
    names = [one.COMPONENT for one in _UPSTREAMS]
    if livekit.is_embedded(messenger, inputs):
        names.append(livekit.COMPONENT)
    return tuple(messenger.object_name(name) for name in names)


def _build_service(kinds: Kinds, messenger: Messenger) -> DesiredObject:
    exposure = messenger.spec.exposure
    kind = exposure.type if exposure.type in ("LoadBalancer", "NodePort") else "ClusterIP"
    settings: dict[str, Any] = {"type": kind}
    if kind == "LoadBalancer":
        # Keeps the client's address, by which rate limits count.
        settings["externalTrafficPolicy"] = "Local"
    ports = {"http": (80, "http")}
    if _has_tls(messenger):
        ports["https"] = (443, "https")
    return kinds.build_service(ports, annotations=exposure.annotations, settings=settings)


def _has_tls(messenger: Messenger) -> bool:
    return messenger.spec.tls.mode != "disabled"


def _is_behind_proxy(messenger: Messenger) -> bool:
    exposure = messenger.spec.exposure.type
    return not _has_tls(messenger) or exposure in ("ClusterIP", "Gateway", "Ingress")
