"""What api, websocket, media and worker have in common: a process of ours behind HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from supmessenger_operator.desired.container import Container, build_binding
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_http_check, build_probes
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.effective import EffectiveWorkload
from supmessenger_operator.model.workload import Workload

METRICS_PORT = 9464
DRAIN_SECONDS = 20
# Endpoints learn late that a pod leaves; until then it must go on accepting.
LEAVE_SECONDS = 3
# Between the end of the drain and the kill: closing pools, flushing logs.
_SPARE_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Service:
    """What differs between the services."""

    component: str
    wave: Wave
    port: int
    block: Workload
    amounts: EffectiveWorkload
    pool_size: int
    # Binding folder by the contract's name of its Secret.
    bindings: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)
    drain_seconds: int = DRAIN_SECONDS
    temporary_limit: str = "256Mi"


def build_service_objects(
    messenger: Messenger, inputs: Inputs, service: Service
) -> tuple[DesiredObject, ...]:
    """Return the Service, the Deployment and its disruption budget."""
    kinds = Kinds(
        messenger=messenger, inputs=inputs, component=service.component, wave=service.wave
    )
    pod = Pod(
        component=service.component,
        containers=(_build_container(messenger, inputs, service),),
        grace_seconds=LEAVE_SECONDS + service.drain_seconds + _SPARE_SECONDS,
        block=service.block,
        block_path=f"spec.{service.component}",
        temporary_limit=service.temporary_limit,
    )
    return (
        kinds.build_service({"http": (service.port, "http"), "metrics": (METRICS_PORT, "metrics")}),
        *kinds.build_deployment(pod, replicas=service.amounts.replicas),
    )


def _build_container(messenger: Messenger, inputs: Inputs, service: Service) -> Container:
    alive = build_http_check("/healthz", "http")
    return Container(
        name=service.component,
        image=inputs.images[service.component],
        command=(f"sup-{service.component}",),
        amounts=service.amounts,
        env={
            "SUP_INSTANCE": messenger.name,
            "SUP_DOMAIN": messenger.spec.domain,
            "SUP_POSTGRES_POOL_SIZE": str(service.pool_size),
            "SUP_DRAIN_SECONDS": str(service.drain_seconds),
            **service.env,
        },
        ports={"http": service.port, "metrics": METRICS_PORT},
        mounts=tuple(
            build_binding(inputs.secrets[secret], binding)
            for secret, binding in service.bindings.items()
        ),
        probes=build_probes(
            startup=alive, readiness=build_http_check("/readyz", "http"), liveness=alive
        ),
        pre_stop=("sleep", str(LEAVE_SECONDS)),
    )
