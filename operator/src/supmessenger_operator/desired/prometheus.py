"""Prometheus: the instance's own store of metrics, which also judges the alerts."""

from decimal import Decimal

from supmessenger_operator.desired.alerts import build_rules_file
from supmessenger_operator.desired.container import (
    Container,
    Mount,
    build_claim,
    build_config_mount,
    build_secret_mount,
)
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_http_check, build_probes
from supmessenger_operator.desired.scraping import CREDENTIALS, build_config
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.desired.yaml_text import dump_yaml
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.operations import PrometheusEmbedded
from supmessenger_operator.model.scalars import parse_duration, parse_quantity

COMPONENT = "prometheus"
PORT = 9090
REMOTE_WRITE = "remote-write"
_CONFIG = "/etc/sup-prometheus"
_VOLUME = "/prometheus"
_FIELD = "spec.monitoring.prometheus.embedded"
# Blocks are deleted above this part of the volume; the rest is for compaction and the newest data.
_SIZE_SHARE = Decimal("0.7")
# With a store elsewhere this one only bridges what that one can't take at the moment.
_BRIDGE_RETENTION = "1d"
_HEAP_SHARE = 0.8


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return configuration, identity, Service and StatefulSet, or nothing when off."""
    if not messenger.spec.has_prometheus:
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.EXTRAS)
    script = build_file("prometheus-run.sh")
    files = {
        "prometheus.yml": dump_yaml(build_config(messenger, inputs)),
        "rules.yml": build_rules_file(messenger, inputs.newest_backup),
        "run.sh": script,
    }
    configuration = (*_build_identity(kinds), kinds.build_config_map(files))
    if not inputs.has_image("prometheus"):
        return configuration
    pod = Pod(
        component=COMPONENT,
        containers=(_build_container(messenger, inputs, config_map=kinds.name),),
        # Only the script rolls the pod: configuration and rules are read again in place.
        config={"run.sh": script},
        grace_seconds=120,
        block=_get_block(messenger),
        block_path=_FIELD,
        account=COMPONENT,
    )
    return (
        *configuration,
        kinds.build_service({"http": (PORT, "metrics")}),
        kinds.build_stateful_set(pod, storage=messenger.effective.prometheus),
    )


def build_check_url(messenger: Messenger, inputs: Inputs) -> str:
    """Return the address at which the instance's checker asks Prometheus; empty without one."""
    if not (messenger.spec.has_prometheus and inputs.has_image("prometheus")):
        return ""
    return f"http://{messenger.object_name(COMPONENT)}:{PORT}"


def _build_identity(kinds: Kinds) -> tuple[DesiredObject, ...]:
    """The one pod with a token: it may see pods of its own namespace and nothing else."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": kinds.build_metadata(),
        # Given to the pod by its template alone.
        "automountServiceAccountToken": False,
    }
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": kinds.build_metadata(),
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": kinds.build_metadata(),
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "Role",
            "name": kinds.name,
        },
        "subjects": [
            {
                "kind": "ServiceAccount",
                "name": kinds.name,
                "namespace": kinds.messenger.namespace,
            }
        ],
    }
    return tuple(kinds.build(body) for body in (account, role, binding))


def _build_container(messenger: Messenger, inputs: Inputs, *, config_map: str) -> Container:
    amounts = messenger.effective.prometheus
    heap = int(float(parse_quantity(amounts.limits.memory)) * _HEAP_SHARE)
    return Container(
        name=COMPONENT,
        image=inputs.images["prometheus"],
        command=("sh", f"{_CONFIG}/run.sh"),
        args=(
            f"--storage.tsdb.path={_VOLUME}/data",
            f"--storage.tsdb.retention.time={_compute_retention_seconds(messenger)}s",
            f"--storage.tsdb.retention.size={_compute_retention_bytes(messenger)}B",
            f"--web.listen-address=:{PORT}",
            "--query.timeout=30s",
            "--query.max-samples=5000000",
            "--log.format=json",
        ),
        amounts=amounts,
        env={"CONFIG": _CONFIG, "CREDENTIALS": CREDENTIALS, "GOMEMLIMIT": str(heap)},
        ports={"metrics": PORT},
        mounts=(
            build_config_mount(config_map, _CONFIG),
            *_build_credentials(inputs),
            build_claim("data", _VOLUME),
        ),
        probes=build_probes(
            startup=build_http_check("/-/ready", "metrics"),
            # What was not yet in a block is read anew at each start.
            startup_seconds=1800,
            readiness=build_http_check("/-/ready", "metrics"),
            liveness=build_http_check("/-/healthy", "metrics"),
        ),
    )


def _build_credentials(inputs: Inputs) -> tuple[Mount, ...]:
    """Login at a store elsewhere; the script takes up a changed one without a restart."""
    fact = inputs.secrets.get(REMOTE_WRITE)
    if fact is None:
        return ()
    return (build_secret_mount(fact, name=REMOTE_WRITE, path=CREDENTIALS, rolls_pod=False),)


def _compute_retention_seconds(messenger: Messenger) -> int:
    monitoring = messenger.spec.monitoring
    if monitoring is not None and monitoring.prometheus.external is not None:
        return int(parse_duration(_BRIDGE_RETENTION))
    return int(parse_duration(_get_block(messenger).retention))


def _compute_retention_bytes(messenger: Messenger) -> int:
    """Return how much may be kept, so that the volume is never full."""
    return int(parse_quantity(messenger.effective.prometheus.storage) * _SIZE_SHARE)


def _get_block(messenger: Messenger) -> PrometheusEmbedded:
    monitoring = messenger.spec.monitoring
    embedded = monitoring.prometheus.embedded if monitoring is not None else None
    return embedded or PrometheusEmbedded()
