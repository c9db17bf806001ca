"""Asks Kafka for its metadata, and the database how the relay of events fares."""

from datetime import datetime, timedelta
from typing import Final

from supmessenger_common.bindings import KafkaBinding, PostgresBinding
from supmessenger_common.database import open_connection
from supmessenger_common.identifiers import format_time, read_clock
from supmessenger_worker.checks.model import Answer, CheckFailedError
from supmessenger_worker.events.kafka import FAILURES, NO_BINDING, list_partitions
from supmessenger_worker.events.rows import EventRows, Standing

# Events are relayed within a second: one that is older waits for something.
LATE: Final = timedelta(minutes=2)


async def probe_kafka(
    binding: KafkaBinding | None, postgres: PostgresBinding, *, topic: str
) -> Answer:
    """Log in, ask for the topic, and look whether events leave the database."""
    standing = await _read_standing(postgres)
    if binding is None:
        raise CheckFailedError(f"{NO_BINDING}{describe_drops(standing)}")
    try:
        partitions = len(await list_partitions(binding, topic))
    except FAILURES as error:
        why = str(error) or type(error).__name__
        raise CheckFailedError(f"{why[:200]}{describe_drops(standing)}") from error
    if failure := find_failure(standing, now=read_clock()):
        raise CheckFailedError(f"{failure}{describe_drops(standing)}")
    where = f"topic {topic}, {partitions} partitions" if partitions else f"no topic {topic} yet"
    return Answer(message=f"{where}{describe_drops(standing)}")


def find_failure(standing: Standing, *, now: datetime) -> str:
    """Return why events do not leave although Kafka answers; empty when they do."""
    if standing.oldest is None or now - standing.oldest <= LATE:
        return ""
    why = standing.failure or "no worker relays them, see the workers' logs"
    return f"events wait since {format_time(standing.oldest)}: {why}"


def describe_drops(standing: Standing) -> str:
    """Return what is missing from the topic for good; empty when nothing is."""
    if standing.dropped_at is None:
        return ""
    return (
        f"; {standing.dropped} events were given up, the last {format_time(standing.dropped_at)},"
        " as too many or too old (the messages themselves are safe)"
    )


async def _read_standing(postgres: PostgresBinding) -> Standing:
    connection = await open_connection(postgres, application_name="sup-worker-check")
    try:
        return await EventRows(connection).read_standing()
    finally:
        connection.terminate()
