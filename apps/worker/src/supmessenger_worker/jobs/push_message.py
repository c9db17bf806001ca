"""Jobs `push.message`, `push.look` and `push.deliver`: wake the devices of a message's readers.

Whoever can not be reached now gets a job of its own with a later time, so that one slow provider
neither holds up the others nor wakes anybody twice. Who is connected is left alone and looked at
once more: the socket may have been half open.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from supmessenger_common.broker import Job
from supmessenger_common.identifiers import encode_bytes
from supmessenger_common.log import get_logger
from supmessenger_common.push.sealing import UnsealError
from supmessenger_common.redis_clients import RedisClient
from supmessenger_worker.pushes.model import PUSHES, Note, Outcome, Target
from supmessenger_worker.pushes.presence import find_connected
from supmessenger_worker.pushes.repository import PushRepository
from supmessenger_worker.pushes.senders import Senders
from supmessenger_worker.retries import PermanentJobError

MESSAGE: Final = "push.message"
DELIVER: Final = "push.deliver"
LOOK: Final = "push.look"
# By then a socket that was half open is known to be gone: the socket service cuts a silent one
# within 70 s, and its word that a device is connected outlives its process by 60 s.
LOOK_AFTER: Final = timedelta(seconds=75)
# A job that waited for longer wakes nobody: a broker or worker was away, people have looked.
OLDEST: Final = timedelta(hours=1)
DELAYS: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)
# A provider that wants to be left alone for longer is not asked again for this message.
_LONGEST: Final = timedelta(hours=2)
_AT_ONCE: Final = 8
_log = get_logger("pushes")


@dataclass(frozen=True, slots=True)
class _Order:
    chat_id: UUID
    seq: int
    devices: tuple[UUID, ...] | None
    attempt: int


@dataclass(frozen=True)
class PushJobs:
    """Wakes devices with what it is composed of."""

    repository: PushRepository
    senders: Senders
    presence: RedisClient
    delays: tuple[timedelta, ...] = DELAYS

    async def announce(self, job: Job, *, now: datetime) -> None:
        """Wake the devices of everybody who should know of a message."""
        order = parse_order(job)
        if now - job.created_at > OLDEST and job.kind != DELIVER:
            _log.info("push too old", chat_id=str(order.chat_id), seq=order.seq)
            return
        found = await self.repository.find_targets(
            order.chat_id, order.seq, now=now, devices=order.devices
        )
        targets = [one for one in found if self.senders.find(one.provider) is not None]
        connected = await find_connected(self.presence, (one.device_id for one in targets))
        if job.kind == MESSAGE and connected:
            await self._look_again(job, order, connected, now=now)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def wake(target: Target) -> None:
            async with slots:
                await self._wake(target, order, now=now)

        await asyncio.gather(*(wake(one) for one in targets if one.device_id not in connected))

    async def _look_again(
        self, job: Job, order: _Order, connected: set[UUID], *, now: datetime
    ) -> None:
        payload = {
            "chatId": str(order.chat_id),
            "seq": order.seq,
            "deviceIds": sorted(str(device) for device in connected),
        }
        # An id that follows from the job's: a second attempt of it does not look twice.
        await self.repository.enqueue(
            LOOK,
            payload,
            now=now,
            not_before=now + LOOK_AFTER,
            job_id=uuid5(job.id, LOOK),
        )

    async def _wake(self, target: Target, order: _Order, *, now: datetime) -> None:
        outcome = await self._send(target, order)
        self.senders.health.note(target, outcome, now=now)
        PUSHES.labels(target.provider, outcome.result).inc()
        told = {"device_id": str(target.device_id), "why": outcome.reason}
        if outcome.result == "gone":
            _log.info("push token deleted", **told)
            await self.repository.forget(target)
        elif outcome.result == "refused":
            _log.warning("push refused", **told)
        elif outcome.result == "later":
            await self._put_off(target, order, outcome, now=now)

    async def _send(self, target: Target, order: _Order) -> Outcome:
        sender = self.senders.find(target.provider)
        assert sender is not None, "only devices with a provider are woken"
        try:
            token = self.senders.seal.open(target.sealed, device_id=target.device_id)
        except UnsealError:
            # The encryption key was replaced: apps register anew when they start.
            return Outcome("gone", "the token can not be decrypted any more")
        topic = self.senders.seal.compute_topic(order.chat_id, device_id=target.device_id)
        return await sender.send(token, Note(order.chat_id, encode_bytes(topic)))

    async def _put_off(
        self, target: Target, order: _Order, outcome: Outcome, *, now: datetime
    ) -> None:
        delay = compute_delay(order.attempt, outcome.retry_after, delays=self.delays)
        told = {"device_id": str(target.device_id), "why": outcome.reason}
        if delay is None:
            PUSHES.labels(target.provider, "expired").inc()
            _log.warning("push given up", attempts=order.attempt, **told)
            return
        _log.info("push put off", seconds=delay.total_seconds(), **told)
        payload = {
            "chatId": str(order.chat_id),
            "seq": order.seq,
            "deviceId": str(target.device_id),
            "attempt": order.attempt + 1,
        }
        await self.repository.enqueue(DELIVER, payload, now=now, not_before=now + delay)


def parse_order(job: Job) -> _Order:
    """Read the payload; raises PermanentJobError naming what is wrong."""
    payload = job.payload
    try:
        devices = payload.get("deviceIds")
        if "deviceId" in payload:
            devices = [payload["deviceId"]]
        return _Order(
            chat_id=UUID(str(payload["chatId"])),
            seq=int(payload["seq"]),
            devices=None if devices is None else tuple(UUID(str(one)) for one in devices),
            attempt=max(1, int(payload.get("attempt", 1))),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PermanentJobError(f"payload is no order of a push: {error!r}") from error


def compute_delay(
    attempt: int, retry_after: timedelta | None, *, delays: tuple[timedelta, ...] = DELAYS
) -> timedelta | None:
    """Return when to try again after attempt number `attempt`; None gives up."""
    if attempt > len(delays):
        return None
    delay = max(delays[attempt - 1], retry_after or timedelta())
    return delay if delay <= _LONGEST else None
