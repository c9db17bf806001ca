"""Objects on their way to clients that take their time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from supmessenger_common.bindings import read_object_storage
from supmessenger_common.errors import PlatformError
from supmessenger_common.objects import open_bucket
from supmessenger_media.files.ranges import ByteRange
from supmessenger_media.files.storage import MediaStorage

pytestmark = pytest.mark.services
_MIB = 1024 * 1024


async def test_a_client_may_take_longer_than_one_request_to_the_store(
    object_storage_binding: Path, bindings_folder: Path
) -> None:
    binding = read_object_storage(bindings_folder)
    content = bytes(range(256)) * (16 * _MIB // 256)
    await MediaStorage(open_bucket(binding, "media")).put("files/large", content)
    # A machine with other work may need a while for one request; all of them take twice this.
    storage = MediaStorage(open_bucket(binding, "media", timeout=timedelta(seconds=1.5)))

    read = bytearray()
    async for chunk in await storage.open_reader("files/large", ByteRange(3, len(content) - 5)):
        read += chunk
        # More than the buffers of a connection hold is still to come.
        await asyncio.sleep(0.2)

    assert read == content[3:-5]


async def test_an_object_that_is_gone_is_told_before_the_first_byte(
    object_storage_binding: Path, bindings_folder: Path
) -> None:
    storage = MediaStorage(open_bucket(read_object_storage(bindings_folder), "media"))
    with pytest.raises(PlatformError) as refused:
        await storage.open_reader("files/gone", ByteRange(0, 10))
    assert refused.value.status == 503
