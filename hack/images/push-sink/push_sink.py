"""Stands in for push providers: FCM v1 with its token endpoint, and a Web Push service. HTTP :8090.

It keeps what it is given and tells it as JSON. What it answers depends on the name a device has
there: `gone…` is unknown (404 and 410), `busy…` is told to come again (429), `broken…` fails (500),
`refused…` is turned away (403); every other name is taken.
"""

import argparse
import base64
import json
import signal
import threading
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

CAPACITY: Final = 1000
LARGEST_BODY_BYTES: Final = 16 * 1024
RETRY_SECONDS: Final = 1
ACCESS_TOKEN: Final = "stand-in-access-token"  # noqa: S105  (opens nothing)
_TOLD_HEADERS: Final = ("authorization", "content-encoding", "topic", "ttl", "urgency")
_REFUSALS: Final = {
    "busy": HTTPStatus.TOO_MANY_REQUESTS,
    "broken": HTTPStatus.INTERNAL_SERVER_ERROR,
    "refused": HTTPStatus.FORBIDDEN,
}


@dataclass(frozen=True)
class Push:
    """One request of a provider's client; `body` is base64url as it came over the line."""

    provider: str
    to: str
    status: int
    headers: dict[str, str]
    body: str
    receivedAt: str


class Record:
    """The newest requests, at most `capacity`; used by all threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._pushes: deque[Push] = deque(maxlen=capacity)
        self._lock = threading.Lock()

    def add(self, push: Push) -> None:
        """Keep a request; the oldest one goes when there is no room."""
        with self._lock:
            self._pushes.append(push)

    def find(self, to: str | None) -> list[Push]:
        """The requests for this device (all without one), oldest first."""
        with self._lock:
            return [push for push in self._pushes if to is None or push.to == to]


def compute_status(provider: str, to: str) -> HTTPStatus:
    """What a device's name makes us answer."""
    if to.startswith("gone"):
        return HTTPStatus.GONE if provider == "web_push" else HTTPStatus.NOT_FOUND
    for word, status in _REFUSALS.items():
        if to.startswith(word):
            return status
    return HTTPStatus.CREATED if provider == "web_push" else HTTPStatus.OK


def build_answer(status: HTTPStatus) -> dict[str, Any]:
    """The body of FCM's answer; Web Push services have none that matters."""
    if status is HTTPStatus.OK:
        return {"name": "projects/stand-in/messages/1"}
    word = "UNREGISTERED" if status is HTTPStatus.NOT_FOUND else status.name
    return {"error": {"code": int(status), "status": word}}


def build_server(address: tuple[str, int], record: Record) -> ThreadingHTTPServer:
    """The server, bound but not yet serving."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_GET(self) -> None:  # (the name is the standard library's)
            url = urlsplit(self.path)
            if url.path == "/healthz":
                self._answer(HTTPStatus.OK, {"status": "ok"})
            elif url.path == "/pushes":
                to = parse_qs(url.query).get("to", [None])[0]
                self._answer(HTTPStatus.OK, [asdict(push) for push in record.find(to)])
            else:
                self._answer(HTTPStatus.NOT_FOUND, {"status": "not found"})

        def do_POST(self) -> None:
            body = self._read_body()
            if body is None:
                self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"status": "too large"})
            elif self.path == "/token":
                self._give_token(body)
            elif self.path.startswith("/web-push/"):
                self._take("web_push", unquote(self.path.removeprefix("/web-push/")), body)
            elif self.path.startswith("/v1/projects/") and self.path.endswith("/messages:send"):
                self._take_fcm(body)
            else:
                self._answer(HTTPStatus.NOT_FOUND, {"status": "not found"})

        def _read_body(self) -> bytes | None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > LARGEST_BODY_BYTES:
                return None
            return self.rfile.read(int(length))

        def _give_token(self, body: bytes) -> None:
            form = parse_qs(body.decode("utf-8", "replace"))
            if form.get("assertion", [""])[0].count(".") != 2:
                self._answer(HTTPStatus.BAD_REQUEST, {"error": "invalid_grant"})
                return
            grant = {"access_token": ACCESS_TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            self._answer(HTTPStatus.OK, grant)

        def _take_fcm(self, body: bytes) -> None:
            if self.headers.get("Authorization") != f"Bearer {ACCESS_TOKEN}":
                self._answer(HTTPStatus.UNAUTHORIZED, build_answer(HTTPStatus.UNAUTHORIZED))
                return
            try:
                to = str(json.loads(body)["message"]["token"])
            except (ValueError, KeyError, TypeError):
                self._answer(HTTPStatus.BAD_REQUEST, build_answer(HTTPStatus.BAD_REQUEST))
                return
            self._take("fcm", to, body)

        def _take(self, provider: str, to: str, body: bytes) -> None:
            status = compute_status(provider, to)
            told = {name: self.headers[name] for name in _TOLD_HEADERS if name in self.headers}
            received_at = datetime.now(UTC).isoformat(timespec="milliseconds")
            text = base64.urlsafe_b64encode(body).decode()
            record.add(Push(provider, to, int(status), told, text, received_at))
            self._answer(status, build_answer(status))

        def _answer(self, status: HTTPStatus, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status is HTTPStatus.TOO_MANY_REQUESTS:
                self.send_header("Retry-After", str(RETRY_SECONDS))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: probes would fill the log."""

    return ThreadingHTTPServer(address, Handler)


def main() -> None:
    """Parse the address and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104  (a pod is reached from outside)
    parser.add_argument("--port", type=int, default=8090)
    options = parser.parse_args()
    server = build_server((options.host, options.port), Record())
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"event": "serving", "http": server.server_port}), flush=True)
    stopped.wait()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
