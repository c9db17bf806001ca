"""Do the services serve: errors, time, jobs, sockets."""

from supmessenger_operator.desired.alerts.alert import Alert

ALERTS = (
    Alert(
        name="HighErrorRate",
        expr=(
            'sum by (service) (rate(http_requests_total{status=~"5.."}[5m]))'
            " / sum by (service) (rate(http_requests_total[5m])) > 0.05"
            " and sum by (service) (rate(http_requests_total[5m])) > 0.1"
        ),
        duration="5m",
        severity="critical",
        summary="{{ $labels.service }} fails {{ $value | humanizePercentage }} of its calls",
        description=(
            "More than one call in twenty has ended in a server error for five minutes. The log of"
            " {{ $labels.service }} names the cause by request id; most often it is a part under"
            " it: look at the resource's conditions first."
        ),
    ),
    Alert(
        name="HighLatency",
        # Uploads take as long as the client's network does.
        expr=(
            "histogram_quantile(0.95, sum by (service, le)"
            ' (rate(http_request_duration_seconds_bucket{service!="media"}[5m]))) > 1'
            " and on (service)"
            ' sum by (service) (rate(http_request_duration_seconds_count{service!="media"}[5m]))'
            " > 0.1"
        ),
        duration="10m",
        severity="warning",
        summary="{{ $labels.service }} is slow",
        description=(
            "One call in twenty takes longer than {{ $value | humanizeDuration }}. See the"
            " dashboards API Performance and Database Metrics: with CPU at its limit raise"
            " replicas or size, with the database at its limit see its connections."
        ),
    ),
    Alert(
        name="OutboxGrowing",
        expr="max(outbox_pending) > 100 and max(deriv(outbox_pending[10m])) > 0",
        duration="10m",
        severity="critical",
        summary="{{ $value }} jobs wait in the database",
        description=(
            "Jobs are written faster than the broker takes them: emails and clean-up are late,"
            " messages are not. See the conditions RabbitmqReady and WorkerReady and the log of"
            " the worker."
        ),
    ),
    Alert(
        name="JobsDying",
        expr='sum by (kind) (increase(jobs_total{result="dead"}[30m])) > 0',
        duration="0m",
        severity="warning",
        summary="jobs of kind {{ $labels.kind }} fail for good",
        description=(
            "A job was given up after all its tries and lies in the queue sup.jobs.dead, with the"
            " reason in its header x-sup-reason."
        ),
    ),
    Alert(
        name="WebsocketConnectionsDropped",
        expr=(
            "(sum(websocket_connections_active) or vector(0))"
            " < 0.5 * sum(avg_over_time(websocket_connections_active[15m] offset 5m))"
            " and sum(avg_over_time(websocket_connections_active[15m] offset 5m)) > 20"
        ),
        duration="3m",
        severity="critical",
        summary="half of the sockets are gone",
        description=(
            "{{ $value }} sockets are open, less than half of a quarter of an hour ago. See the"
            " conditions WebsocketReady and EdgeReady, the load balancer in front, and whether a"
            " rollout is under way."
        ),
    ),
)
