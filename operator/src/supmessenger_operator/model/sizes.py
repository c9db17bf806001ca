"""What each size means: replicas, requests, limits and volumes of every workload."""

from supmessenger_operator.model.base import Model
from supmessenger_operator.model.spec import Size


class SizedWorkload(Model):
    """The numbers of one workload at one size; storage is empty for pods without a volume."""

    replicas: int
    cpu: str
    memory: str
    cpu_limit: str
    memory_limit: str
    storage: str = ""


def _sized(replicas: int, requests: str, limits: str, storage: str = "") -> SizedWorkload:
    cpu, memory = requests.split()
    cpu_limit, memory_limit = limits.split()
    return SizedWorkload(
        replicas=replicas,
        cpu=cpu,
        memory=memory,
        cpu_limit=cpu_limit,
        memory_limit=memory_limit,
        storage=storage,
    )


# Sum of requests, held by a test: tiny ≤ 0.5 CPU and 2 GiB, so that two fit on a laptop;
# small ≤ 2 CPU and 6 GiB. `job` is one pod of a migration, setup or backup.
SIZES: dict[Size, dict[str, SizedWorkload]] = {
    "tiny": {
        "postgres": _sized(1, "80m 320Mi", "2 1Gi", "2Gi"),
        "redis-cache": _sized(1, "15m 64Mi", "500m 128Mi", ""),
        "redis-state": _sized(1, "15m 48Mi", "500m 128Mi", "512Mi"),
        "rabbitmq": _sized(1, "60m 208Mi", "1 512Mi", "1Gi"),
        "object-storage": _sized(1, "30m 188Mi", "1 768Mi", "5Gi"),
        "worker": _sized(1, "40m 128Mi", "1 512Mi"),
        "api": _sized(1, "50m 176Mi", "1 512Mi"),
        "websocket": _sized(1, "45m 112Mi", "1 384Mi"),
        "media": _sized(1, "50m 160Mi", "1 768Mi"),
        "edge": _sized(1, "20m 48Mi", "500m 192Mi"),
        "kafka": _sized(1, "50m 384Mi", "1 768Mi", "2Gi"),
        "livekit": _sized(1, "10m 48Mi", "1 512Mi"),
        "turn": _sized(1, "5m 16Mi", "500m 128Mi"),
        "prometheus": _sized(1, "10m 80Mi", "1 512Mi", "2Gi"),
        "exporters": _sized(1, "3m 12Mi", "250m 96Mi"),
        "grafana": _sized(1, "10m 64Mi", "500m 512Mi"),
        "loki": _sized(1, "10m 64Mi", "1 512Mi", "2Gi"),
        "job": _sized(1, "10m 96Mi", "1 512Mi"),
        "backup": _sized(1, "20m 96Mi", "1 512Mi", "5Gi"),
    },
    "small": {
        "postgres": _sized(1, "400m 1Gi", "4 2Gi", "10Gi"),
        "redis-cache": _sized(1, "100m 320Mi", "1 512Mi", ""),
        "redis-state": _sized(1, "50m 128Mi", "1 256Mi", "1Gi"),
        "rabbitmq": _sized(1, "150m 512Mi", "2 1Gi", "5Gi"),
        "object-storage": _sized(1, "150m 512Mi", "2 2Gi", "50Gi"),
        "worker": _sized(1, "200m 384Mi", "2 1Gi"),
        "api": _sized(1, "250m 512Mi", "2 1Gi"),
        "websocket": _sized(1, "200m 256Mi", "2 768Mi"),
        "media": _sized(1, "150m 512Mi", "2 2Gi"),
        "edge": _sized(1, "50m 96Mi", "2 384Mi"),
        "kafka": _sized(1, "200m 768Mi", "2 1536Mi", "10Gi"),
        "livekit": _sized(1, "50m 128Mi", "2 1Gi"),
        "turn": _sized(1, "20m 32Mi", "1 256Mi"),
        "prometheus": _sized(1, "50m 256Mi", "2 1Gi", "10Gi"),
        "exporters": _sized(1, "6m 24Mi", "500m 128Mi"),
        "grafana": _sized(1, "30m 128Mi", "1 512Mi"),
        "loki": _sized(1, "30m 192Mi", "2 1Gi", "10Gi"),
        "job": _sized(1, "25m 128Mi", "2 1Gi"),
        "backup": _sized(1, "50m 128Mi", "2 1Gi", "20Gi"),
    },
    "medium": {
        "postgres": _sized(1, "1 2Gi", "6 4Gi", "50Gi"),
        "redis-cache": _sized(1, "250m 768Mi", "2 1Gi", ""),
        "redis-state": _sized(1, "100m 256Mi", "1 512Mi", "2Gi"),
        "rabbitmq": _sized(1, "500m 1Gi", "2 2Gi", "10Gi"),
        "object-storage": _sized(1, "500m 1Gi", "4 4Gi", "200Gi"),
        "worker": _sized(2, "250m 512Mi", "2 1Gi"),
        "api": _sized(2, "500m 768Mi", "2 2Gi"),
        "websocket": _sized(2, "500m 512Mi", "2 1Gi"),
        "media": _sized(2, "250m 768Mi", "4 3Gi"),
        "edge": _sized(2, "100m 128Mi", "2 512Mi"),
        "kafka": _sized(1, "500m 1536Mi", "2 3Gi", "50Gi"),
        "livekit": _sized(1, "500m 512Mi", "4 2Gi"),
        "turn": _sized(1, "100m 64Mi", "2 512Mi"),
        "prometheus": _sized(1, "250m 1Gi", "2 3Gi", "50Gi"),
        "exporters": _sized(1, "20m 48Mi", "500m 192Mi"),
        "grafana": _sized(1, "100m 256Mi", "2 1Gi"),
        "loki": _sized(1, "250m 512Mi", "2 2Gi", "50Gi"),
        "job": _sized(1, "100m 256Mi", "2 1Gi"),
        "backup": _sized(1, "100m 256Mi", "2 2Gi", "100Gi"),
    },
    "large": {
        "postgres": _sized(1, "4 8Gi", "16 16Gi", "200Gi"),
        "redis-cache": _sized(1, "500m 2Gi", "4 3Gi", ""),
        "redis-state": _sized(1, "250m 512Mi", "2 1Gi", "5Gi"),
        "rabbitmq": _sized(1, "1 2Gi", "4 4Gi", "20Gi"),
        "object-storage": _sized(1, "1 2Gi", "8 8Gi", "1Ti"),
        "worker": _sized(4, "500m 768Mi", "4 2Gi"),
        "api": _sized(4, "1 1Gi", "4 2Gi"),
        "websocket": _sized(4, "1 1Gi", "4 2Gi"),
        "media": _sized(3, "500m 1Gi", "8 4Gi"),
        "edge": _sized(3, "250m 256Mi", "4 1Gi"),
        "kafka": _sized(1, "1 3Gi", "4 6Gi", "200Gi"),
        "livekit": _sized(1, "2 1Gi", "8 4Gi"),
        "turn": _sized(1, "500m 256Mi", "4 1Gi"),
        "prometheus": _sized(1, "1 4Gi", "4 8Gi", "200Gi"),
        "exporters": _sized(1, "50m 64Mi", "500m 256Mi"),
        "grafana": _sized(1, "250m 512Mi", "2 1Gi"),
        "loki": _sized(1, "500m 1Gi", "4 4Gi", "200Gi"),
        "job": _sized(1, "250m 512Mi", "4 2Gi"),
        "backup": _sized(1, "250m 512Mi", "4 4Gi", "500Gi"),
    },
}

# Memory the cache may hold; its pod's limit leaves room for fragmentation and clients.
REDIS_MAX_MEMORY: dict[Size, str] = {
    "tiny": "64Mi",
    "small": "256Mi",
    "medium": "768Mi",
    "large": "2Gi",
}
