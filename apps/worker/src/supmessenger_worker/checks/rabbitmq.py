"""Asks RabbitMQ by opening a channel."""

import aio_pika
from aiormq.abc import FieldTable

from supmessenger_common.bindings import RabbitBinding
from supmessenger_worker.checks.model import Answer


async def probe_rabbitmq(binding: RabbitBinding) -> Answer:
    """Connect afresh, open a channel, and read the version."""
    connection = await aio_pika.connect(
        host=binding.host,
        port=binding.port,
        login=binding.username,
        password=binding.password,
        virtualhost=binding.vhost,
        timeout=2,
        client_properties={"connection_name": "sup-worker-check"},
    )
    try:
        await connection.channel()
        properties: FieldTable = connection.transport.connection.server_properties  # type: ignore[union-attr]  # set once connected
    finally:
        await connection.close()
    return Answer(version=str(properties.get("version")))
