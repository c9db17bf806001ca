"""Kafka as the worker uses it; the only file that knows the client library."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer  # type: ignore[import-untyped]  # has none
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]  # has none
from aiokafka.client import AIOKafkaClient  # type: ignore[import-untyped]  # has none
from aiokafka.conn import create_conn  # type: ignore[import-untyped]  # has none
from aiokafka.errors import (  # type: ignore[import-untyped]  # has none
    KafkaError,
    SaslAuthenticationFailed,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.partitioner import DefaultPartitioner  # type: ignore[import-untyped]  # has none
from aiokafka.structs import ConsumerRecord, TopicPartition  # type: ignore[import-untyped]  # has none

from supmessenger_common.bindings import KafkaBinding
from supmessenger_worker.events.event import Event, encode_key, encode_value

PARTITIONS: Final = 6
# A batch travels whole, and brokers take a mebibyte by default.
BATCH_BYTES: Final = 512 * 1024
REQUEST_SECONDS: Final = 10.0
GOODBYE_SECONDS: Final = 3.0
# What comes of Kafka being away, refusing us, or not answering.
FAILURES: Final = (KafkaError, OSError, TimeoutError)
NO_BINDING: Final = "the binding kafka is missing or broken; the worker's log says which key"


class KafkaRefusal(ConnectionError):
    """Kafka can't be used as it is; the message says what to do."""


class EventProducer:
    """Appends events to a topic, for each partition one batch at a time: so their order holds."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: list[int]) -> None:
        """Append with a started producer."""
        self._producer = producer
        self._topic = topic
        self._partitions = partitions

    async def append(self, events: Sequence[Event]) -> list[int]:
        """Append events; returns the rows of those that are on disk in all in-sync replicas.

        Raises one of FAILURES when Kafka took some or none: then nothing is known of them, and
        they must be appended again, in order, by a new producer.
        """
        waiting: list[asyncio.Future[Any]] = []
        taken: list[int] = []
        async with asyncio.timeout(2 * REQUEST_SECONDS):
            for partition, mine in self._split(events).items():
                batch, rows = self._build_batch(mine)
                sent = await self._producer.send_batch(batch, self._topic, partition=partition)
                waiting.append(sent)
                taken += rows
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return taken

    def _split(self, events: Sequence[Event]) -> dict[int, list[Event]]:
        by_partition: dict[int, list[Event]] = {}
        choose = DefaultPartitioner()
        for event in events:
            partition = choose(encode_key(event), self._partitions, self._partitions)
            by_partition.setdefault(partition, []).append(event)
        return by_partition

    def _build_batch(self, events: list[Event]) -> tuple[Any, list[int]]:
        """Fill a batch from the front; what does not fit comes in the next round."""
        batch = self._producer.create_batch()
        rows: list[int] = []
        for event in events:
            key, value = encode_key(event), encode_value(event)
            if batch.append(key=key, value=value, timestamp=None) is None:
                break
            rows.append(event.row)
        batch.close()
        return batch, rows


@asynccontextmanager
async def open_producer(binding: KafkaBinding, topic: str) -> AsyncIterator[EventProducer]:
    """Connect, make the topic when it is not there, and yield a producer for it."""
    await reach_kafka(binding)
    await ensure_topic(binding, topic)
    producer = AIOKafkaProducer(
        **build_options(binding, client_id="sup-worker-events"),
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=int(REQUEST_SECONDS * 1000),
    )
    try:
        async with asyncio.timeout(2 * REQUEST_SECONDS):
            await producer.start()
            partitions = sorted(await producer.partitions_for(topic))
        yield EventProducer(producer, topic, partitions)
    finally:
        # A producer whose broker is gone would wait for it to the end of its own patience.
        with suppress(*FAILURES):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await producer.stop()


async def reach_kafka(binding: KafkaBinding) -> None:
    """Connect to one of the servers and log in; KafkaRefusal says why that fails.

    The library's own start tells only that it could not begin.
    """
    reasons: list[str] = []
    options = build_options(binding, client_id="sup-worker-reach")
    del options["bootstrap_servers"]
    for server in binding.bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                connection = await create_conn(host.strip("[]"), int(port), **options)
        except SaslAuthenticationFailed as error:
            raise KafkaRefusal(
                f"Kafka at {server} refuses user name or password: correct the Secret of the"
                f" binding kafka ({error})"
            ) from error
        except FAILURES as error:
            reasons.append(f"{server}: {error!r}")
        else:
            connection.close()
            return
    raise KafkaRefusal(f"no Kafka server can be reached: {'; '.join(reasons)}")


async def ensure_topic(binding: KafkaBinding, topic: str) -> None:
    """Make the topic when it is not there; partitions and retention are the cluster's."""
    admin = AIOKafkaAdminClient(
        **build_options(binding, client_id="sup-worker-topic"),
        request_timeout_ms=int(REQUEST_SECONDS * 1000),
    )
    async with asyncio.timeout(2 * REQUEST_SECONDS):
        await admin.start()
        try:
            if topic in await admin.list_topics():
                return
            wanted = NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1)
            # The cluster's default, which the library's constructor does not take.
            wanted.replication_factor = -1
            answer = await admin.create_topics([wanted])
        finally:
            await admin.close()
    for _, code, *detail in answer.topic_errors:
        failure = for_code(code)
        if code and failure is not TopicAlreadyExistsError:
            raise KafkaRefusal(
                f"the topic {topic} is not there and can't be made ({failure.__name__}:"
                f" {detail}): make it with {PARTITIONS} partitions or let the user make it"
            )


async def list_partitions(binding: KafkaBinding, topic: str) -> list[int]:
    """Ask Kafka for its metadata; returns the topic's partitions, none when it is not there."""
    await reach_kafka(binding)
    client = AIOKafkaClient(**build_options(binding, client_id="sup-worker-check"))
    try:
        await client.bootstrap()
        metadata = await client.fetch_all_metadata()
        return sorted(metadata.partitions_for_topic(topic) or ())
    finally:
        await client.close()


async def read_values(
    binding: KafkaBinding, topic: str, *, key: bytes | None = None, since: datetime | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield what a topic holds now, partition after partition, each in order.

    Only what has this key, and what Kafka took at `since` or later, where they are given: what is
    older is not read.
    """
    numbers = await list_partitions(binding, topic)
    if not numbers:
        raise KafkaRefusal(f"there is no topic {topic} yet: no event was relayed")
    partitions = [TopicPartition(topic, number) for number in numbers]
    options = build_options(binding, client_id="sup-events")
    # Without a group: nothing is kept in Kafka of who has read how far.
    consumer = AIOKafkaConsumer(**options, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        if since is not None:
            await _seek(consumer, ends, since=since)
        for partition in partitions:
            async for record in _read_partition(consumer, partition, end=ends[partition]):
                if key is None or record.key == key:
                    yield record.value
    finally:
        await consumer.stop()


async def _seek(
    consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], *, since: datetime
) -> None:
    # Kafka counts from 1970 and has nothing older.
    moment = max(0, int(since.timestamp() * 1000))
    found = await consumer.offsets_for_times(dict.fromkeys(ends, moment))
    for partition, end in ends.items():
        first = found.get(partition)
        consumer.seek(partition, end if first is None else first.offset)


async def _read_partition(
    consumer: AIOKafkaConsumer, partition: TopicPartition, *, end: int
) -> AsyncIterator[ConsumerRecord]:
    while await consumer.position(partition) < end:
        found = await consumer.getmany(partition, timeout_ms=1000, max_records=500)
        for record in found.get(partition, ()):
            yield record


def build_options(binding: KafkaBinding, *, client_id: str) -> dict[str, Any]:
    """Return what every client of the library is told of the connection."""
    options: dict[str, Any] = {
        "bootstrap_servers": binding.bootstrap_servers,
        "client_id": client_id,
        "security_protocol": binding.security_protocol,
    }
    if binding.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": binding.sasl_mechanism,
            "sasl_plain_username": binding.username,
            "sasl_plain_password": binding.password,
        }
    if binding.security_protocol.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context(cafile=binding.ca_file)
    return options
