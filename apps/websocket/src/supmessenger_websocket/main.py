"""`sup-websocket`: builds the parts, serves until SIGTERM, drains."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import uvloop
from redis.asyncio import Connection as RedisConnection
from redis.exceptions import RedisError

from supmessenger_common.auth import AccessTokens
from supmessenger_common.bindings import (
    RedisBinding,
    read_credentials,
    read_postgres,
    read_redis,
)
from supmessenger_common.database import Pool, open_pool, probe_database
from supmessenger_common.health import HealthState, ReadinessCheck
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_common.log import configure_logging, get_logger
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.messages.trails import Trails
from supmessenger_common.metrics import open_metrics_listener
from supmessenger_common.redis_clients import open_redis
from supmessenger_common.sessions import SessionGuard
from supmessenger_websocket.background import start_background, stop_background
from supmessenger_websocket.context import Context
from supmessenger_websocket.device_presence import DeviceAttendance
from supmessenger_websocket.heal import Healer
from supmessenger_websocket.hub import Hub
from supmessenger_websocket.limits import DEFAULT_LIMITS, Limits
from supmessenger_websocket.people import People
from supmessenger_websocket.presence import Attendance
from supmessenger_websocket.server import SocketServer
from supmessenger_websocket.settings import WebSocketSettings
from supmessenger_websocket.subscriptions import Subscriptions
from supmessenger_websocket.watching import WatchList

log = get_logger("main")

SERVICE = "websocket"
CONNECT_SECONDS = 2.0
POOL_CLOSE_SECONDS = 5.0


def run() -> None:
    """Entry point of the console script."""
    settings = WebSocketSettings()
    configure_logging(service=SERVICE, instance=settings.instance, level=settings.log_level)
    # The library logs every handshake, close and health probe; metrics count them.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    uvloop.run(serve(settings))


async def serve(settings: WebSocketSettings) -> None:
    """Serve until SIGTERM or SIGINT; returns when every socket is closed."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    metrics = open_metrics_listener(settings.host, settings.metrics_port)
    try:
        async with open_server(settings) as server:
            log.info("listening", port=server.port, metrics_port=metrics.port)
            await stop.wait()
            log.info("draining", seconds=settings.drain_seconds)
    finally:
        metrics.stop()
    log.info("stopped")


@asynccontextmanager
async def open_server(
    settings: WebSocketSettings, *, limits: Limits = DEFAULT_LIMITS
) -> AsyncIterator[SocketServer]:
    """Yield a listening server; leaving drains it and closes what it was built on."""
    root = settings.service_binding_root
    cache, process = read_redis(root, "redis-cache"), str(create_id())
    redis_cache = open_redis(cache, client_name=SERVICE)
    redis_state = open_redis(read_redis(root, "redis-state"), client_name=SERVICE)
    pool = await open_pool(
        read_postgres(root), size=settings.postgres_pool_size, application_name=SERVICE
    )
    subscriptions = Subscriptions(partial(_build_subscriber, cache))
    publisher = Publisher(redis_cache, settings.instance)
    instance = settings.instance
    context = Context(
        pool=pool,
        tokens=AccessTokens(read_credentials(root).jwt_secret, issuer=settings.domain),
        sessions=SessionGuard(pool, redis_state),
        publisher=publisher,
        people=People(subscriptions, publisher, instance=instance),
        hub=Hub(pool, subscriptions, instance=instance, limits=limits),
        attendance=Attendance(redis_cache, instance=instance, process=process, limits=limits),
        devices=DeviceAttendance(
            redis_cache, process=process, limits=limits, enabled=settings.push_enabled
        ),
        watching=WatchList(redis_cache, subscriptions, instance=instance, limits=limits),
        limits=limits,
        read_clock=read_clock,
        trails=Trails(push=settings.push_enabled, events=settings.events_enabled),
    )
    healer = Healer(context)
    subscriptions.on_connect = healer.wake
    health = HealthState()
    checks = (
        ReadinessCheck("postgres", partial(probe_database, pool)),
        ReadinessCheck("redis-cache", subscriptions.probe),
    )
    server = SocketServer(context, health=health, checks=checks)
    tasks = [
        start_background("heal", healer.run),
        start_background("attendance", partial(context.attendance.run, read_clock)),
        start_background("devices", context.devices.run),
        start_background("presence", partial(_refresh_presence, context)),
    ]
    subscriptions.start()
    try:
        await server.listen(settings.host, settings.port)
        yield server
        await server.drain(seconds=settings.drain_seconds)
        await context.attendance.end(now=read_clock())
        await context.devices.end()
    finally:
        await stop_background(tasks)
        await context.hub.close()
        await subscriptions.close()
        await _close_pool(pool)
        await redis_cache.aclose()
        await redis_state.aclose()


async def _refresh_presence(context: Context) -> None:
    while True:
        await asyncio.sleep(context.limits.presence_refresh_seconds)
        try:
            await context.attendance.renew(now=context.read_clock())
            await context.devices.renew()
            await context.watching.refresh(now=context.read_clock())
        except (RedisError, OSError) as error:
            log.warning("presence could not be refreshed", error=str(error))


async def _close_pool(pool: Pool) -> None:
    try:
        async with asyncio.timeout(POOL_CLOSE_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()


def _build_subscriber(binding: RedisBinding) -> RedisConnection:
    return RedisConnection(
        host=binding.host,
        port=binding.port,
        password=binding.password,
        client_name=f"{SERVICE}-subscriber",
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=None,
        socket_keepalive=True,
        # Answers as plain lists; the connection is made again by who reads it.
        protocol=2,
    )
