"""What one process of the API holds open, and the services built on it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from supmessenger_api.accounts.service import AccountService
from supmessenger_api.calls.admission import Doorman
from supmessenger_api.calls.door import Door
from supmessenger_api.calls.service import CallService, Studio
from supmessenger_api.calls.webhook import Webhook
from supmessenger_api.chats.service import ChatService
from supmessenger_api.keys.service import KeyService
from supmessenger_api.messages.service import MessageService
from supmessenger_api.migrations.files import find_newest
from supmessenger_api.passwords import PasswordVault
from supmessenger_api.push.service import PushService
from supmessenger_api.rate_limits import RateLimiter
from supmessenger_api.sessions.service import SessionService
from supmessenger_api.settings import ApiSettings
from supmessenger_api.users.service import UserService
from supmessenger_common.auth import AccessTokens
from supmessenger_common.bindings import (
    BindingError,
    read_credentials,
    read_livekit,
    read_postgres,
    read_redis,
    read_turn,
)
from supmessenger_common.calls.rooms import Rooms
from supmessenger_common.database import Pool, open_pool, probe_database, probe_schema
from supmessenger_common.health import ReadinessCheck
from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.messages.trails import Trails
from supmessenger_common.push.bindings import read_web_push_public_key
from supmessenger_common.push.sealing import TokenSeal
from supmessenger_common.redis_clients import RedisClient, open_redis, probe_redis
from supmessenger_common.sessions import SessionGuard

logger = get_logger("resources")


@dataclass(frozen=True)
class Resources:
    """Everything the endpoints use, opened once."""

    tokens: AccessTokens
    guard: SessionGuard
    limiter: RateLimiter
    accounts: AccountService
    sessions: SessionService
    users: UserService
    keys: KeyService
    chats: ChatService
    messages: MessageService
    push: PushService
    calls: CallService
    webhook: Webhook | None
    door: Door | None
    checks: tuple[ReadinessCheck, ...]


@asynccontextmanager
async def open_resources(settings: ApiSettings) -> AsyncIterator[Resources]:
    """Open pools and build the services; closes all at the end."""
    root, name = settings.service_binding_root, f"{settings.instance}-api"
    credentials = read_credentials(root)
    async with AsyncExitStack() as stack:
        pool = await open_pool(
            read_postgres(root), size=settings.postgres_pool_size, application_name=name
        )
        stack.push_async_callback(pool.close)
        cache = open_redis(read_redis(root, "redis-cache"), client_name=name)
        stack.push_async_callback(_close_redis, cache)
        state = open_redis(read_redis(root, "redis-state"), client_name=name)
        stack.push_async_callback(_close_redis, state)
        vault = PasswordVault()
        stack.callback(vault.close)
        publisher = Publisher(cache, settings.instance)
        tokens = AccessTokens(secret=credentials.jwt_secret, issuer=settings.domain)
        key = credentials.session_secret
        studio = open_studio(settings)
        if studio is not None:
            stack.push_async_callback(studio.rooms.close)
        yield Resources(
            tokens=tokens,
            guard=SessionGuard(pool, state),
            limiter=RateLimiter(state, enabled=settings.rate_limits_enabled),
            accounts=AccountService(pool=pool, vault=vault, key=key, settings=settings),
            sessions=SessionService(
                pool=pool,
                vault=vault,
                key=key,
                tokens=tokens,
                redis_state=state,
                publisher=publisher,
            ),
            users=UserService(pool=pool),
            keys=KeyService(pool=pool),
            chats=ChatService(pool=pool, publisher=publisher),
            messages=MessageService(
                pool=pool,
                publisher=publisher,
                trails=Trails(push=settings.push_enabled, events=settings.events_enabled),
            ),
            push=PushService(
                pool=pool,
                seal=TokenSeal(credentials.encryption_key),
                hosts=settings.web_push_hosts,
                public_key=read_public_key(settings),
                has_fcm=settings.fcm_enabled,
            ),
            calls=CallService(pool=pool, publisher=publisher, studio=studio),
            webhook=None
            if studio is None
            else Webhook(pool, publisher, state, studio.doorman.livekit, studio.rooms),
            door=None if studio is None else Door(pool, studio.doorman.livekit),
            checks=build_checks(
                pool,
                state,
                expected_schema=settings.expected_schema or find_newest(settings.migrations_dir),
            ),
        )


def open_studio(settings: ApiSettings) -> Studio | None:
    """Return what calls need; None where the instance offers none, or its bindings are broken."""
    root = settings.service_binding_root
    try:
        livekit, turn = read_livekit(root), read_turn(root)
    except BindingError as error:
        # Messages do not need it: the process goes on without calls, and says so.
        logger.error("no calls", why=str(error))
        return None
    if livekit is None:
        return None
    return Studio(Rooms(livekit), Doorman(livekit, turn, settings.relay_uris))


def read_public_key(settings: ApiSettings) -> str | None:
    """Return the key browsers subscribe with; None without web push, or with a broken binding."""
    try:
        return read_web_push_public_key(settings.service_binding_root)
    except BindingError as error:
        # Messages do not need it: the process goes on without web push, and says so.
        logger.error("no web push", why=str(error))
        return None


def build_checks(
    pool: Pool, redis_state: RedisClient, *, expected_schema: str
) -> tuple[ReadinessCheck, ...]:
    """Return what the API cannot work without: the cache carries hints only and is not here."""

    checks = [
        ReadinessCheck("postgres", partial(probe_database, pool)),
        ReadinessCheck("redis-state", partial(probe_redis, redis_state)),
    ]
    if expected_schema:
        checks.append(
            ReadinessCheck("schema", partial(probe_schema, pool, expected=expected_schema))
        )
    return tuple(checks)


async def _close_redis(client: RedisClient) -> None:
    await client.aclose()
