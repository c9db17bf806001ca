"""What transcoding gives the worker: its limits, and room for the videos under way."""

import math
from collections.abc import Mapping

from supmessenger_operator.model import Messenger
from supmessenger_operator.model.scalars import parse_duration, parse_quantity

_MIB = 1024 * 1024
# What the worker needs without videos.
_REST_MIB = 256


def build_env(messenger: Messenger) -> Mapping[str, str]:
    """Return what the worker is told of videos."""
    wanted = messenger.spec.media.transcoding
    return {
        "SUP_TRANSCODING_CONCURRENCY": str(wanted.concurrency),
        "SUP_TRANSCODING_MAX_SOURCE_SIZE": str(int(parse_quantity(wanted.max_source_size))),
        "SUP_TRANSCODING_MAX_DURATION_SECONDS": f"{parse_duration(wanted.max_duration):g}",
    }


def compute_temporary_limit(messenger: Messenger) -> str:
    """Return how much the worker may keep in its temporary folder.

    Each conversion has its source there and one result, which may be no larger.
    """
    wanted = messenger.spec.media.transcoding
    if not wanted.enabled:
        return f"{_REST_MIB}Mi"
    source = math.ceil(parse_quantity(wanted.max_source_size) / _MIB)
    return f"{_REST_MIB + 2 * source * wanted.concurrency}Mi"
