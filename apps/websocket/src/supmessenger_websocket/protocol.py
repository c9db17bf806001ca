"""One TCP connection: handshake, frames in and out, keepalive, and the cut-off.

The `websockets` library's Sans-I/O protocol parses and answers control frames; data frames that
go out never pass through it: they are encoded once and written together by the outbox.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from typing import cast

from prometheus_client import Counter
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol

from supmessenger_common.log import get_logger
from supmessenger_websocket.door import Door, Session
from supmessenger_websocket.limits import Allowance, Limits
from supmessenger_websocket.outbox import Flusher, Outbox

FRAME_TOO_LARGE = 4413
TOO_MANY_FRAMES = 4429
# Unsent data is thrown away and the peer sees a reset: a closed socket would otherwise keep up
# to 4 MiB (tcp_wmem) in the kernel for a peer that reads nothing.
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)

log = get_logger("protocol")

CUT = Counter("websocket_slow_readers_cut_total", "Sockets cut because they read too slowly.")


class _Parser(ServerProtocol):
    """The library's parser, with our close code for a frame that is too large."""

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        """Close the connection because of what the peer sent."""
        super().fail(FRAME_TOO_LARGE if code == CloseCode.MESSAGE_TOO_BIG else code, reason)


class SocketProtocol(asyncio.Protocol):
    """Bytes on one side, messages on the other."""

    __slots__ = (
        "_allowance",
        "_closing",
        "_door",
        "_fragments",
        "_heard",
        "_limits",
        "_loop",
        "_parser",
        "_session",
        "_timer",
        "_transport",
        "_writable",
        "congested",
        "outbox",
    )

    def __init__(
        self, door: Door, *, limits: Limits, flusher: Flusher, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._allowance = Allowance(
            burst=limits.frames_burst, rate=limits.frames_rate, now=loop.time()
        )
        self._closing = False
        self._door = door
        self._limits = limits
        self._loop = loop
        self._parser: ServerProtocol = _Parser(max_size=limits.max_frame_bytes)
        self._session: Session | None = None
        self._fragments: list[bytes] = []
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._writable: asyncio.Future[None] | None = None
        self.congested = False
        self.outbox = Outbox(flusher, self._write_frames)

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the handshake."""
        self._transport = cast(asyncio.Transport, transport)
        soft = self._limits.soft_write_bytes
        self._transport.set_write_buffer_limits(high=soft, low=soft // 4)
        self._set_timer(self._limits.open_seconds, self.cut)

    def data_received(self, data: bytes) -> None:
        """Parse one read and handle the messages in it."""
        self._heard = self._loop.time()
        self._parser.receive_data(data)
        for event in self._parser.events_received():
            if isinstance(event, Request):
                self._handle_request(event)
            elif isinstance(event, Frame):
                # Control frames and empty fragments cost work too.
                if self._allowance.take(self._heard):
                    self._handle_frame(event)
                else:
                    self.fail(TOO_MANY_FRAMES, "too many frames")
        self._write_control()

    def eof_received(self) -> None:
        """The peer will send nothing more; the transport closes after what waits is written."""
        self._parser.receive_eof()
        self._write_control()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up everything the connection held."""
        self._transport = None
        self.outbox.clear()
        self._set_timer(None, None)
        self.resume_writing()
        session, self._session = self._session, None
        self._door.forget(self)
        if session is not None:
            session.end()

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        self.congested = True

    def resume_writing(self) -> None:
        """The peer caught up."""
        self.congested = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # Called by the session and the server.

    @property
    def open(self) -> bool:
        """Whether messages can be sent and received."""
        return self._transport is not None and self._parser.state is State.OPEN

    def answer(self, response: Response) -> None:
        """Send the answer to a handshake or plain HTTP request."""
        if self._transport is None or self._parser.state is not State.CONNECTING:
            return
        self._parser.send_response(response)
        if self.open:
            self._session = self._door.open_session(self)
            self._set_timer(self._limits.ping_seconds, self._keep_alive)
        self._write_control()

    def accept(self, request: Request) -> Response:
        """Return the library's answer to a WebSocket handshake."""
        return self._parser.accept(request)

    def reject(self, status: int, text: str) -> Response:
        """Return a plain text answer."""
        return self._parser.reject(status, text)

    def close(self, code: int, reason: str = "") -> None:
        """Write what waits, then begin the closing handshake."""
        if self._parser.state is State.OPEN and self._transport is not None:
            self.outbox.flush()
            self._parser.send_close(code, reason)
            self._write_control()

    def fail(self, code: int, reason: str = "") -> None:
        """Close and listen no more: the peer broke a rule, or we did."""
        if self._parser.state is State.OPEN and self._transport is not None:
            self.outbox.flush()
            self._parser.fail(code, reason)
            self._write_control()

    def cut(self) -> None:
        """End the connection at once, throwing away what was not sent."""
        if self._transport is None:
            return
        self.outbox.clear()
        raw = self._transport.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self._transport.abort()

    def pause_reading(self) -> None:
        """Let the peer wait in its own send buffer."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take what the peer sends again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    async def wait_writable(self) -> None:
        """Wait while the peer is behind; one that makes no room within the limit is cut."""
        self.outbox.flush()
        if not self.congested:
            return
        if self._writable is None:
            self._writable = self._loop.create_future()
        try:
            async with asyncio.timeout(self._limits.stall_seconds):
                await asyncio.shield(self._writable)
        except TimeoutError:
            self._cut_slow_reader()

    # Inside.

    def _handle_request(self, request: Request) -> None:
        response = self._door.admit(self, request)
        if response is not None:
            self.answer(response)

    def _handle_frame(self, frame: Frame) -> None:
        data, final = frame.data, frame.fin
        # The parser keeps its last frame until the next one comes: let go of a large payload.
        frame.data = b""
        if frame.opcode is Opcode.BINARY:
            self.fail(CloseCode.UNSUPPORTED_DATA, "text frames only")
        elif frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
            self._fragments.append(bytes(data))
            if final:
                message, self._fragments = b"".join(self._fragments), []
                self._handle_message(message)

    def _handle_message(self, message: bytes) -> None:
        # The whole read was parsed before: a bad frame behind this one may have closed already.
        if self._session is None or self._parser.state is not State.OPEN:
            return
        try:
            text = message.decode()
        except UnicodeDecodeError:
            self.fail(CloseCode.INVALID_DATA, "not UTF-8")
            return
        try:
            self._session.receive(text)
        except Exception:
            # An error of ours must end in a close frame, not in a dead transport.
            log.exception("message handler failed")
            self.fail(CloseCode.INTERNAL_ERROR)

    def _write_frames(self, frames: Sequence[bytes]) -> None:
        transport = self._transport
        if transport is None or self._parser.state is not State.OPEN:
            return
        if self.congested and transport.get_write_buffer_size() > self._limits.hard_write_bytes:
            self._cut_slow_reader()
        elif len(frames) == 1:
            transport.write(frames[0])
        else:
            transport.writelines(frames)

    def _cut_slow_reader(self) -> None:
        log.info("slow reader cut")
        CUT.inc()
        self.cut()

    def _write_control(self) -> None:
        transport = self._transport
        if transport is None:
            return
        for data in self._parser.data_to_send():
            if data != SEND_EOF:
                transport.write(data)
            elif transport.can_write_eof() and not transport.is_closing():
                transport.write_eof()
        if self._parser.close_expected() and not self._closing:
            self._closing = True
            self._set_timer(self._limits.close_seconds, self.cut)

    def _keep_alive(self) -> None:
        silent = self._loop.time() - self._heard
        if silent > self._limits.ping_seconds + self._limits.pong_seconds:
            self.cut()
            return
        if silent * 2 >= self._limits.ping_seconds and self._parser.state is State.OPEN:
            self._parser.send_ping(b"")
            self._write_control()
        self._set_timer(self._limits.ping_seconds, self._keep_alive)

    def _set_timer(self, seconds: float | None, callback: Callable[[], None] | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = (
            None
            if seconds is None or callback is None
            else self._loop.call_later(seconds, callback)
        )
