"""Orders beside the passes: begun once, retried patiently, forgotten when the wish changes."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from supmessenger_operator.cluster.acme import AcmeFailure, AcmeOrder, Issued
from supmessenger_operator.cluster.acme_orders import CertificateOrders

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = ("chat", "demo")
ORDER = AcmeOrder(directory="https://acme.example/dir", domain="chat.example.org", account_key="k")
ISSUED = Issued(chain="chain", key="key")


class Server:
    """Answers orders as a test says, and counts them."""

    def __init__(self, *answers: Issued | Exception) -> None:
        self.answers = list(answers)
        self.orders: list[AcmeOrder] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def obtain(self, order: AcmeOrder) -> Issued:
        self.orders.append(order)
        self.may_answer.wait(10)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Woken:
    """What was woken, to wait for."""

    def __init__(self) -> None:
        self.keys: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def wait(self) -> None:
        async with asyncio.timeout(10):
            assert await self.keys.get() == KEY


async def test_an_order_runs_beside_the_pass_and_wakes_the_instance() -> None:
    server, woken = Server(ISSUED), Woken()
    server.may_answer.clear()
    orders = CertificateOrders(woken.keys.put_nowait, obtain=server.obtain)

    first = orders.follow(KEY, ORDER, now=NOW)
    again = orders.follow(KEY, ORDER, now=NOW)
    server.may_answer.set()
    await woken.wait()

    assert first.issued is again.issued is None
    assert orders.follow(KEY, ORDER, now=NOW).issued == ISSUED
    assert len(server.orders) == 1


async def test_a_failure_is_told_and_tried_again_later_and_later() -> None:
    server = Server(*(AcmeFailure(f"no {n}") for n in range(5)), ISSUED)
    woken, now, waits = Woken(), NOW, []
    orders = CertificateOrders(woken.keys.put_nowait, obtain=server.obtain)
    for n in range(5):
        orders.follow(KEY, ORDER, now=now)
        await woken.wait()
        state = orders.follow(KEY, ORDER, now=now)
        assert state.failure == f"no {n}"
        assert state.next_try is not None
        before_due = orders.follow(KEY, ORDER, now=state.next_try - timedelta(seconds=1))
        assert before_due == state
        waits.append((state.next_try - now).total_seconds() / 60)
        now = state.next_try

    orders.follow(KEY, ORDER, now=now)
    await woken.wait()

    assert waits == [1, 5, 15, 60, 60]
    assert orders.follow(KEY, ORDER, now=now).issued == ISSUED


async def test_a_server_that_counts_calls_is_left_alone_for_hours() -> None:
    woken = Woken()
    server = Server(AcmeFailure("too many", is_limited=True))
    orders = CertificateOrders(woken.keys.put_nowait, obtain=server.obtain)
    orders.follow(KEY, ORDER, now=NOW)
    await woken.wait()

    assert orders.follow(KEY, ORDER, now=NOW).next_try == NOW + timedelta(hours=3)


async def test_a_changed_wish_is_tried_at_once() -> None:
    server, woken = Server(AcmeFailure("wrong address"), ISSUED), Woken()
    orders = CertificateOrders(woken.keys.put_nowait, obtain=server.obtain)
    orders.follow(KEY, ORDER, now=NOW)
    await woken.wait()
    orders.follow(KEY, ORDER, now=NOW)
    corrected = replace(ORDER, email="admin@example.org")

    orders.follow(KEY, corrected, now=NOW)
    await woken.wait()

    assert orders.follow(KEY, corrected, now=NOW).issued == ISSUED


async def test_an_order_under_way_holds_up_no_operator_that_leaves() -> None:
    server = Server(ISSUED)
    server.may_answer.clear()
    orders = CertificateOrders(Woken().keys.put_nowait, obtain=server.obtain)
    orders.follow(KEY, ORDER, now=NOW)
    async with asyncio.timeout(5):
        await orders.close()

    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    server.may_answer.set()


async def test_what_nobody_expected_is_loud_and_holds_up_no_pass() -> None:
    server, woken = Server(ZeroDivisionError("a mistake of ours")), Woken()
    orders = CertificateOrders(woken.keys.put_nowait, obtain=server.obtain)
    orders.follow(KEY, ORDER, now=NOW)
    await woken.wait()

    with capture_logs() as lines:
        state = orders.follow(KEY, ORDER, now=NOW)

    assert "certificate order broke" in [line["event"] for line in lines]
    assert "ZeroDivisionError: a mistake of ours" in state.failure
    assert state.next_try == NOW + timedelta(minutes=1)
    assert len(server.orders) == 1
