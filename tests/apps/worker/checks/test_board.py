"""Running checks: all at once, each within its time, every failure by name."""

from __future__ import annotations

import asyncio
from functools import partial

from supmessenger_worker.checks.board import Check, CheckBoard, describe_error, run_check
from supmessenger_worker.checks.model import CHECK_NAMES, Answer, CheckFailedError


async def answer() -> Answer:
    return Answer("1.2", "well")


async def refuse() -> Answer:
    raise CheckFailedError("the answer is wrong")


async def test_a_check_tells_version_and_time() -> None:
    result = await run_check(Check("postgres", answer), timeout=1)
    assert (result.ok, result.version, result.message) == (True, "1.2", "well")
    assert 0 <= result.latency_ms < 1000


async def test_a_failure_becomes_the_message() -> None:
    result = await run_check(Check("edge", refuse), timeout=1)
    assert (result.ok, result.version, result.message) == (False, None, "the answer is wrong")


async def test_checks_that_hang_end_together_and_hold_up_nobody() -> None:
    begun: list[str] = []
    seen: list[list[str]] = []

    async def hang(name: str) -> Answer:
        begun.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(list(begun))
        raise AssertionError("unreachable")

    board = CheckBoard(
        [
            Check("smtp", partial(hang, "smtp")),
            Check("postgres", answer),
            Check("redis-cache", partial(hang, "redis-cache")),
        ],
        timeout=0.3,
    )
    report = await board.run_now()
    # When the first was ended the other was under way for as long.
    assert seen == [["smtp", "redis-cache"]] * 2
    assert [(check.name, check.ok) for check in report.checks] == [
        ("postgres", True),
        ("redis-cache", False),
        ("smtp", False),
    ]
    assert report.checks[2].message == "no answer within 0.3 s"


async def test_readers_during_a_round_share_it() -> None:
    rounds = 0

    async def count() -> Answer:
        nonlocal rounds
        rounds += 1
        await asyncio.sleep(0)
        return Answer()

    board = CheckBoard([Check("api", count)])
    reports = await asyncio.gather(board.read(), board.run_now(), board.run_now())
    assert rounds == 1
    assert reports[0] is reports[1] is reports[2]


async def test_a_report_is_kept_until_the_next_round() -> None:
    board = CheckBoard([Check("api", answer)])
    first = await board.read()
    assert await board.read() is first
    assert await board.run_now() is not first


async def test_a_reader_that_leaves_does_not_end_the_round_of_others() -> None:
    release = asyncio.Event()

    async def wait() -> Answer:
        await release.wait()
        return Answer()

    board = CheckBoard([Check("media", wait)])
    impatient, patient = asyncio.create_task(board.run_now()), asyncio.create_task(board.run_now())
    await asyncio.sleep(0)
    impatient.cancel()
    release.set()
    assert (await patient).checks[0].ok


def test_a_message_is_one_short_line() -> None:
    assert describe_error(ValueError("a\n  b" + "x" * 1000)).startswith("a b")
    assert len(describe_error(ValueError("x" * 1000))) == 300
    assert describe_error(KeyError()) == "KeyError"


def test_the_names_are_those_of_the_contract() -> None:
    assert (
        *("postgres", "redis-cache", "redis-state", "rabbitmq", "object-storage"),
        *("api", "websocket", "media", "edge", "smtp", "push", "kafka", "livekit", "turn"),
        *("prometheus", "grafana", "loki"),
    ) == CHECK_NAMES
