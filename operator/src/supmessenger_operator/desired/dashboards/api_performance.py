"""API Performance: how fast, how often, how well."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from supmessenger_operator.desired.dashboards.panels import (
    Query,
    build_dashboard,
    build_logs,
    build_stat,
    build_timeseries,
)

_ALL = "sum(rate(http_requests_total[5m]))"
_BUCKETS = "rate(http_request_duration_seconds_bucket[5m])"


def build() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(
        "API Performance",
        uid="sup-api-performance",
        about="Requests of the API and the media service, and of the edge in front of them.",
        rows=(
            ("Now", _NOW),
            ("Time", _TIME),
            ("Answers", _ANSWERS),
            ("Edge", _EDGE),
            ("Logs", _LOGS),
        ),
    )


def _quantile(share: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) ({_BUCKETS}))"


_NOW = (
    build_stat("Requests a second", _ALL, unit="reqps"),
    build_stat(
        "Server errors",
        f'(sum(rate(http_requests_total{{status=~"5.."}}[5m])) or vector(0)) / {_ALL}',
        unit="percentunit",
    ),
    build_stat(
        "Refused calls",
        f'(sum(rate(http_requests_total{{status=~"4.."}}[5m])) or vector(0)) / {_ALL}',
        unit="percentunit",
        about="Calls that were wrong, not allowed or too many.",
    ),
    build_stat("Half are faster than", _quantile("0.5"), unit="s"),
    build_stat("95 of 100 are faster than", _quantile("0.95"), unit="s"),
    build_stat("99 of 100 are faster than", _quantile("0.99"), unit="s"),
)
_TIME = (
    build_timeseries(
        "Time of a request",
        Query(_quantile("0.5"), "50 %"),
        Query(_quantile("0.95"), "95 %"),
        Query(_quantile("0.99"), "99 %"),
        unit="s",
    ),
    build_timeseries(
        "Slow routes (95 %)",
        Query(f"topk(10, {_quantile('0.95', 'service, method, route')})", "{{method}} {{route}}"),
        unit="s",
    ),
    build_timeseries(
        "Time spent by route",
        Query(
            "topk(10, sum by (method, route) (rate(http_request_duration_seconds_sum[5m])))",
            "{{method}} {{route}}",
        ),
        about="Seconds of work a second: where making it faster helps most.",
    ),
)
_ANSWERS = (
    build_timeseries(
        "Requests by route",
        Query(
            "topk(10, sum by (method, route) (rate(http_requests_total[5m])))",
            "{{method}} {{route}}",
        ),
        unit="reqps",
    ),
    build_timeseries(
        "Answers by status",
        Query("sum by (status) (rate(http_requests_total[5m]))", "{{status}}"),
        unit="reqps",
    ),
    build_timeseries(
        "Server errors by service",
        Query(
            'sum by (service) (rate(http_requests_total{status=~"5.."}[5m]))'
            " or 0 * sum by (service) (rate(http_requests_total[5m]))",
            "{{service}}",
        ),
        unit="reqps",
    ),
)
_EDGE = (
    build_timeseries(
        "Requests at the edge",
        Query("sum(rate(nginx_http_requests_total[5m]))", "requests"),
        unit="reqps",
    ),
    build_timeseries(
        "Connections at the edge",
        Query("sum(nginx_connections_reading)", "reading"),
        Query("sum(nginx_connections_writing)", "writing"),
        Query("sum(nginx_connections_waiting)", "waiting"),
    ),
    build_timeseries(
        "Connections dropped at the edge",
        Query(
            "sum(rate(nginx_connections_accepted[5m])) - sum(rate(nginx_connections_handled[5m]))",
            "dropped",
        ),
        unit="cps",
    ),
)
_LOGS = (build_logs("API", '{component="api"}'),)
