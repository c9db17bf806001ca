"""Nobody takes all uploads of a process."""

from __future__ import annotations

from contextlib import ExitStack
from uuid import UUID

import pytest

from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import create_id
from supmessenger_media.files.slots import UploadSlots


def find_refusal(slots: UploadSlots, user: UUID) -> int | None:
    try:
        with slots.take(user):
            return None
    except PlatformError as error:
        return error.status


def test_a_user_has_some_slots_and_leaves_the_others_theirs() -> None:
    slots, ada, bob = UploadSlots(3, each=2), create_id(), create_id()
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(slots.take(ada))
        assert find_refusal(slots, ada) == 429
        assert find_refusal(slots, bob) is None
        held.enter_context(slots.take(bob))
        assert find_refusal(slots, create_id()) == 503
    assert find_refusal(slots, ada) is None


def test_an_upload_that_fails_gives_its_slot_back() -> None:
    slots, ada = UploadSlots(1), create_id()
    for _ in range(3):
        with pytest.raises(RuntimeError), slots.take(ada):
            raise RuntimeError
    assert find_refusal(slots, ada) is None
