"""Do events reach Kafka; messages never wait for them."""

from supmessenger_operator.desired.alerts.alert import Alert

ALERTS = (
    Alert(
        name="KafkaDown",
        expr='max(check_ok{check="kafka"}) == 0',
        duration="5m",
        severity="warning",
        summary="events do not reach Kafka",
        description=(
            "The live check of Kafka has failed for five minutes; messages are not touched, and"
            " events wait in the database. The condition KafkaReady has the reason."
        ),
    ),
    Alert(
        name="EventsWaiting",
        # In health they are gone within a second.
        expr="max(events_pending) > 100",
        duration="15m",
        severity="warning",
        summary="{{ $value }} events wait for Kafka",
        description=(
            "They wait in the database, 200000 at most and for seven days; beyond, the oldest are"
            " given up. See the condition KafkaReady and the log of the worker."
        ),
    ),
    Alert(
        name="EventsDropped",
        # A counter that was not there before has not grown, for Prometheus.
        expr=(
            "sum by (reason) (increase(events_dropped_total[1h])) > 0"
            " or sum by (reason) (events_dropped_total unless events_dropped_total offset 1h) > 0"
        ),
        duration="0m",
        severity="critical",
        summary="events were given up: {{ $labels.reason }}",
        description=(
            "Kafka was away for too long: what was given up will never be in the topic. The"
            " messages themselves are safe. Cure the condition KafkaReady before more is lost."
        ),
    ),
)
