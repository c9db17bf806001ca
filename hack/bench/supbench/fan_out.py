"""Delivering a message to everybody who is connected."""

from uuid import UUID

from support.socket_service import Person, build_message

from supbench.crowd_process import CrowdProcess, open_crowd
from supbench.figures import Figure, build_ratio
from supbench.people import create_group, issue_tokens, register
from supbench.scenario import ROUNDS, Meter, Scenario
from supbench.stage import Stage
from supmessenger_common.bindings import read_redis
from supmessenger_common.database import Pool
from supmessenger_common.messages.events import build_message_hint
from supmessenger_common.messages.publish import build_chat_channel
from supmessenger_common.messages.store import store_message
from supmessenger_common.redis_clients import RedisClient, open_redis

SIZES = (50, 200)
BURST = 100  # messages published at once
BURSTS = 4  # in a round
SINGLES = 40  # messages of a round of which each waits for the one before
CONTENT = "c" * 300
INSTANCE = "sup"  # what the service calls its instance unless told otherwise


async def measure(stage: Stage) -> list[Figure]:
    """Publish to a chat of 50 and to a chat of 200 in turn; the service's own time counts."""
    ground = stage.prepare()
    bursts: dict[int, list[float]] = {size: [] for size in SIZES}
    singles: dict[int, list[float]] = {size: [] for size in SIZES}
    redis = open_redis(read_redis(ground.bindings, "redis-cache"), client_name="bench")
    with stage.run_socket_service(ground) as service:
        async with ground.open_pool(1) as pool, open_crowd() as crowd:
            people = await register(pool, max(SIZES))
            chats = {size: await create_group(pool, people[:size]) for size in SIZES}
            await crowd.connect(service.port, issue_tokens(ground, people))
            fan = _Fan(pool, redis, crowd, people[0])
            for size, chat in chats.items():
                await fan.publish(chat, size, count=BURST)  # what is done only once does not count
            for _ in range(ROUNDS):
                for size, chat in chats.items():
                    for samples, times, count in ((bursts, BURSTS, BURST), (singles, SINGLES, 1)):
                        with Meter([service.pid]) as meter:
                            for _time in range(times):
                                await fan.publish(chat, size, count=count)
                        samples[size].append(size * count * times / meter.cpu)
    await redis.aclose()
    return [*_build_figures(f"{BURST} at once", bursts), *_build_figures("one by one", singles)]


class _Fan:
    def __init__(self, pool: Pool, redis: RedisClient, crowd: CrowdProcess, sender: Person) -> None:
        self._pool, self._redis, self._crowd, self._sender = pool, redis, crowd, sender

    async def publish(self, chat: UUID, size: int, *, count: int) -> None:
        """Store messages, publish them in one round trip, wait until all have arrived."""
        hints = [await self._store(chat) for _ in range(count)]
        async with self._redis.pipeline(transaction=False) as pipe:
            for hint in hints:
                pipe.publish(build_chat_channel(INSTANCE, chat), hint)
            await pipe.execute()
        await self._crowd.receive(size * count)

    async def _store(self, chat: UUID) -> bytes:
        message = build_message(chat, self._sender, CONTENT)
        return build_message_hint(message, await store_message(self._pool, message))


def _build_figures(how: str, samples: dict[int, list[float]]) -> list[Figure]:
    small, large = (
        Figure(
            name=f"{how}, to {size} members", unit="deliveries/CPU-s", samples=tuple(samples[size])
        )
        for size in SIZES
    )
    return [small, large, build_ratio(f"{how}, gain of {SIZES[1]} over {SIZES[0]}", large, small)]


SCENARIO = Scenario(
    name="fan-out",
    method=f"One `sup-websocket` process with {SIZES[1]} sockets of a client process, all in one"
    f" chat and {SIZES[0]} of them in another; messages of {len(CONTENT)} bytes are stored and"
    f" published to the chats in turn, {BURSTS} times {BURST} at once (frames of one socket share"
    f" a write) and {SINGLES} of which each waits until every socket has the one before (no write"
    " is shared). Processor time is that of the service, system calls included.",
    measure=measure,
)
