"""Files, and the nodes' own disks and memory."""

from supmessenger_operator.desired.alerts.alert import Alert

_DISKS = 'fstype!~"tmpfs|overlay|squashfs|ramfs",mountpoint!~"/(run|var/lib/kubelet).*"'

ALERTS = (
    Alert(
        name="ObjectStorageFilling",
        expr=(
            "min(minio_cluster_capacity_usable_free_bytes"
            " / minio_cluster_capacity_usable_total_bytes) < 0.1"
        ),
        duration="15m",
        severity="critical",
        summary="{{ $value | humanizePercentage }} of the space for files is left",
        description=(
            "When it is full, uploads are refused; what is stored stays. Raise"
            " spec.objectStorage.embedded.storage.size; it grows while everything runs."
        ),
    ),
    Alert(
        name="NodeDiskFilling",
        expr=(
            f"predict_linear(node_filesystem_avail_bytes{{{_DISKS}}}[6h], 86400) < 0"
            f" and node_filesystem_avail_bytes{{{_DISKS}}}"
            f" / node_filesystem_size_bytes{{{_DISKS}}} < 0.25"
        ),
        duration="1h",
        severity="critical",
        summary="{{ $labels.mountpoint }} of node {{ $labels.instance }} is full within a day",
        description=(
            "A node without space evicts pods. Remove what is not needed (old images, logs) or add"
            " a disk."
        ),
    ),
    Alert(
        name="NodeMemoryLow",
        expr="node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05",
        duration="10m",
        severity="warning",
        summary="node {{ $labels.instance }} has little memory left",
        description=(
            "Pods will be ended to make room. Move pods away, add a node, or lower the limits in"
            " the resource."
        ),
    ),
)
