"""Which way media takes, as the connection's statistics tell it."""

import asyncio

from livekit.rtc._proto import stats_pb2

from livekit import rtc
from supmessenger_cli.calls.task import Route


async def find_route(room: rtc.Room, *, poll_seconds: float) -> Route:
    """Return the way of the selected pair of candidates, once there is one."""
    while True:
        stats = await room.get_rtc_stats()
        for side in (stats.publisher_stats, stats.subscriber_stats):
            route = parse_route(side)
            if route is not None:
                return route
        await asyncio.sleep(poll_seconds)


def parse_route(stats: list[stats_pb2.RtcStats]) -> Route | None:
    """Return the way that the statistics of one connection tell."""
    selected = {
        one.transport.transport.selected_candidate_pair_id
        for one in stats
        if one.HasField("transport")
    }
    for pair in stats:
        if pair.HasField("candidate_pair") and pair.candidate_pair.rtc.id in selected:
            ends = pair.candidate_pair.candidate_pair
            local = _find_candidate(stats, ends.local_candidate_id)
            remote = _find_candidate(stats, ends.remote_candidate_id)
            if local is not None and remote is not None:
                return Route(local=_name(local), remote=_name(remote), server=local.url)
    return None


def _find_candidate(
    stats: list[stats_pb2.RtcStats], number: str
) -> stats_pb2.IceCandidateStats | None:
    for one in stats:
        for kind in ("local_candidate", "remote_candidate"):
            if one.HasField(kind) and getattr(one, kind).rtc.id == number:
                found: stats_pb2.IceCandidateStats = getattr(one, kind).candidate
                return found
    return None


def _name(candidate: stats_pb2.IceCandidateStats) -> str:
    return stats_pb2.IceCandidateType.Name(candidate.candidate_type).lower()
