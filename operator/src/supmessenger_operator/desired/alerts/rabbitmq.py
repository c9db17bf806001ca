"""The queue of jobs."""

from supmessenger_operator.desired.alerts.alert import Alert

_WORK = "sup[.]jobs[.](email|media|maintenance)"

ALERTS = (
    Alert(
        name="QueueBacklog",
        expr=f'sum by (queue) (rabbitmq_queue_messages_ready{{queue=~"{_WORK}"}}) > 1000',
        duration="15m",
        severity="warning",
        summary="{{ $value }} jobs wait in {{ $labels.queue }}",
        description=(
            "They come faster than the worker ends them. Raise spec.worker.replicas or"
            " spec.worker.concurrency; if none ends, the log of the worker says why."
        ),
    ),
    Alert(
        name="QueueWithoutConsumer",
        expr=f'sum by (queue) (rabbitmq_queue_consumers{{queue=~"{_WORK}"}}) == 0',
        duration="5m",
        severity="critical",
        summary="nobody takes jobs from {{ $labels.queue }}",
        description=(
            "The worker is away or has lost the broker. See the condition WorkerReady and its log."
        ),
    ),
    Alert(
        name="DeadLetters",
        expr='max(rabbitmq_queue_messages{queue="sup.jobs.dead"}) > 0',
        duration="5m",
        severity="warning",
        summary="{{ $value }} jobs were given up",
        description=(
            "They wait in sup.jobs.dead for a person; the header x-sup-reason says why. Correct"
            " the cause, then move them back to the queue in x-sup-queue or delete them."
        ),
    ),
    Alert(
        name="RabbitmqMemoryNearLimit",
        expr=(
            "max(rabbitmq_process_resident_memory_bytes / rabbitmq_resident_memory_limit_bytes)"
            " > 0.9"
        ),
        duration="5m",
        severity="warning",
        summary="RabbitMQ is about to hold back its publishers",
        description=(
            "At its memory limit it takes no more jobs until some are done; they wait in the"
            " database. Raise spec.rabbitmq.embedded.resources.limits.memory."
        ),
    ),
    Alert(
        name="RabbitmqDiskNearLimit",
        expr=(
            "min(rabbitmq_disk_space_available_bytes"
            " / rabbitmq_disk_space_available_limit_bytes) < 2"
        ),
        duration="5m",
        severity="critical",
        summary="RabbitMQ's volume is nearly full",
        description=(
            "Below its limit it takes no more jobs; they wait in the database. Raise"
            " spec.rabbitmq.embedded.storage.size, and see which queue is long."
        ),
    ),
)
