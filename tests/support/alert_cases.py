"""For each alert a world in which it fires, and one, nearly the same, in which it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GIGABYTE = 1024**3
# Values in promtool's notation: `1x60` is 1 and 60 times the same again, one a minute.
Series = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """Series that make an alert fire at this minute, and those that leave it silent."""

    alert: str
    minute: int
    firing: Series
    silent: Series


_JOBS = (
    *("api", "websocket", "media", "worker", "edge", "postgres", "redis-cache", "redis-state"),
    *("rabbitmq", "object-storage"),
)


def _up(*absent: str) -> Series:
    return {f'up{{job="{job}",instance="{job}"}}': "1x90" for job in _JOBS if job not in absent}


CASES = (
    Case(
        "TargetDown",
        10,
        {'up{job="api",instance="demo-api-1"}': "1x3 0x20"},
        {'up{job="api",instance="demo-api-1"}': "1x8 0 1x20", 'up{job="turn"}': "0x30"},
    ),
    Case("ScrapeMissing", 10, _up("worker"), _up()),
    Case(
        "PodRestarting",
        30,
        {'process_start_time_seconds{job="api",instance="a"}': "1x5 300x5 600x5 900x20"},
        {'process_start_time_seconds{job="api",instance="a"}': "1x5 300x30"},
    ),
    Case(
        "CheckFailing",
        10,
        {'check_ok{check="smtp",instance="a"}': "1x3 0x20"},
        {
            'check_ok{check="smtp",instance="a"}': "0x20",
            'check_ok{check="smtp",instance="b"}': "1x20",
        },
    ),
    Case(
        "CertificateExpiring",
        90,
        {'edge_certificate_expiry_timestamp_seconds{domain="d"}': f"{5 * 86400}x100"},
        {'edge_certificate_expiry_timestamp_seconds{domain="d"}': f"{30 * 86400}x100"},
    ),
    Case("LivekitDown", 10, {'up{job="livekit"}': "1x3 0x20"}, {'up{job="livekit"}': "1x20"}),
    Case("TurnDown", 10, {'up{job="api"}': "1x20"}, {'up{job="turn"}': "1x20"}),
    Case(
        "HighErrorRate",
        20,
        {
            'http_requests_total{service="api",status="200"}': "0+60x30",
            'http_requests_total{service="api",status="500"}': "0+6x30",
        },
        {
            'http_requests_total{service="api",status="200"}': "0+60x30",
            'http_requests_total{service="api",status="500"}': "0+1x30",
            'http_requests_total{service="api",status="404"}': "0+60x30",
            # One failure of two is no rate.
            'http_requests_total{service="media",status="500"}': "0 1x30",
            'http_requests_total{service="media",status="200"}': "0 1x30",
        },
    ),
    Case(
        "HighLatency",
        30,
        {
            'http_request_duration_seconds_bucket{service="api",le="1"}': "0+30x40",
            'http_request_duration_seconds_bucket{service="api",le="5"}': "0+60x40",
            'http_request_duration_seconds_bucket{service="api",le="+Inf"}': "0+60x40",
            'http_request_duration_seconds_count{service="api"}': "0+60x40",
        },
        {
            'http_request_duration_seconds_bucket{service="api",le="1"}': "0+59x40",
            'http_request_duration_seconds_bucket{service="api",le="+Inf"}': "0+60x40",
            'http_request_duration_seconds_count{service="api"}': "0+60x40",
            'http_request_duration_seconds_bucket{service="media",le="1"}': "0+1x40",
            'http_request_duration_seconds_bucket{service="media",le="+Inf"}': "0+60x40",
            'http_request_duration_seconds_count{service="media"}': "0+60x40",
        },
    ),
    Case(
        "OutboxGrowing",
        30,
        {'outbox_pending{instance="a"}': "0+20x40"},
        {'outbox_pending{instance="a"}': "1000-20x40", 'outbox_pending{instance="b"}': "3x40"},
    ),
    Case(
        "JobsDying",
        20,
        {'jobs_total{kind="email.verification",result="dead"}': "0x10 1x20"},
        {'jobs_total{kind="email.verification",result="done"}': "0+1x30"},
    ),
    Case(
        "WebsocketConnectionsDropped",
        40,
        {'websocket_connections_active{instance="a"}': "100x34 30x20"},
        {
            'websocket_connections_active{instance="a"}': "100x34 70x20",
        },
    ),
    Case("PostgresDown", 10, {"pg_up": "1x3 0x20"}, {"pg_up": "1x20"}),
    Case(
        "PostgresConnectionsNearLimit",
        10,
        {
            'pg_stat_activity_count{state="active"}': "100x20",
            'pg_stat_activity_count{state="idle"}': "80x20",
            "pg_settings_max_connections": "200x20",
        },
        {
            'pg_stat_activity_count{state="idle"}': "160x20",
            "pg_settings_max_connections": "200x20",
        },
    ),
    Case(
        "PostgresTransactionOpen",
        10,
        {'pg_stat_activity_max_tx_duration{state="idle in transaction"}': "4000+60x20"},
        {'pg_stat_activity_max_tx_duration{state="active"}': "4000+60x20"},
    ),
    Case(
        "PostgresDeadlocks",
        20,
        {'pg_stat_database_deadlocks{datname="sup"}': "0+1x30"},
        {'pg_stat_database_deadlocks{datname="sup"}': "0x10 1x20"},
    ),
    Case(
        "PostgresVolumeFilling",
        420,
        {'pg_database_size_bytes{datname="sup"}': f"{GIGABYTE}+{GIGABYTE // 1000}x500"},
        {'pg_database_size_bytes{datname="sup"}': f"{GIGABYTE}x500"},
    ),
    Case(
        "RedisDown",
        10,
        {'redis_up{job="redis-cache"}': "1x3 0x20", 'redis_up{job="redis-state"}': "1x20"},
        {'redis_up{job="redis-cache"}': "1x20"},
    ),
    Case(
        "RedisStateMemoryNearLimit",
        10,
        {
            'redis_memory_used_bytes{job="redis-state"}': "95x20",
            'redis_memory_max_bytes{job="redis-state"}': "100x20",
        },
        {
            'redis_memory_used_bytes{job="redis-state"}': "50x20",
            'redis_memory_max_bytes{job="redis-state"}': "100x20",
            'redis_memory_used_bytes{job="redis-cache"}': "99x20",
            'redis_memory_max_bytes{job="redis-cache"}': "100x20",
        },
    ),
    Case(
        "RedisCacheEvicting",
        40,
        {'redis_evicted_keys_total{job="redis-cache"}': "0+1200x60"},
        {'redis_evicted_keys_total{job="redis-cache"}': "0+60x60"},
    ),
    Case(
        "RedisRejectingConnections",
        20,
        {'redis_rejected_connections_total{job="redis-state"}': "0x16 3x20"},
        {'redis_rejected_connections_total{job="redis-state"}': "3x40"},
    ),
    Case(
        "QueueBacklog",
        30,
        {'rabbitmq_queue_messages_ready{queue="sup.jobs.email"}': "2000x40"},
        {
            'rabbitmq_queue_messages_ready{queue="sup.jobs.email"}': "20x40",
            'rabbitmq_queue_messages_ready{queue="sup.jobs.email.retry.600s"}': "2000x40",
        },
    ),
    Case(
        "QueueWithoutConsumer",
        20,
        {'rabbitmq_queue_consumers{queue="sup.jobs.media"}': "1x5 0x20"},
        {
            'rabbitmq_queue_consumers{queue="sup.jobs.media"}': "1x20",
            'rabbitmq_queue_consumers{queue="sup.jobs.dead"}': "0x20",
        },
    ),
    Case(
        "DeadLetters",
        20,
        {'rabbitmq_queue_messages{queue="sup.jobs.dead"}': "0x5 1x20"},
        {
            'rabbitmq_queue_messages{queue="sup.jobs.dead"}': "0x20",
            'rabbitmq_queue_messages{queue="sup.jobs.email"}': "9x20",
        },
    ),
    Case(
        "RabbitmqMemoryNearLimit",
        20,
        {
            'rabbitmq_process_resident_memory_bytes{instance="r"}': "95x30",
            'rabbitmq_resident_memory_limit_bytes{instance="r"}': "100x30",
        },
        {
            'rabbitmq_process_resident_memory_bytes{instance="r"}': "50x30",
            'rabbitmq_resident_memory_limit_bytes{instance="r"}': "100x30",
        },
    ),
    Case(
        "RabbitmqDiskNearLimit",
        20,
        {
            'rabbitmq_disk_space_available_bytes{instance="r"}': "150x30",
            'rabbitmq_disk_space_available_limit_bytes{instance="r"}': "100x30",
        },
        {
            'rabbitmq_disk_space_available_bytes{instance="r"}': "900x30",
            'rabbitmq_disk_space_available_limit_bytes{instance="r"}': "100x30",
        },
    ),
    Case(
        "ObjectStorageFilling",
        30,
        {
            "minio_cluster_capacity_usable_free_bytes": "5x40",
            "minio_cluster_capacity_usable_total_bytes": "100x40",
        },
        {
            "minio_cluster_capacity_usable_free_bytes": "50x40",
            "minio_cluster_capacity_usable_total_bytes": "100x40",
        },
    ),
    Case(
        "NodeDiskFilling",
        480,
        {
            'node_filesystem_avail_bytes{fstype="ext4",mountpoint="/",instance="n"}': (
                "20000-20x600"
            ),
            'node_filesystem_size_bytes{fstype="ext4",mountpoint="/",instance="n"}': "100000x600",
        },
        {
            'node_filesystem_avail_bytes{fstype="ext4",mountpoint="/",instance="n"}': "20000x600",
            'node_filesystem_size_bytes{fstype="ext4",mountpoint="/",instance="n"}': "100000x600",
            'node_filesystem_avail_bytes{fstype="tmpfs",mountpoint="/t",instance="n"}': (
                "20000-20x600"
            ),
            'node_filesystem_size_bytes{fstype="tmpfs",mountpoint="/t",instance="n"}': "100000x600",
        },
    ),
    Case(
        "NodeMemoryLow",
        20,
        {
            'node_memory_MemAvailable_bytes{instance="n"}': "3x30",
            'node_memory_MemTotal_bytes{instance="n"}': "100x30",
        },
        {
            'node_memory_MemAvailable_bytes{instance="n"}': "30x30",
            'node_memory_MemTotal_bytes{instance="n"}': "100x30",
        },
    ),
    Case(
        "KafkaDown",
        10,
        {'check_ok{check="kafka",instance="a"}': "1x2 0x20"},
        {
            'check_ok{check="kafka",instance="a"}': "1x20",
            'check_ok{check="postgres",instance="a"}': "0x20",
        },
    ),
    Case(
        "EventsWaiting",
        30,
        {'events_pending{instance="a"}': "0+20x40", 'events_pending{instance="b"}': "0x40"},
        # A burst that Kafka takes after a while.
        {'events_pending{instance="a"}': "0x10 5000-500x9 0x30"},
    ),
    Case(
        "EventsDropped",
        20,
        {'events_dropped_total{reason="too_old"}': "_x10 7x20"},
        {'events_dropped_total{reason="too_old"}': "_x10"},
    ),
    Case(
        "BackupOverdue",
        20,
        # Time begins at zero here: fifty hours before, and forty.
        {"backup_newest_timestamp_seconds": f"{-50 * 3600}x30"},
        {"backup_newest_timestamp_seconds": f"{-40 * 3600}x30"},
    ),
    Case(
        "PrometheusVolumeFilling",
        30,
        {
            'prometheus_tsdb_storage_blocks_bytes{job="prometheus",instance="p"}': (
                f"{GIGABYTE * 3 // 2}x40"
            ),
            'prometheus_tsdb_wal_storage_size_bytes{job="prometheus",instance="p"}': (
                f"{GIGABYTE // 3}x40"
            ),
        },
        {
            'prometheus_tsdb_storage_blocks_bytes{job="prometheus",instance="p"}': f"{GIGABYTE}x40",
            'prometheus_tsdb_wal_storage_size_bytes{job="prometheus",instance="p"}': (
                f"{GIGABYTE // 3}x40"
            ),
        },
    ),
    Case(
        "PrometheusNotStoring",
        20,
        {'prometheus_tsdb_wal_writes_failed_total{job="prometheus"}': "0x16 9x20"},
        {'prometheus_tsdb_wal_writes_failed_total{job="prometheus"}': "9x40"},
    ),
    Case(
        "PrometheusReloadFailed",
        20,
        {'prometheus_config_last_reload_successful{job="prometheus"}': "1x5 0x20"},
        {'prometheus_config_last_reload_successful{job="prometheus"}': "1x40"},
    ),
    Case(
        "RemoteWriteFailing",
        30,
        {
            "prometheus_remote_storage_samples_retried_total": "0+100x40",
            "prometheus_remote_storage_samples_failed_total": "0x40",
            "prometheus_remote_storage_bytes_total": "500x40",
        },
        {
            # Some are tried again, and then taken.
            "prometheus_remote_storage_samples_retried_total": "0+100x40",
            "prometheus_remote_storage_samples_failed_total": "0x40",
            "prometheus_remote_storage_bytes_total": "0+500x40",
        },
    ),
)
