"""An SMTP server that keeps what it is sent and tells it as JSON: SMTP :2525, HTTP :8025."""

import argparse
import asyncio
import json
import signal
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

CAPACITY = 1000
LARGEST_MESSAGE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Mail:
    """One received message; `body` is its plain text."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    body: str
    received_at: str

    def build_document(self) -> dict[str, Any]:
        """The message as `GET /messages` tells it."""
        return {
            "from": self.sender,
            "to": list(self.recipients),
            "subject": self.subject,
            "body": self.body,
            "receivedAt": self.received_at,
        }


class Mailbox:
    """The newest messages, at most `capacity`; used by the SMTP loop and by HTTP threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._mails: deque[Mail] = deque(maxlen=capacity)
        self._lock = threading.Lock()

    def add(self, mail: Mail) -> None:
        """Keep a message; the oldest one goes when there is no room."""
        with self._lock:
            self._mails.append(mail)

    def find(self, recipient: str | None) -> list[Mail]:
        """The messages to this address (all without one), oldest first."""
        wanted = recipient.casefold() if recipient else None
        with self._lock:
            return [
                mail
                for mail in self._mails
                if wanted is None or wanted in (address.casefold() for address in mail.recipients)
            ]


def parse_mail(content: bytes, *, sender: str, recipients: Sequence[str], now: datetime) -> Mail:
    """The message of an SMTP transaction; addresses are those of the envelope."""
    message = message_from_bytes(content, policy=policy.default)
    part = message.get_body(preferencelist=("plain", "html"))
    received_at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = str(part.get_content()) if part is not None else ""
    return Mail(sender, tuple(recipients), str(message.get("subject", "")), body, received_at)


class Receiver:
    """The handler that aiosmtpd calls for each message."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message and say so."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        self._mailbox.add(
            parse_mail(
                raw,
                sender=envelope.mail_from or "",
                recipients=envelope.rcpt_tos,
                now=datetime.now(UTC),
            )
        )
        return "250 OK"


def build_http_server(address: tuple[str, int], mailbox: Mailbox) -> ThreadingHTTPServer:
    """The HTTP side, bound but not yet serving."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # (the name is the standard library's)
            url = urlsplit(self.path)
            if url.path == "/healthz":
                self._answer(HTTPStatus.OK, {"status": "ok"})
            elif url.path == "/messages":
                recipient = parse_qs(url.query).get("to", [None])[0]
                mails = mailbox.find(recipient)
                self._answer(HTTPStatus.OK, [mail.build_document() for mail in mails])
            else:
                self._answer(HTTPStatus.NOT_FOUND, {"status": "not found"})

        def _answer(self, status: HTTPStatus, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: probes would fill the log."""

    return ThreadingHTTPServer(address, Handler)


async def serve(host: str, smtp_port: int, http_port: int) -> None:
    """Serve both sides until SIGTERM or SIGINT."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    receiver = Receiver(mailbox)
    smtp = await loop.create_server(
        lambda: SMTP(receiver, data_size_limit=LARGEST_MESSAGE_BYTES, ident="smtp-sink"),
        host,
        smtp_port,
    )
    http = build_http_server((host, http_port), mailbox)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    bound = {"smtp": smtp.sockets[0].getsockname()[1], "http": http.server_port}
    print(json.dumps({"event": "serving", **bound}), flush=True)
    await stopped.wait()
    smtp.close()
    await asyncio.to_thread(http.shutdown)
    http.server_close()


def main() -> None:
    """Parse the ports and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104  (a pod is reached from outside)
    parser.add_argument("--smtp-port", type=int, default=2525)
    parser.add_argument("--http-port", type=int, default=8025)
    options = parser.parse_args()
    asyncio.run(serve(options.host, options.smtp_port, options.http_port))


if __name__ == "__main__":
    main()
