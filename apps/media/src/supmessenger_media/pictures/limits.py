"""How much one picture may cost."""

from dataclasses import dataclass, replace
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
# Limit and usage of the container: cgroup v2, and v1 on older nodes.
_FILES = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)
_MIB = 1024 * 1024
# Address space of the interpreter with libvips loaded before it opens a picture (measured; about
# 30 MiB of it are resident).
_ADDRESS_SPACE_AT_REST = 112 * _MIB
# A progressive JPEG of 32 million pixels takes this much (measured).
_MOST_MEMORY = 320 * _MIB
_LEAST_MEMORY = 32 * _MIB


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Bounds of the work on one picture."""

    pixels: int = 32_000_000
    source_bytes: int = 32 * _MIB
    seconds: float = 10.0
    processes: int = 2
    memory_bytes: int = _MOST_MEMORY

    @property
    def address_space(self) -> int:
        """RLIMIT_AS of a picture process, in bytes."""
        return _ADDRESS_SPACE_AT_REST + self.memory_bytes


def compute_picture_memory(*, limit: int, usage: int, processes: int) -> int:
    """Return the bytes one picture may take so that all together never fill the container.

    Half of what is free now is left to the service itself.
    """
    share = max(0, limit - usage) // 2 // processes
    return min(_MOST_MEMORY, max(_LEAST_MEMORY, share))


def gather_picture_limits(cgroups: Path = _CGROUPS) -> PictureLimits:
    """Read the container's memory limit and return the bounds that fit it."""
    defaults = PictureLimits()
    for limit_file, usage_file in _FILES:
        limit, usage = _read_bytes(cgroups / limit_file), _read_bytes(cgroups / usage_file)
        if limit is not None and usage is not None:
            memory = compute_picture_memory(limit=limit, usage=usage, processes=defaults.processes)
            return replace(defaults, memory_bytes=memory)
    return defaults


def _read_bytes(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    # Version 2 says `max` for no limit, version 1 a number that no machine has.
    return int(text) if text.isdigit() else None
