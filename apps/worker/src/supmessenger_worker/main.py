"""Composes the worker and runs it: `sup-worker`."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from supmessenger_common.app import create_app
from supmessenger_common.database import open_pool, probe_database, probe_schema
from supmessenger_common.health import ReadinessCheck
from supmessenger_common.objects import open_bucket
from supmessenger_common.server import compute_notice, run_service
from supmessenger_worker.checks import endpoints
from supmessenger_worker.checks.board import CheckBoard
from supmessenger_worker.checks.catalogue import build_checks
from supmessenger_worker.connections import Bindings, read_bindings
from supmessenger_worker.events.relay import EventRelay, Plan
from supmessenger_worker.jobs.registry import build_handlers, find_words
from supmessenger_worker.retries import RetryPolicy
from supmessenger_worker.runtime import Parts, Runtime
from supmessenger_worker.schedule.calls import keep_calls
from supmessenger_worker.settings import WorkerSettings

SERVICE = "worker"
# The listener for wake-ups and the checker have one each, and the relay of events where there is
# one; the setting counts all of a process.
CONNECTIONS_OUTSIDE_POOL = 2


def build_app(settings: WorkerSettings, *, policy: RetryPolicy | None = None) -> FastAPI:
    """Return the application; nothing is opened before it starts."""

    @asynccontextmanager
    async def open_resources(app: FastAPI) -> AsyncIterator[Sequence[ReadinessCheck]]:
        bindings = read_bindings(settings.service_binding_root)
        events = build_event_relay(bindings, settings)
        outside = CONNECTIONS_OUTSIDE_POOL + (events is not None)
        # No connection yet: the worker starts without the database and is not ready then.
        pool = await open_pool(
            bindings.postgres,
            size=max(1, settings.postgres_pool_size - outside),
            application_name="sup-worker",
            minimum=0,
        )
        board = CheckBoard(build_checks(bindings, settings))
        handlers = build_handlers(
            smtp=bindings.smtp,
            bucket=open_bucket(bindings.object_storage, "media"),
            domain=settings.domain,
        )
        runtime = Runtime(
            Parts(
                pool=pool,
                postgres=bindings.postgres,
                rabbitmq=bindings.rabbitmq,
                handlers=handlers,
                words=find_words(smtp=bindings.smtp),
                board=board,
                concurrency=settings.worker_concurrency,
                check_interval=settings.check_interval_seconds,
                policy=policy or RetryPolicy(),
                events=events,
                calls=partial(
                    keep_calls,
                    pool,
                    redis_cache=bindings.redis_cache,
                    livekit=bindings.livekit,
                    instance=settings.instance,
                ),
            )
        )
        app.state.checks = board
        app.state.health.on_drain = runtime.take_no_more
        runtime.start()
        try:
            checks = [
                ReadinessCheck("postgres", partial(probe_database, pool)),
                ReadinessCheck("rabbitmq", runtime.probe_broker),
            ]
            if settings.expected_schema:
                probe = partial(probe_schema, pool, expected=settings.expected_schema)
                checks.append(ReadinessCheck("schema", probe))
            yield checks
        finally:
            drain = settings.drain_seconds
            await runtime.stop(grace=drain - compute_notice(drain))
            await pool.close()

    return create_app(
        service=SERVICE,
        title="SUP Messenger worker",
        open_resources=open_resources,
        routers=[endpoints.router],
    )


def build_event_relay(bindings: Bindings, settings: WorkerSettings) -> EventRelay | None:
    """Return the relay of events, where the instance sends any."""
    if bindings.kafka is None or not settings.events_enabled:
        return None
    plan = Plan(
        topic=settings.events_topic,
        most_pending=settings.events_max_pending,
        oldest=timedelta(seconds=settings.events_max_age_seconds),
    )
    return EventRelay(bindings.postgres, bindings.kafka, plan)


def main() -> None:
    """Run the worker until it is told to end."""
    settings = WorkerSettings()
    # One line for each request of the checker would drown everything else.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # What goes wrong there is told by the relay and the check, once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    run_service(build_app(settings), settings, service=SERVICE)
