"""The listener: sockets on `/ws`, health beside it, and an end in slices."""

import asyncio
import json
from collections.abc import Sequence

from prometheus_client import Counter, Gauge
from websockets.http11 import Request, Response

from supmessenger_common.health import HealthState, ReadinessCheck, gather_readiness
from supmessenger_common.log import get_logger
from supmessenger_websocket.connection import Connection, Work
from supmessenger_websocket.context import Context
from supmessenger_websocket.drain import FAREWELL_SECONDS, close_in_slices
from supmessenger_websocket.following import leave_chats
from supmessenger_websocket.handlers import handle_work
from supmessenger_websocket.outbox import Flusher
from supmessenger_websocket.protocol import SocketProtocol

log = get_logger("server")

ACTIVE = Gauge("websocket_connections_active", "Sockets that are open.")
OPENED = Counter("websocket_connections_opened_total", "Handshakes that succeeded.")
BACKLOG = 1024


class SocketServer:
    """All connections of this process, from the first byte to the last."""

    def __init__(
        self, context: Context, *, health: HealthState, checks: Sequence[ReadinessCheck]
    ) -> None:
        self._context = context
        self._health = health
        self._checks = checks
        self._loop = asyncio.get_running_loop()
        self._flusher = Flusher(self._loop)
        self._protocols: set[SocketProtocol] = set()
        self._connections: set[Connection] = set()
        self._answers: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._listener: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port listened on, also when port 0 was asked for."""
        assert self._listener is not None
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def active(self) -> int:
        """How many sockets are open."""
        return len(self._connections)

    async def listen(self, host: str, port: int) -> None:
        """Begin to accept connections."""
        self._listener = await self._loop.create_server(
            self._build_protocol, host, port, backlog=BACKLOG
        )

    async def drain(self, *, seconds: float) -> None:
        """Accept no more sockets, close those there are in slices, then stop listening."""
        self._health.draining = True
        began = self._loop.time()
        await close_in_slices(list(self._connections), seconds=seconds)
        deadline = min(began + seconds, self._loop.time() + FAREWELL_SECONDS)
        try:
            async with asyncio.timeout_at(deadline):
                while self._connections:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            log.info("sockets cut at the end of the drain", count=len(self._connections))
        # Until here readiness was answered, with 503.
        if self._listener is not None:
            self._listener.close()
        for protocol in list(self._protocols):
            protocol.cut()
        for task in list(self._answers):
            task.cancel()

    # The door.

    def admit(self, protocol: SocketProtocol, request: Request) -> Response | None:
        """Answer a request, now or (readiness) after asking."""
        path = request.path.partition("?")[0]
        if path == "/ws":
            if (
                self._health.draining
                or len(self._connections) >= self._context.limits.max_connections
            ):
                return _with_header(protocol.reject(503, "try again\n"), "Retry-After", "2")
            return protocol.accept(request)
        if request.method != "GET" and path in ("/healthz", "/readyz"):
            return _with_header(protocol.reject(405, "GET only\n"), "Allow", "GET")
        if path == "/healthz":
            return _build_json(protocol, 200, {"status": "alive"})
        if path == "/readyz":
            task = self._loop.create_task(self._answer_readiness(protocol))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
            return None
        return protocol.reject(404, "not found\n")

    def open_session(self, protocol: SocketProtocol) -> Connection:
        """Begin the session of a socket."""
        connection = Connection(
            protocol, handle=self._handle, on_end=self._end, limits=self._context.limits
        )
        self._connections.add(connection)
        ACTIVE.set(len(self._connections))
        OPENED.inc()
        return connection

    def forget(self, protocol: SocketProtocol) -> None:
        """A TCP connection is gone."""
        self._protocols.discard(protocol)

    # Inside.

    def _build_protocol(self) -> SocketProtocol:
        protocol = SocketProtocol(
            self, limits=self._context.limits, flusher=self._flusher, loop=self._loop
        )
        self._protocols.add(protocol)
        return protocol

    async def _handle(self, connection: Connection, work: Work) -> None:
        await handle_work(self._context, connection, work)

    def _end(self, connection: Connection) -> None:
        self._connections.discard(connection)
        ACTIVE.set(len(self._connections))
        if not self._connections:
            self._empty.set()
        context = self._context
        context.people.leave(connection)
        leave_chats(context, connection, list(connection.cursors))
        context.watching.unwatch(connection, connection.watched)
        if connection.principal is not None:
            context.attendance.leave(connection, connection.principal.user_id)
            context.devices.leave(connection, connection.principal.device_id)

    async def _answer_readiness(self, protocol: SocketProtocol) -> None:
        readiness = await gather_readiness(self._health, self._checks)
        protocol.answer(_build_json(protocol, readiness.http_status, readiness.build_body()))


def _build_json(protocol: SocketProtocol, status: int, body: dict[str, object]) -> Response:
    response = protocol.reject(status, json.dumps(body))
    del response.headers["Content-Type"]
    return _with_header(response, "Content-Type", "application/json")


def _with_header(response: Response, name: str, value: str) -> Response:
    response.headers[name] = value
    return response
