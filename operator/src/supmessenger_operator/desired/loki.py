"""Loki: the logs of one instance, in one process on a volume."""

from supmessenger_operator.desired.container import Container, build_claim, build_config_mount
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_http_check, build_probes
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.features import Logs
from supmessenger_operator.model.scalars import parse_duration, parse_quantity

COMPONENT = "loki"
PORT = 3100
_CONFIG = "/etc/sup-loki"
_FILE = "loki.yaml"
# A folder of its own: a volume's root may hold what is not ours.
_FOLDER = "/data/loki"
# Go keeps its heap below this part of the pod's memory instead of being killed above all of it.
_HEAP_SHARE = 0.8
# Parts of the heap: writes that are read again at start, and each of the two caches.
_REPLAY_SHARE = 0.4
_CACHE_SHARE = 0.05
_WEEK_SECONDS = 7 * 24 * 3600
# Of all pods together: MB of lines a second, and containers that write at a time.
_INGESTION_RATE_MB = {"tiny": 2, "small": 4, "medium": 8, "large": 16}
_MAX_STREAMS = {"tiny": 500, "small": 1000, "medium": 2000, "large": 5000}


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return ConfigMap, Service and StatefulSet, or nothing where there is no Loki."""
    if not has_workload(messenger, inputs):
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.EXTRAS)
    files = {_FILE: build_configuration(messenger)}
    pod = Pod(
        component=COMPONENT,
        containers=(_build_container(messenger, inputs, config_map=kinds.name),),
        config=files,
        grace_seconds=60,
        block=_find_block(messenger),
        block_path="spec.monitoring.logs",
    )
    return (
        kinds.build_config_map(files),
        kinds.build_service({"http": (PORT, "metrics")}),
        kinds.build_stateful_set(pod, storage=messenger.effective.loki),
    )


def has_workload(messenger: Messenger, inputs: Inputs) -> bool:
    """Whether a Loki of this instance runs here."""
    return messenger.spec.has_loki and inputs.has_image(COMPONENT)


def build_check_url(messenger: Messenger, inputs: Inputs) -> str:
    """Return the address at which the instance's checker asks Loki; empty without one."""
    if not has_workload(messenger, inputs):
        return ""
    return f"http://{messenger.object_name(COMPONENT)}:{PORT}"


def build_configuration(messenger: Messenger) -> str:
    """Return loki.yaml, valid for Loki 3.6 and 3.7."""
    retention = int(parse_duration(_find_block(messenger).retention))
    size = messenger.spec.size
    heap = _compute_heap(messenger)
    return build_file(
        "loki.yaml.j2",
        {
            "port": PORT,
            "folder": _FOLDER,
            "retention_seconds": retention,
            "oldest_seconds": min(retention, _WEEK_SECONDS),
            "ingestion_rate_mb": _INGESTION_RATE_MB[size],
            "max_streams": _MAX_STREAMS[size],
            "replay_memory_bytes": int(heap * _REPLAY_SHARE),
            "cache_mb": max(8, int(heap * _CACHE_SHARE) // 2**20),
        },
    )


def _build_container(messenger: Messenger, inputs: Inputs, *, config_map: str) -> Container:
    ready = build_http_check("/ready", "metrics")
    return Container(
        name=COMPONENT,
        image=inputs.images[COMPONENT],
        command=("loki", f"-config.file={_CONFIG}/{_FILE}"),
        amounts=messenger.effective.loki,
        env={"GOMEMLIMIT": str(_compute_heap(messenger))},
        # It serves its metrics where it serves all else.
        ports={"metrics": PORT},
        mounts=(build_config_mount(config_map, _CONFIG), build_claim("data", "/data")),
        probes=build_probes(
            # Reads back what was not yet stored when it ended.
            startup=ready,
            startup_seconds=600,
            readiness=ready,
            liveness=build_http_check("/loki/api/v1/status/buildinfo", "metrics"),
        ),
    )


def _find_block(messenger: Messenger) -> Logs:
    monitoring = messenger.spec.monitoring
    return monitoring.logs if monitoring is not None else Logs()


def _compute_heap(messenger: Messenger) -> int:
    return int(float(parse_quantity(messenger.effective.loki.limits.memory)) * _HEAP_SHARE)
