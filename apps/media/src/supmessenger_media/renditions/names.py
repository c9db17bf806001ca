"""Which uploads get renditions, and what they are called."""

from typing import Final, Protocol

# In the order in which the worker makes them; it drops those that would repeat a smaller one.
NAMES: Final = ("poster", "360p", "720p")
# What the worker opens. Other videos are files like any other.
VIDEO_TYPES: Final = frozenset({"video/mp4", "video/quicktime", "video/webm"})


class Uploaded(Protocol):
    """What decides whether a file is converted."""

    @property
    def content_type(self) -> str:
        """Media type found at upload."""

    @property
    def encrypted(self) -> bool:
        """Whether the bytes are opaque to the server."""


def compute_renditions(file: Uploaded) -> tuple[str, ...]:
    """Return the renditions to make of a file: none of what is encrypted or no video."""
    is_video = file.content_type in VIDEO_TYPES and not file.encrypted
    return NAMES if is_video else ()
