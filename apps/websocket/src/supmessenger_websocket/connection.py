"""One client: who it is, what it follows, and its frames, handled one after the other."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from websockets.frames import CloseCode

from supmessenger_common.auth import CLOCK_SKEW, Principal
from supmessenger_common.identifiers import create_id
from supmessenger_common.log import get_logger
from supmessenger_common.messages.history import Viewer
from supmessenger_websocket.delivery import Cursor
from supmessenger_websocket.events import Error, ServerFrame, build_frame
from supmessenger_websocket.frames import AnyClientFrame, FrameError, parse_frame
from supmessenger_websocket.limits import Allowance, Limits
from supmessenger_websocket.protocol import SocketProtocol

NOT_AUTHENTICATED = 4401
SESSION_REVOKED = 4403
NO_AUTH_IN_TIME = 4408
REPLACED = 4409
TRY_LATER = 1013

log = get_logger("connection")


@dataclass(frozen=True)
class FollowChat:
    """Work of our own among the client's frames: a chat the user came into."""

    chat: UUID


Work = AnyClientFrame | FollowChat
Handler = Callable[["Connection", Work], Awaitable[None]]


class Connection:
    """The session on one socket."""

    __slots__ = (
        "_ending",
        "_frames",
        "_gone",
        "_handle",
        "_limits",
        "_loop",
        "_on_end",
        "_protocol",
        "_reading_paused",
        "_task",
        "_timer",
        "announced",
        "cursors",
        "id",
        "principal",
        "ready",
        "resumed",
        "typing",
        "watched",
    )

    def __init__(
        self,
        protocol: SocketProtocol,
        *,
        handle: Handler,
        on_end: Callable[["Connection"], None],
        limits: Limits,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._handle = handle
        self._on_end = on_end
        self._limits = limits
        self._frames: deque[Work] = deque()
        self._task: asyncio.Task[None] | None = None
        self._reading_paused = False
        self._ending: tuple[int, str] | None = None
        self._gone = False
        self._timer = self._loop.call_later(
            limits.auth_seconds, self.close, NO_AUTH_IN_TIME, "no auth frame in time"
        )
        self.id = create_id()
        self.principal: Principal | None = None
        # Whether this socket's own announcement came back: who is announced later is newer.
        self.announced = False
        self.ready = False
        self.resumed = False
        self.cursors: dict[UUID, Cursor] = {}
        self.watched: set[UUID] = set()
        self.typing = Allowance(
            burst=limits.typing_burst, rate=limits.typing_rate, now=self._loop.time()
        )

    @property
    def device_id(self) -> UUID:
        """The authenticated device."""
        return self.authenticated.device_id

    @property
    def authenticated(self) -> Principal:
        """Who it is; only after the auth frame."""
        assert self.principal is not None
        return self.principal

    @property
    def viewer(self) -> Viewer:
        """Who reads messages here."""
        principal = self.authenticated
        return Viewer(user_id=principal.user_id, device_id=principal.device_id)

    @property
    def open(self) -> bool:
        """Whether frames can be sent and are wanted."""
        return self._protocol.open and self._ending is None

    @property
    def congested(self) -> bool:
        """Whether the peer reads slower than we write."""
        return self._protocol.congested

    def send(self, frame: bytes) -> None:
        """Queue an encoded frame."""
        if self._protocol.open:
            self._protocol.outbox.append(frame)

    def answer(self, event: ServerFrame) -> None:
        """Queue a frame for this socket alone."""
        self.send(build_frame(event))

    def time(self) -> float:
        """Return the event loop's clock."""
        return self._loop.time()

    async def wait_writable(self) -> None:
        """Wait while the peer is behind."""
        await self._protocol.wait_writable()

    def identify(self, principal: Principal, *, now: datetime) -> None:
        """Take who it is; the socket lives as long as the token, or the next one."""
        self.principal = principal
        self._timer.cancel()
        assert principal.expires_at is not None
        left = (principal.expires_at + CLOCK_SKEW - now).total_seconds()
        self._timer = self._loop.call_later(
            left, self.close, NOT_AUTHENTICATED, "access token expired"
        )

    def receive(self, text: str) -> None:
        """Take one message from the peer."""
        if self._ending is not None:
            return
        try:
            frame = parse_frame(text)
        except FrameError as error:
            self._refuse(error)
            return
        self.enqueue(frame)
        if len(self._frames) >= self._limits.inbound_frames:
            self._reading_paused = True
            self._protocol.pause_reading()

    def enqueue(self, work: Work) -> None:
        """Do something after what waits already."""
        if self._ending is None:
            self._frames.append(work)
            if self._task is None:
                self._task = self._loop.create_task(self._work())

    def follow(self, chat: UUID) -> None:
        """Come into a chat, once however often it is said."""
        work = FollowChat(chat)
        if chat not in self.cursors and work not in self._frames:
            self.enqueue(work)

    def close(self, code: int, reason: str) -> None:
        """Close now; a frame being handled is finished, its answer is not sent."""
        if self._ending is None:
            self._ending = (code, reason)
        self._frames.clear()
        self._protocol.close(code, reason)

    def close_after_work(self, code: int, reason: str) -> None:
        """Close as soon as the frame being handled is answered."""
        if self._task is None:
            self.close(code, reason)
        elif self._ending is None:
            self._ending = (code, reason)
            self._frames.clear()

    def end(self) -> None:
        """The socket is gone."""
        self._timer.cancel()
        self._frames.clear()
        self._ending = self._ending or (CloseCode.ABNORMAL_CLOSURE, "")
        self._gone = True
        if self._task is None:
            self._on_end(self)

    def _refuse(self, error: FrameError) -> None:
        self.answer(Error(code=error.code, title="Bad frame", detail=error.detail, ref=error.ref))
        if not self.ready:
            self.close(NOT_AUTHENTICATED, "authenticate first")

    async def _work(self) -> None:
        try:
            while self._frames:
                frame = self._frames.popleft()
                self._read_on()
                await self._handle(self, frame)
        except Exception:
            # A bug ends this socket with a close frame and leaves the others alone.
            log.exception("frame could not be handled")
            self._frames.clear()
            self._protocol.fail(CloseCode.INTERNAL_ERROR)
        finally:
            self._task = None
        if self._gone:
            # Only now: what the last frame brought about is undone as well.
            self._on_end(self)
        elif self._ending is not None:
            self._protocol.close(*self._ending)

    def _read_on(self) -> None:
        if self._reading_paused and len(self._frames) <= self._limits.inbound_frames // 2:
            self._reading_paused = False
            self._protocol.resume_reading()
