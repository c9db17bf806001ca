"""Is everything there, and does it answer."""

from supmessenger_operator.desired.alerts.alert import Alert
from supmessenger_operator.model import Messenger

# The parts of calls have alerts that say what people lose.
_OWN_ALERT = ("livekit", "turn")


def build_alerts(messenger: Messenger) -> tuple[Alert, ...]:
    """Return the alerts on parts that are away."""
    return (
        Alert(
            name="TargetDown",
            expr=f'up{{job!~"{"|".join(_OWN_ALERT)}"}} == 0',
            duration="2m",
            severity="critical",
            summary="{{ $labels.job }} does not answer",
            description=(
                "{{ $labels.instance }} has not answered for two minutes. See `kubectl describe"
                " pod {{ $labels.instance }}` and its log; the resource's conditions name what is"
                " wrong."
            ),
        ),
        Alert(
            name="ScrapeMissing",
            expr=" or ".join(f'absent(up{{job="{job}"}})' for job in list_expected_jobs(messenger)),
            duration="5m",
            severity="critical",
            summary="there is no {{ $labels.job }}",
            description=(
                "Prometheus finds no pod of {{ $labels.job }} to ask, for five minutes: none"
                " runs. See `kubectl get pods` and the condition of the part in the resource."
            ),
        ),
        Alert(
            name="PodRestarting",
            expr="sum by (job, instance) (changes(process_start_time_seconds[30m])) >= 3",
            duration="0m",
            severity="warning",
            summary="{{ $labels.job }} restarts again and again",
            description=(
                "{{ $labels.instance }} has started {{ $value }} times anew within half an hour."
                " `kubectl logs --previous` shows its last words; out of memory means raising its"
                " limit in the resource."
            ),
        ),
        Alert(
            name="CheckFailing",
            # Kafka's has an alert that says what it means.
            expr='max by (check) (check_ok{check!="kafka"}) == 0',
            duration="3m",
            severity="critical",
            summary="the live check of {{ $labels.check }} fails",
            description=(
                "The instance's checker has got no good answer from {{ $labels.check }} for three"
                " minutes. The resource's condition of that part has the reason: `kubectl describe"
                " sup`."
            ),
        ),
        Alert(
            name="CertificateExpiring",
            expr="min(edge_certificate_expiry_timestamp_seconds) - time() < 10 * 86400",
            duration="1h",
            severity="critical",
            summary="the certificate ends in {{ $value | humanizeDuration }}",
            description=(
                "The edge's certificate was not renewed in time. With tls.secretRef put a new one"
                " into the Secret; otherwise the condition EdgeReady says why renewal fails."
            ),
        ),
        *_build_calls(messenger),
    )


def list_expected_jobs(messenger: Messenger) -> tuple[str, ...]:
    """Return the jobs of which there is always at least one target."""
    spec = messenger.spec
    jobs = ["api", "websocket", "media", "worker", "edge", "postgres", "redis-cache", "redis-state"]
    if spec.rabbitmq.embedded is not None:
        jobs.append("rabbitmq")
    if spec.object_storage.embedded is not None:
        jobs.append("object-storage")
    return tuple(jobs)


def _build_calls(messenger: Messenger) -> tuple[Alert, ...]:
    alerts: list[Alert] = []
    livekit = messenger.spec.livekit
    if messenger.spec.has_livekit and (livekit is None or livekit.external is None):
        alerts.append(
            Alert(
                name="LivekitDown",
                expr='max(up{job="livekit"}) == 0 or absent(up{job="livekit"})',
                duration="2m",
                severity="critical",
                summary="nobody can call",
                description=(
                    "LiveKit has not answered for two minutes; messages are not touched. See the"
                    " condition LivekitReady and `kubectl logs` of the livekit pod."
                ),
            )
        )
    if messenger.spec.has_turn:
        alerts.append(
            Alert(
                name="TurnDown",
                expr='max(up{job="turn"}) == 0 or absent(up{job="turn"})',
                duration="2m",
                severity="warning",
                summary="callers behind strict networks can not call",
                description=(
                    "The relay has not answered for two minutes; who reaches LiveKit directly"
                    " still calls. See the condition TurnReady and `kubectl logs` of the turn pod."
                ),
            )
        )
    return tuple(alerts)
