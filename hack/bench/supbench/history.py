"""Reading a page of the history: the newest one, and one deep in a long chat."""

from uuid import UUID

import orjson

from supbench.figures import Figure, build_ratio
from supbench.people import create_group, fill_chat, register
from supbench.scenario import ROUNDS, Meter, Scenario
from supbench.stage import Stage
from supmessenger_common.database import PooledConnection
from supmessenger_common.messages.events import build_message_fields
from supmessenger_common.messages.history import Viewer, fetch_before

LENGTH = 20_000
PAGE = 50
READS = 200  # pages in a round
CONTENT = "c" * 300
PLACES: dict[str, int | None] = {"newest": None, "in the middle": LENGTH // 2}


async def measure(stage: Stage) -> list[Figure]:
    """Read pages of a long chat and build their JSON."""
    ground = stage.prepare()
    python: dict[str, list[float]] = {place: [] for place in PLACES}
    postgres: dict[str, list[float]] = {place: [] for place in PLACES}
    async with ground.open_pool(1) as pool:
        (reader,) = await register(pool, 1)
        chat = await create_group(pool, [reader])
        await fill_chat(pool, chat, reader, count=LENGTH, content=CONTENT)
        await ground.analyze()
        viewer = Viewer(reader.user_id, reader.device_id)
        async with pool.acquire() as connection:
            for _ in range(ROUNDS):
                for place, before in PLACES.items():
                    meter = await _read_pages(connection, chat, viewer=viewer, before=before)
                    python[place].append(READS * PAGE / meter.own_cpu)
                    postgres[place].append(READS * PAGE / meter.cpu)
    return [*_build_figures("Python", python), *_build_figures("PostgreSQL", postgres)]


async def _read_pages(
    connection: PooledConnection, chat: UUID, *, viewer: Viewer, before: int | None
) -> Meter:
    with Meter([connection.get_server_pid()]) as meter:
        for _ in range(READS):
            page = await fetch_before(connection, chat, viewer=viewer, limit=PAGE, before=before)
            assert len(page) == PAGE
            orjson.dumps({"messages": [build_message_fields(message) for message in page]})
    return meter


def _build_figures(who: str, samples: dict[str, list[float]]) -> list[Figure]:
    newest, deep = (
        Figure(name=f"page of {PAGE}, {place}, {who}", unit="messages/CPU-s", samples=tuple(values))
        for place, values in samples.items()
    )
    return [newest, deep, build_ratio(f"cost of depth, {who}", newest, deep)]


SCENARIO = Scenario(
    name="history",
    method=f"One connection reads the last {PAGE} messages of a chat of {LENGTH:,} messages of"
    f" {len(CONTENT)} bytes, then {PAGE} before its middle, {READS} times each, and builds the"
    " answer's JSON. Paging goes by the place in the chat, so depth should cost nothing (1 times).",
    measure=measure,
)
