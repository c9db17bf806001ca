"""Metrics under the platform's names, on a listener of their own."""

import threading
from dataclasses import dataclass
from wsgiref.simple_server import WSGIServer

from prometheus_client import Counter, Histogram, start_http_server

HTTP_REQUESTS = Counter(
    "http_requests_total",
    "HTTP requests answered.",
    ("service", "method", "route", "status"),
)
HTTP_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time from the request's first byte to the answer's last.",
    ("service", "method", "route"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
MESSAGES_SENT = Counter("messages_sent_total", "Messages stored.", ("chat_type",))
JOBS = Counter("jobs_total", "Background jobs ended.", ("kind", "result"))


@dataclass(frozen=True)
class MetricsListener:
    """A running metrics listener."""

    server: WSGIServer
    thread: threading.Thread

    @property
    def port(self) -> int:
        """The port it listens on, also when port 0 was asked for."""
        return int(self.server.server_port)

    def stop(self) -> None:
        """Close the listener and wait for its thread."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def open_metrics_listener(host: str, port: int) -> MetricsListener:
    """Serve `GET /metrics` from a thread, so that it answers when the loop is busy."""
    server, thread = start_http_server(port, addr=host)
    return MetricsListener(server=server, thread=thread)
