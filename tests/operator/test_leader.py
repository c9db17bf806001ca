"""Leader election on the fake cluster, with time that passes when told to."""

import asyncio

import pytest
from support.fake_cluster import FakeCluster
from support.waiting import wait_until

from supmessenger_operator import leader
from supmessenger_operator.leader import LEASE_SECONDS, Elector, LeaseLost


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "RETRY_SECONDS", 0.001)


def make_elector(cluster: FakeCluster, identity: str, clock: Clock) -> Elector:
    return Elector(
        cluster, namespace="sup-system", name="lease", identity=identity, monotonic=clock
    )


def holder(cluster: FakeCluster) -> str:
    return str(cluster.objects[("Lease", "sup-system", "lease")]["spec"]["holderIdentity"])


async def test_the_first_takes_the_lease_and_the_second_waits() -> None:
    cluster, clock = FakeCluster(), Clock()
    first, second = make_elector(cluster, "a", clock), make_elector(cluster, "b", clock)
    await first.acquire()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await second.acquire()

    assert first.is_leading
    assert not second.is_leading
    assert holder(cluster) == "a"


async def test_a_lease_that_is_not_renewed_is_taken_over() -> None:
    cluster, clock = FakeCluster(), Clock()
    await make_elector(cluster, "a", clock).acquire()
    second = make_elector(cluster, "b", clock)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await second.acquire()

    clock.now += LEASE_SECONDS + 1
    await second.acquire()

    assert holder(cluster) == "b"


async def test_a_lease_that_is_given_back_is_taken_at_once() -> None:
    cluster, clock = FakeCluster(), Clock()
    first, second = make_elector(cluster, "a", clock), make_elector(cluster, "b", clock)
    await first.acquire()
    await first.release()

    async with asyncio.timeout(1):
        await second.acquire()

    assert holder(cluster) == "b"
    assert not first.is_leading


async def test_a_leader_that_can_not_renew_stops_before_the_lease_runs_out() -> None:
    cluster, clock = FakeCluster(), Clock()
    elector = make_elector(cluster, "a", clock)
    await elector.acquire()
    renewing = asyncio.create_task(elector.renew())
    cluster.is_down = True
    clock.now += leader.RENEW_DEADLINE_SECONDS

    with pytest.raises(LeaseLost):
        async with asyncio.timeout(5):
            await renewing

    assert not elector.is_leading
    assert leader.RENEW_DEADLINE_SECONDS < LEASE_SECONDS


async def test_a_leader_whose_lease_was_taken_stops() -> None:
    cluster, clock = FakeCluster(), Clock()
    elector = make_elector(cluster, "a", clock)
    await elector.acquire()
    renewing = asyncio.create_task(elector.renew())
    cluster.edit("Lease", "sup-system", "lease", spec={"holderIdentity": "b"})

    with pytest.raises(LeaseLost):
        async with asyncio.timeout(5):
            await renewing


async def test_a_leader_renews_while_all_is_well() -> None:
    cluster, clock = FakeCluster(), Clock()
    elector = make_elector(cluster, "a", clock)
    await elector.acquire()
    renewing = asyncio.create_task(elector.renew())
    before = len(cluster.writes)

    async def has_renewed() -> bool:
        return len(cluster.writes) >= before + 3

    await wait_until(has_renewed, what="three renewals")

    assert not renewing.done()
    renewing.cancel()
