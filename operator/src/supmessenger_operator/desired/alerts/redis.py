"""The cache and the state store."""

from supmessenger_operator.desired.alerts.alert import Alert

ALERTS = (
    Alert(
        name="RedisDown",
        expr='max by (job) (redis_up{job=~"redis-(cache|state)"}) == 0',
        duration="1m",
        severity="critical",
        summary="{{ $labels.job }} does not answer",
        description=(
            "The exporter has not got into it for a minute. Without the cache live messages come"
            " late, without the state store nobody logs in. See the condition of the part and the"
            " log of its pod."
        ),
    ),
    Alert(
        name="RedisStateMemoryNearLimit",
        expr=(
            'max(redis_memory_used_bytes{job="redis-state"})'
            ' / max(redis_memory_max_bytes{job="redis-state"} > 0) > 0.9'
        ),
        duration="5m",
        severity="critical",
        summary="the state store is {{ $value | humanizePercentage }} full",
        description=(
            "It never evicts: when it is full, logins and rate limits fail. Raise"
            " spec.redis.embedded.resources.limits.memory or the size."
        ),
    ),
    Alert(
        name="RedisCacheEvicting",
        expr='sum(rate(redis_evicted_keys_total{job="redis-cache"}[5m])) > 10',
        duration="15m",
        severity="warning",
        summary="the cache throws out {{ $value | humanize }} keys a second",
        description=(
            "It is too small for what is in use, so the database is asked again and again. Raise"
            " spec.redis.embedded.maxMemory and the memory limit above it."
        ),
    ),
    Alert(
        name="RedisRejectingConnections",
        expr="sum by (job) (increase(redis_rejected_connections_total[5m])) > 0",
        duration="0m",
        severity="critical",
        summary="{{ $labels.job }} refuses connections",
        description=(
            "More clients than it takes. Fewer replicas, or a Redis of your own with a higher"
            " maxclients (spec.redis.external in a new instance)."
        ),
    ),
)
