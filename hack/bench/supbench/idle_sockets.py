"""What a connection costs that says nothing: memory."""

import itertools

from support.socket_service import Person

from supbench.crowd_process import open_crowd
from supbench.figures import Figure
from supbench.people import create_group, issue_tokens, register
from supbench.scenario import Scenario
from supbench.stage import Stage
from supbench.usage import read_resident_bytes
from supmessenger_common.database import Pool

SOCKETS = 500
STEPS = 3
WARM = 100


async def measure(stage: Stage) -> list[Figure]:
    """Connect 500 people more, three times, and see by how much the service grows."""
    ground = stage.prepare()
    with stage.run_socket_service(ground) as service:
        async with ground.open_pool(2) as pool, open_crowd() as crowd:
            await crowd.connect(
                service.port, issue_tokens(ground, await _register_pairs(pool, WARM))
            )
            sizes = [read_resident_bytes(service.pid)]
            for _ in range(STEPS):
                people = await _register_pairs(pool, SOCKETS)
                await crowd.connect(service.port, issue_tokens(ground, people))
                sizes.append(read_resident_bytes(service.pid))
    grown = [after - before for before, after in itertools.pairwise(sizes)]
    return [
        Figure(
            name=f"idle socket, {SOCKETS} more each",
            unit="KiB/connection",
            samples=tuple(size / 1024 / SOCKETS for size in grown),
        ),
        Figure(
            name=f"the process with {WARM} sockets", unit="MiB", samples=(sizes[0] / 1024 / 1024,)
        ),
    ]


async def _register_pairs(pool: Pool, count: int) -> list[Person]:
    """Create people, each with a chat of two: a socket that follows nothing would be too cheap."""
    people = await register(pool, count)
    for first, second in zip(people[::2], people[1::2], strict=True):
        await create_group(pool, [first, second])
    return people


SCENARIO = Scenario(
    name="idle-sockets",
    method=f"{SOCKETS} people, each in a chat of two, log in and follow it, {STEPS} times over,"
    f" after {WARM} who warmed the process up; the growth of its resident memory is divided by"
    " their number.",
    measure=measure,
)
