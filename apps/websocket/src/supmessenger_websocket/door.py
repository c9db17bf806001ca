"""What a TCP connection asks of the server it belongs to, and of the session on it."""

from typing import TYPE_CHECKING, Protocol

from websockets.http11 import Request, Response

if TYPE_CHECKING:
    from supmessenger_websocket.protocol import SocketProtocol


class Session(Protocol):
    """What sits on a connection once its handshake is done."""

    def receive(self, text: str) -> None:
        """Take one text message."""

    def end(self) -> None:
        """The connection is gone."""


class Door(Protocol):
    """What decides about new connections and plain HTTP requests."""

    def admit(self, protocol: "SocketProtocol", request: Request) -> Response | None:
        """Return the answer to a request, or None when `answer` will be called later."""

    def open_session(self, protocol: "SocketProtocol") -> Session:
        """Return the session of a connection whose handshake is done."""

    def forget(self, protocol: "SocketProtocol") -> None:
        """The connection is gone."""
