"""Runs a service: uvicorn on uvloop, the metrics listener, and an orderly end."""

import asyncio
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import uvicorn
import uvloop
from fastapi import FastAPI

from supmessenger_common.log import configure_logging, get_logger
from supmessenger_common.metrics import open_metrics_listener
from supmessenger_common.settings import ServiceSettings

logger = get_logger("server")

# Longer than the edge keeps its idle connections, so that the edge is the one to close them.
KEEP_ALIVE_SECONDS = 75
# Part of the drain in which requests are still accepted: the cluster needs a moment to learn
# from readiness that no more should be sent.
NOTICE_SHARE = 0.25
NOTICE_SECONDS = 5.0


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals are ours: uvicorn would end the process by the signal instead of exit code 0.
        yield


def run_service(app: FastAPI, settings: ServiceSettings, *, service: str) -> None:
    """Serve until SIGTERM or SIGINT; returns when all is finished and closed."""
    configure_logging(service=service, instance=settings.instance, level=settings.log_level)
    uvloop.run(serve(app, settings, service=service))


async def serve(app: FastAPI, settings: ServiceSettings, *, service: str) -> None:
    """Serve inside a running loop of the main thread."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    notice = compute_notice(settings.drain_seconds)
    server = _Server(build_config(app, settings, grace=settings.drain_seconds - notice))
    metrics = open_metrics_listener(settings.host, settings.metrics_port)
    logger.info("starting", version=version("supmessenger-common"), port=settings.port)
    try:
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not serving.done():
            logger.info("draining", service=service, seconds=settings.drain_seconds)
            app.state.health.begin_drain()
            await asyncio.wait({serving}, timeout=notice)
            server.should_exit = True
        await serving
    finally:
        metrics.stop()
    logger.info("stopped")


def compute_notice(drain_seconds: float) -> float:
    """Return how many seconds of the drain still accept new requests."""
    return min(NOTICE_SECONDS, drain_seconds * NOTICE_SHARE)


def build_config(app: FastAPI, settings: ServiceSettings, *, grace: float) -> uvicorn.Config:
    """Return uvicorn's configuration for a service behind the edge."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        # The caller's address is read from the edge's header by who needs it.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, math.floor(grace)),
    )
