"""Listens for `NOTIFY outbox`, so that a job starts when its transaction commits."""

import asyncio

from supmessenger_common.bindings import PostgresBinding
from supmessenger_common.database import open_connection
from supmessenger_common.log import get_logger

CHANNEL = "outbox"
RECONNECT_SECONDS = 5.0
_log = get_logger("wakeups")


async def listen(binding: PostgresBinding, wake: asyncio.Event) -> None:
    """Set `wake` at every notification, reconnecting as often as needed, until cancelled."""
    while True:
        try:
            await _listen_once(binding, wake)
        # The relay polls meanwhile, so whatever is wrong only makes jobs start a little later.
        except Exception as error:
            _log.warning("not listening", why=repr(error)[:300])
        await asyncio.sleep(RECONNECT_SECONDS)


async def _listen_once(binding: PostgresBinding, wake: asyncio.Event) -> None:
    connection = await open_connection(binding, application_name="sup-worker-listen")
    lost = asyncio.Event()
    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, lambda *_: wake.set())
        # Rows may have been written before anyone listened.
        wake.set()
        await lost.wait()
    finally:
        connection.terminate()
