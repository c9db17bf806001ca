"""SUP Messenger Overview: is it well, who uses it, what waits."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from supmessenger_operator.desired.dashboards.panels import (
    Query,
    build_dashboard,
    build_logs,
    build_stat,
    build_timeseries,
)


def build() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(
        "SUP Messenger Overview",
        uid="sup-overview",
        about="The whole instance at a glance.",
        rows=(
            ("Now", _NOW),
            ("Use", _USE),
            ("Jobs", _JOBS),
            ("What it takes", _RESOURCES),
            ("Logs", _LOGS),
        ),
    )


_NOW = (
    build_stat("Parts that answer", 'count(up{job!="node"} == 1)'),
    build_stat(
        "Parts that do not",
        'count(up{job!="node"} == 0) or vector(0)',
        about="Targets that Prometheus knows and gets no answer from.",
    ),
    build_stat("Alerts", 'count(ALERTS{alertstate="firing"}) or vector(0)'),
    build_stat("Sockets", "sum(websocket_connections_active)"),
    build_stat("Messages a minute", "60 * sum(rate(messages_sent_total[5m]))"),
    build_stat("Requests a second", "sum(rate(http_requests_total[5m]))", unit="reqps"),
)
_USE = (
    build_timeseries(
        "Messages",
        Query("sum by (chat_type) (rate(messages_sent_total[5m]))", "{{chat_type}}"),
        unit="cps",
    ),
    build_timeseries(
        "Requests",
        Query("sum by (service) (rate(http_requests_total[5m]))", "{{service}}"),
        unit="reqps",
    ),
    build_timeseries(
        "Connections",
        Query("sum(websocket_connections_active)", "sockets"),
        Query("sum(nginx_connections_active)", "at the edge"),
    ),
)
_JOBS = (
    build_timeseries(
        "Jobs that wait",
        Query("max(outbox_pending)", "in the database"),
        Query(
            'sum by (queue) (rabbitmq_queue_messages_ready{queue=~"sup[.]jobs[.].+"})',
            "{{queue}}",
        ),
    ),
    build_timeseries(
        "Jobs that ended",
        Query("sum by (kind, result) (rate(jobs_total[5m]))", "{{kind}} {{result}}"),
        unit="cps",
    ),
    build_timeseries(
        "Live checks",
        Query("min by (check) (check_ok)", "{{check}}"),
        about="1 is a good answer; asked every half a minute by the worker.",
    ),
)
_RESOURCES = (
    build_timeseries(
        "CPU",
        Query("sum by (job) (rate(process_cpu_seconds_total[5m]))", "{{job}}"),
        about="In cores, of all processes that tell.",
    ),
    build_timeseries(
        "Memory",
        Query('sum by (job) (process_resident_memory_bytes{job!="node"})', "{{job}}"),
        Query("sum(rabbitmq_process_resident_memory_bytes)", "rabbitmq"),
        unit="bytes",
    ),
    build_timeseries(
        "Space",
        Query("sum(pg_database_size_bytes)", "databases"),
        Query("sum(minio_cluster_usage_total_bytes)", "files"),
        Query("max(prometheus_tsdb_storage_blocks_bytes)", "metrics"),
        unit="bytes",
    ),
)
_LOGS = (
    build_logs("API, media and sockets", '{component=~"api|media|websocket"}'),
    build_logs("Worker", '{component="worker"}'),
)
