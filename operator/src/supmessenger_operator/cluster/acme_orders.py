"""Orders of certificates, beside the passes: one at a time for an instance, retried patiently."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from supmessenger_operator.cluster.acme import AcmeFailure, AcmeOrder, Issued, obtain_certificate
from supmessenger_operator.model.outcome import Key

# Servers count failures by the hour: five is what the best-known one lets pass.
PATIENCE = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
LIMITED_PATIENCE = timedelta(hours=3)
ORDERS_AT_ONCE = 4

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class OrderState:
    """How an order stands: issued, failed (until the next try) or under way."""

    issued: Issued | None = None
    failure: str = ""
    next_try: datetime | None = None


@dataclass(kw_only=True)
class _Entry:
    order: AcmeOrder
    task: asyncio.Task[Issued] | None = None
    failures: int = 0
    state: OrderState = field(default_factory=OrderState)


class CertificateOrders:
    """Runs orders in threads, as the library blocks, and wakes the instance when one has ended."""

    def __init__(
        self,
        wake: Callable[[Key], None],
        *,
        obtain: Callable[[AcmeOrder], Issued] = obtain_certificate,
    ) -> None:
        self._wake = wake
        self._obtain = obtain
        self._entries: dict[Key, _Entry] = {}
        self._slots = asyncio.Semaphore(ORDERS_AT_ONCE)

    def follow(self, key: Key, order: AcmeOrder, *, now: datetime) -> OrderState:
        """Return how the order of this instance stands; begin it when none is under way or due."""
        entry = self._entries.get(key)
        # A changed wish starts anew, without waiting for what an older one is owed.
        if entry is None or entry.order != order:
            entry = self._entries[key] = _Entry(order=order)
        if entry.task is not None and entry.task.done():
            self._settle(entry, entry.task, now=now)
        is_due = entry.state.next_try is None or now >= entry.state.next_try
        if entry.task is None and entry.state.issued is None and is_due:
            entry.task = asyncio.create_task(self._run(entry.order))
            entry.task.add_done_callback(lambda _: self._wake(key))
        return entry.state

    def forget(self, key: Key) -> None:
        """Drop what is known of an instance: its certificate is stored, or it is gone."""
        self._entries.pop(key, None)

    async def drain(self) -> None:
        """Wait until every order that is under way has ended, well or not."""
        tasks = [entry.task for entry in self._entries.values() if entry.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Wait for no order any longer; what a thread still does ends by its own deadlines."""
        tasks = [entry.task for entry in self._entries.values() if entry.task is not None]
        self._entries.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, order: AcmeOrder) -> Issued:
        async with self._slots:
            return await asyncio.to_thread(self._obtain, order)

    def _settle(self, entry: _Entry, task: asyncio.Task[Issued], *, now: datetime) -> None:
        entry.task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            entry.state = OrderState(issued=task.result())
            return
        if not isinstance(error, AcmeFailure):
            # Loud in the log, and no more: a mistake in an order must not stop the passes, nor
            # may each of them place another one.
            log.error("certificate order broke", domain=entry.order.domain, exc_info=error)
            error = AcmeFailure(f"{entry.order.directory}: {type(error).__name__}: {error}")
        entry.failures += 1
        wait = PATIENCE[min(entry.failures, len(PATIENCE)) - 1]
        next_try = now + (LIMITED_PATIENCE if error.is_limited else wait)
        entry.state = OrderState(failure=str(error), next_try=next_try)
        log.warning("certificate order failed", domain=entry.order.domain, reason=str(error))
