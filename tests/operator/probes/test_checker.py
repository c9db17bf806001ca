"""Reading a checker over real HTTP: answers, silence, nonsense, and who asks whom."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from support.waiting import wait_until

from supmessenger_operator.model.checks import REPORT_LIFE
from supmessenger_operator.probes.checker import Checkers
from supmessenger_operator.probes.rounds import run_rounds

KEY = ("chat", "demo")
POSTGRES = {"name": "postgres", "ok": True, "version": "16.14", "latencyMs": 1.5, "message": ""}
GOOD = {"checkedAt": "2026-01-01T00:00:00.000Z", "checks": [POSTGRES]}


class Server:
    """Answers what the test sets, and remembers who asked."""

    def __init__(self) -> None:
        self.answer: Any = GOOD
        self.status = 200
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    async def respond(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path))
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.respond)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made.url = f"http://127.0.0.1:{port}/{{namespace}}/{{name}}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def checkers(server: Server) -> AsyncIterator[Checkers]:
    made = Checkers(url=server.url)
    yield made
    await made.close()


async def test_a_report_is_read_and_recalled(server: Server, checkers: Checkers) -> None:
    report = await checkers.probe(KEY)

    assert report is not None
    postgres = report.find("postgres")
    assert postgres is not None
    assert (postgres.ok, postgres.version) == (True, "16.14")
    assert checkers.recall(KEY) == report
    assert server.asked == [("GET", "/chat/demo/v1/checks")]


async def test_checks_can_be_run_now(server: Server, checkers: Checkers) -> None:
    await checkers.probe(KEY, run_now=True)

    assert server.asked[0] == ("POST", "/chat/demo/v1/checks")


async def test_a_young_answer_is_good_enough(server: Server, checkers: Checkers) -> None:
    await checkers.probe(KEY)
    await checkers.probe(KEY, max_age=60)

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [(GOOD, 503), ({"checks": "many"}, 200), ([], 200), ({"checkedAt": "now", "checks": []}, 200)],
)
async def test_what_is_no_report_is_no_answer(
    server: Server, checkers: Checkers, answer: Any, status: int
) -> None:
    server.answer, server.status = answer, status

    assert await checkers.probe(KEY) is None


async def test_nobody_there_is_no_answer() -> None:
    checkers = Checkers(url="http://127.0.0.1:1")

    assert await checkers.probe(KEY) is None
    await checkers.close()


async def test_a_checker_that_hangs_asks_for_a_pass_though_its_verdict_stays(
    server: Server, checkers: Checkers
) -> None:
    long_ago = datetime.now(UTC) - REPORT_LIFE - timedelta(seconds=1)
    server.answer = {**GOOD, "checkedAt": long_ago.isoformat()}
    wanted: list[tuple[str, str]] = []
    await checkers.probe(KEY)
    rounds = asyncio.create_task(run_rounds(checkers, [KEY], wanted.append, every=0.0))

    await until(lambda: len(wanted) >= 1)
    rounds.cancel()


async def test_a_changed_verdict_asks_for_a_pass_and_an_equal_one_does_not(
    server: Server, checkers: Checkers
) -> None:
    good = {**GOOD, "checkedAt": datetime.now(UTC).isoformat()}
    server.answer = good
    wanted: list[tuple[str, str]] = []
    rounds = asyncio.create_task(run_rounds(checkers, [KEY], wanted.append, every=0.0))

    await until(lambda: len(server.asked) >= 2)
    assert wanted == [KEY]
    server.answer = {**good, "checks": [{**POSTGRES, "ok": False}]}
    await until(lambda: len(wanted) == 2)
    rounds.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await wait_until(holds, what="the rounds")
