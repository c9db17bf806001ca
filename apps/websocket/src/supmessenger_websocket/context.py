"""What handlers work with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from supmessenger_common.auth import AccessTokens
from supmessenger_common.database import Pool
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.messages.trails import NO_TRAILS, Trails
from supmessenger_common.sessions import SessionGuard
from supmessenger_websocket.device_presence import DeviceAttendance
from supmessenger_websocket.hub import Hub
from supmessenger_websocket.limits import Limits
from supmessenger_websocket.people import People
from supmessenger_websocket.presence import Attendance
from supmessenger_websocket.watching import WatchList


@dataclass(frozen=True)
class Context:
    """The parts of one process."""

    pool: Pool
    tokens: AccessTokens
    sessions: SessionGuard
    publisher: Publisher
    people: People
    hub: Hub
    attendance: Attendance
    devices: DeviceAttendance
    watching: WatchList
    limits: Limits
    read_clock: Callable[[], datetime]
    trails: Trails = NO_TRAILS
