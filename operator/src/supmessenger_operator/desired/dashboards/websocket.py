"""WebSocket Metrics: sockets, what goes through them, what it takes."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from supmessenger_operator.desired.dashboards.panels import (
    Query,
    build_dashboard,
    build_logs,
    build_stat,
    build_timeseries,
)

_JOB = 'job="websocket"'


def build() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(
        "WebSocket Metrics",
        uid="sup-websocket",
        about="The socket service and the hints that reach it through the cache.",
        rows=(("Now", _NOW), ("Sockets", _SOCKETS), ("Processes", _PROCESSES), ("Logs", _LOGS)),
    )


_NOW = (
    build_stat("Sockets", "sum(websocket_connections_active)"),
    build_stat("Processes", f"count(up{{{_JOB}}} == 1)"),
    build_stat("Opened a second", "sum(rate(websocket_connections_opened_total[5m]))", unit="cps"),
    build_stat(
        "Delivered a second", "sum(rate(websocket_messages_delivered_total[5m]))", unit="cps"
    ),
    build_stat(
        "Healed within an hour",
        "sum(increase(websocket_messages_healed_total[1h]))",
        about="Messages whose hint was lost and which were found in the database.",
    ),
    build_stat(
        "Slow readers cut within an hour",
        "sum(increase(websocket_slow_readers_cut_total[1h]))",
    ),
)
_SOCKETS = (
    build_timeseries(
        "Sockets by process",
        Query("sum by (instance) (websocket_connections_active)", "{{instance}}"),
    ),
    build_timeseries(
        "Opened",
        Query("sum by (instance) (rate(websocket_connections_opened_total[5m]))", "{{instance}}"),
        unit="cps",
    ),
    build_timeseries(
        "Messages",
        Query("sum(rate(messages_sent_total[5m]))", "stored"),
        Query("sum(rate(websocket_messages_delivered_total[5m]))", "delivered"),
        Query("sum(rate(websocket_messages_healed_total[5m]))", "healed"),
        unit="cps",
    ),
)
_PROCESSES = (
    build_timeseries(
        "CPU",
        Query(f"sum by (instance) (rate(process_cpu_seconds_total{{{_JOB}}}[5m]))", "{{instance}}"),
    ),
    build_timeseries(
        "Memory",
        Query(f"sum by (instance) (process_resident_memory_bytes{{{_JOB}}})", "{{instance}}"),
        unit="bytes",
    ),
    build_timeseries(
        "Open files",
        Query(f"sum by (instance) (process_open_fds{{{_JOB}}})", "{{instance}}"),
        Query(f"min(process_max_fds{{{_JOB}}})", "the most"),
        about="Each socket is one.",
    ),
)
_LOGS = (
    # The socket service itself tells only of what is out of the ordinary.
    build_logs("Sockets and edge", '{component=~"websocket|edge"}'),
)
