"""Kafka: one node of our own in KRaft mode, for the events of accepted messages."""

from supmessenger_operator.desired.container import (
    Container,
    build_binding,
    build_claim,
    build_config_mount,
    build_scratch,
)
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_probes, build_tcp_check
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.realtime import KafkaEmbedded
from supmessenger_operator.model.scalars import parse_quantity

COMPONENT = "kafka"
PORT = 9092
OUTSIDE_PORT = 9094
# Partitions of the topic that the worker makes.
PARTITIONS = 6
# Part of the volume that full partitions may take; the segments being written come on top.
_RETENTION_SHARE = 0.6
_SEGMENTS = 4
_LARGEST_SEGMENT = 2**30
_HEAP_SHARE = 0.5


def is_provided(messenger: Messenger, inputs: Inputs) -> bool:
    """Whether there is a Kafka to send events to: without one they would only pile up."""
    if not messenger.spec.sends_events:
        return False
    is_there = messenger.spec.has_external_kafka or inputs.has_image("kafka")
    return is_there and "kafka" in inputs.secrets


def build_events_env(messenger: Messenger, inputs: Inputs) -> dict[str, str]:
    """Return what a service is told that writes or relays events."""
    return {"SUP_EVENTS_ENABLED": "true"} if is_provided(messenger, inputs) else {}


def build_relay_env(messenger: Messenger, inputs: Inputs) -> dict[str, str]:
    """Return what the worker is told of events."""
    kafka = messenger.spec.kafka
    if kafka is None or not is_provided(messenger, inputs):
        return {}
    return {**build_events_env(messenger, inputs), "SUP_EVENTS_TOPIC": kafka.topic}


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return ConfigMap, Service and StatefulSet, or nothing when off or run elsewhere."""
    if messenger.spec.has_external_kafka or not is_provided(messenger, inputs):
        return ()
    kafka = messenger.spec.kafka
    embedded = (kafka.embedded if kafka is not None else None) or KafkaEmbedded()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.EXTRAS)
    amounts = messenger.effective.kafka
    files = {
        "run.sh": build_file("kafka-run.sh"),
        "server.properties": _build_properties(messenger, embedded),
        "log4j.properties": build_file("kafka-log4j.properties"),
    }
    pod = Pod(
        component=COMPONENT,
        containers=(_build_container(messenger, inputs, config_map=kinds.name),),
        config=files,
        grace_seconds=60,
        block=embedded,
        block_path="spec.kafka.embedded",
    )
    return (
        kinds.build_config_map(files),
        kinds.build_service({"kafka": (PORT, "kafka"), "outside": (OUTSIDE_PORT, "outside")}),
        kinds.build_stateful_set(pod, storage=amounts),
    )


def compute_retention(storage: str) -> tuple[int, int]:
    """Return the bytes that a partition may keep, and those of one of its segments."""
    volume = float(parse_quantity(storage))
    partition = int(volume * _RETENTION_SHARE / PARTITIONS)
    return partition, min(_LARGEST_SEGMENT, partition // _SEGMENTS)


def _build_properties(messenger: Messenger, embedded: KafkaEmbedded) -> str:
    retention, segment = compute_retention(messenger.effective.kafka.storage)
    return build_file(
        "kafka.properties.j2",
        {
            "inside": messenger.kafka_address,
            "outside": embedded.outside_address,
            "partitions": PARTITIONS,
            "retention_bytes": retention,
            "segment_bytes": segment,
        },
    )


def _build_container(messenger: Messenger, inputs: Inputs, *, config_map: str) -> Container:
    amounts = messenger.effective.kafka
    heap = int(float(parse_quantity(amounts.limits.memory)) * _HEAP_SHARE) // 2**20
    return Container(
        name=COMPONENT,
        image=inputs.images["kafka"],
        command=("sh", "/etc/sup-kafka/run.sh"),
        amounts=amounts,
        env={"KAFKA_HEAP_OPTS": f"-Xms{heap // 4}m -Xmx{heap}m"},
        ports={"kafka": PORT, "outside": OUTSIDE_PORT},
        mounts=(
            build_config_mount(config_map, "/etc/sup-kafka"),
            build_binding(inputs.secrets["kafka"], "kafka"),
            build_scratch("run", "/run/kafka", in_memory=True, limit="1Mi"),
            build_claim("data", "/var/lib/kafka"),
        ),
        probes=build_probes(
            startup=build_tcp_check("kafka"),
            startup_seconds=600,
            readiness=build_tcp_check("kafka"),
            liveness=build_tcp_check("kafka"),
        ),
    )
