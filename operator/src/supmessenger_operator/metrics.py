"""Metrics of the operator itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

PASSES = Counter("sup_operator_passes", "Passes by result.", ["result"], registry=REGISTRY)
PASS_SECONDS = Histogram(
    "sup_operator_pass_seconds",
    "Duration of a pass.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=REGISTRY,
)
QUEUE_DEPTH = Gauge("sup_operator_queue_depth", "Keys that wait for a worker.", registry=REGISTRY)
WRITES = Counter(
    "sup_operator_writes",
    "Writes to the API server by verb and kind.",
    ["verb", "kind"],
    registry=REGISTRY,
)
LOOP_LAG = Gauge(
    "sup_operator_event_loop_lag_seconds", "Delay of the event loop.", registry=REGISTRY
)
LEADER = Gauge("sup_operator_leader", "1 while this process leads.", registry=REGISTRY)
