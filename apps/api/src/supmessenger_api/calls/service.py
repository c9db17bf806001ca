"""Starts, joins, declines, ends and shows calls."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from supmessenger_api.calls import repository
from supmessenger_api.calls.admission import Doorman
from supmessenger_api.calls.schemas import Admission, Calls, NewCall, Participant
from supmessenger_api.calls.schemas import Call as CallShown
from supmessenger_common.auth import Principal, build_token_error
from supmessenger_common.calls.events import build_call_event
from supmessenger_common.calls.model import Call
from supmessenger_common.calls.rooms import Rooms
from supmessenger_common.calls.store import end_call, find_call
from supmessenger_common.calls.welcome import fetch_unwelcome
from supmessenger_common.database import Pool
from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import create_id
from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.messages.store import build_blocked, build_not_a_member

logger = get_logger("calls")


@dataclass(frozen=True)
class Studio:
    """What an instance that offers calls has: the media server and the keys to its rooms."""

    rooms: Rooms
    doorman: Doorman


@dataclass(frozen=True)
class CallService:
    """Calls of the caller's chats; `studio` is None where the instance offers none."""

    pool: Pool
    publisher: Publisher
    studio: Studio | None

    async def start(
        self, principal: Principal, chat_id: UUID, new: NewCall, *, now: datetime
    ) -> tuple[CallShown, bool]:
        """Return the call that is on in a chat, and whether it is new.

        Raises 404 `calls_unavailable`, 403 `not_a_member`, `not_allowed` or `blocked`,
        503 `calls_unreachable`.
        """
        studio = self._require_studio()
        standing = await self._require_standing(principal, chat_id)
        if not standing.may_call:
            raise PlatformError(403, "not_allowed", "Only its administrators call in a channel.")
        if standing.blocked:
            raise build_blocked()
        found = await repository.find_open(self.pool, chat_id)
        if found is not None:
            return build_shown(found), False
        wanted = repository.NewCall(
            id=create_id(),
            chat_id=chat_id,
            initiator_id=principal.user_id,
            kind=new.kind,
            started_at=now,
        )
        # Before the row: a call whose room is not there would be taken for one that ended.
        await studio.rooms.ensure(wanted.room)
        call, created = await repository.insert_call(self.pool, wanted)
        if created:
            await self._announce(call)
        else:
            await self._remove_room(wanted.room)
        return build_shown(call), created

    async def list_calls(
        self, principal: Principal, chat_id: UUID, *, before: UUID | None, limit: int
    ) -> Calls:
        """Return a page of a chat's calls; raises 403 `not_a_member`."""
        await self._require_standing(principal, chat_id)
        found = await repository.fetch_history(
            self.pool, chat_id, user_id=principal.user_id, before=before, limit=limit + 1
        )
        page = [build_shown(call) for call in found[:limit]]
        return Calls(calls=page, next_cursor=page[-1].id if len(found) > limit else None)

    async def get(self, principal: Principal, call_id: UUID) -> CallShown:
        """Return a call; raises 404 `call_unknown`."""
        return build_shown(await self._require_call(principal, call_id))

    async def join(self, principal: Principal, call_id: UUID, *, now: datetime) -> Admission:
        """Return what the caller's device needs to join.

        Raises 404 `calls_unavailable` or `call_unknown`, 409 `call_over`, 403 `blocked`,
        401 `session_revoked`, 503 `calls_unreachable`.
        """
        studio = self._require_studio()
        call = await self._require_call(principal, call_id)
        if not call.is_open:
            raise PlatformError(409, "call_over", "This call is over; start another.")
        if (await self._require_standing(principal, call.chat_id)).blocked:
            raise build_blocked()
        # A media server that was started anew knows no rooms, and one that is away is told here.
        await studio.rooms.ensure(call.room)
        # Asked last, and of the database: an access token seen before outlives what took its
        # session or account away unless Redis was told, and a call is no place to be then.
        if await fetch_unwelcome(self.pool, call.room, [principal.device_id]):
            raise build_token_error("session_revoked")
        return studio.doorman.admit(call, principal.device_id, now=now)

    async def decline(self, principal: Principal, call_id: UUID, *, now: datetime) -> CallShown:
        """Say no to a call; it is over when nobody is left for whom it rings.

        Raises 404 `call_unknown`, 409 `own_call`.
        """
        call = await self._require_call(principal, call_id)
        if call.initiator_id == principal.user_id:
            raise PlatformError(409, "own_call", "You started this call; end it instead.")
        if call.status != "ringing":
            return build_shown(call)
        if await repository.note_declined(self.pool, call_id, user_id=principal.user_id):
            return await self._close(call, now=now, declined=True)
        return build_shown(call)

    async def end(self, principal: Principal, call_id: UUID, *, now: datetime) -> CallShown:
        """End a call for everybody; one that nobody answered is missed.

        Raises 404 `call_unknown`, 403 `not_allowed`.
        """
        call = await self._require_call(principal, call_id)
        standing = await self._require_standing(principal, call.chat_id)
        if not standing.may_end and call.initiator_id != principal.user_id:
            raise PlatformError(
                403, "not_allowed", "Only who started it and administrators end a group's call."
            )
        return await self._close(call, now=now)

    async def _close(self, call: Call, *, now: datetime, declined: bool = False) -> CallShown:
        closed = await end_call(self.pool, call.room, now=now, declined=declined)
        if closed is not None:
            await self._announce(closed)
            await self._remove_room(call.room)
        shown = closed or await find_call(self.pool, call.id)
        return build_shown(shown or call)

    async def _announce(self, call: Call) -> None:
        await self.publisher.publish_chat(call.chat_id, build_call_event(call))

    async def _remove_room(self, room: str) -> None:
        if self.studio is None:
            return
        try:
            await self.studio.rooms.remove(room)
        except PlatformError as error:
            # The call is over all the same; the worker removes rooms that outlive theirs.
            logger.warning("room not removed", room=room, error=str(error))

    def _require_studio(self) -> Studio:
        if self.studio is None:
            raise build_calls_unavailable()
        return self.studio

    async def _require_standing(self, principal: Principal, chat_id: UUID) -> repository.Standing:
        standing = await repository.find_standing(self.pool, chat_id, user_id=principal.user_id)
        if standing is None:
            raise build_not_a_member()
        return standing

    async def _require_call(self, principal: Principal, call_id: UUID) -> Call:
        call = await repository.find_own_call(self.pool, call_id, user_id=principal.user_id)
        if call is None:
            raise PlatformError(404, "call_unknown", "There is no such call in your chats.")
        return call


def build_calls_unavailable() -> PlatformError:
    """Return the answer of an instance without calls."""
    return PlatformError(404, "calls_unavailable", "This server offers no calls.")


def build_shown(call: Call) -> CallShown:
    """Return a call as the wire shows it."""
    return CallShown(
        id=call.id,
        chat_id=call.chat_id,
        kind=call.kind,
        status=call.status,
        initiator_id=call.initiator_id,
        started_at=call.started_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        participants=[
            Participant(
                user_id=stay.user_id,
                device_id=stay.device_id,
                joined_at=stay.joined_at,
                left_at=stay.left_at,
            )
            for stay in call.stays
        ],
    )
