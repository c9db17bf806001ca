"""Composes the worker and runs it: `sup-worker`."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from fastapi import FastAPI
from obstore.store import S3Store

from supmessenger_common.app import create_app
from supmessenger_common.database import Pool, open_pool, probe_database, probe_schema
from supmessenger_common.health import ReadinessCheck
from supmessenger_common.log import get_logger
from supmessenger_common.objects import open_bucket
from supmessenger_common.redis_clients import open_redis
from supmessenger_common.server import compute_notice, run_service
from supmessenger_worker.checks import endpoints
from supmessenger_worker.checks.board import Check, CheckBoard
from supmessenger_worker.checks.catalogue import build_checks
from supmessenger_worker.connections import Bindings, read_bindings
from supmessenger_worker.events.relay import EventRelay, Plan
from supmessenger_worker.jobs.media_transcode import TranscodingJobs
from supmessenger_worker.jobs.push_message import PushJobs
from supmessenger_worker.jobs.registry import build_handlers, build_lanes, build_obituaries
from supmessenger_worker.pushes.repository import PushRepository
from supmessenger_worker.pushes.senders import Senders, open_senders
from supmessenger_worker.retries import RetryPolicy
from supmessenger_worker.runtime import Parts, Runtime
from supmessenger_worker.schedule.calls import keep_calls
from supmessenger_worker.settings import WorkerSettings
from supmessenger_worker.transcoding import landlock
from supmessenger_worker.transcoding.limits import TranscodingLimits, gather_transcoding_limits
from supmessenger_worker.transcoding.repository import RenditionRepository
from supmessenger_worker.transcoding.sandbox import hide_process
from supmessenger_worker.transcoding.storage import RenditionStorage

SERVICE = "worker"
# The listener for wake-ups and the checker have one each, and the relay of events where there is
# one; the setting counts all of a process.
CONNECTIONS_OUTSIDE_POOL = 2
_log = get_logger("worker")


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
        senders = open_senders(settings)
        cache = open_redis(bindings.redis_cache, client_name="sup-worker")
        board = CheckBoard(
            [*build_checks(bindings, settings), *build_push_checks(senders)],
        )
        bucket = open_bucket(bindings.object_storage, "media")
        transcoding = build_transcoding(settings, pool=pool, bucket=bucket)
        handlers = build_handlers(
            smtp=bindings.smtp,
            bucket=bucket,
            domain=settings.domain,
            transcoding=transcoding,
            pushes=PushJobs(PushRepository(pool), senders, cache),
        )
        runtime = Runtime(
            Parts(
                pool=pool,
                postgres=bindings.postgres,
                rabbitmq=bindings.rabbitmq,
                handlers=handlers,
                obituaries=build_obituaries(transcoding=transcoding),
                lanes=build_lanes(
                    smtp=bindings.smtp,
                    concurrency=settings.worker_concurrency,
                    transcoding=settings.transcoding_concurrency,
                ),
                board=board,
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
            await senders.close()
            await cache.aclose()
            await pool.close()

    return create_app(
        service=SERVICE,
        title="SUP Messenger worker",
        open_resources=open_resources,
        routers=[endpoints.router],
    )


def build_event_relay(bindings: Bindings, settings: WorkerSettings) -> EventRelay | None:
    """Return the relay of events, where the instance sends any."""
    if not settings.events_enabled:
        return None
    plan = Plan(
        topic=settings.events_topic,
        most_pending=settings.events_max_pending,
        oldest=timedelta(seconds=settings.events_max_age_seconds),
    )
    return EventRelay(bindings.postgres, bindings.kafka, plan)


def build_push_checks(senders: Senders) -> list[Check]:
    """Return the check of push, where the instance is meant to have it."""
    return [Check("push", senders.probe)] if senders.is_asked_for else []


def build_transcoding(settings: WorkerSettings, *, pool: Pool, bucket: S3Store) -> TranscodingJobs:
    """Return what converts videos, within what this container may use."""
    if not landlock.find_version():
        _log.warning(
            "ffmpeg may read the files of the worker: the kernel has no Landlock (Linux 5.13), or"
            " the container runtime forbids it; its other limits hold"
        )
    limits = TranscodingLimits(
        source_bytes=settings.transcoding_max_source_size,
        duration_seconds=settings.transcoding_max_duration_seconds,
    )
    return TranscodingJobs(
        RenditionRepository(pool),
        RenditionStorage(bucket),
        gather_transcoding_limits(limits, processes=settings.transcoding_concurrency),
    )


def main() -> None:
    """Run the worker until it is told to end."""
    settings = WorkerSettings()
    # One line for each request of the checker would drown everything else.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # What goes wrong there is told by the relay and the check, once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # What opens the files of strangers runs as the same user.
    hide_process()
    run_service(build_app(settings), settings, service=SERVICE)
