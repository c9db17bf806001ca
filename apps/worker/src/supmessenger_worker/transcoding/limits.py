"""How much one video may cost."""

from dataclasses import dataclass, replace
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
# Limit and usage of the container: cgroup v2, and v1 on older nodes.
_FILES = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)
_MIB = 1024 * 1024
# Address space of ffmpeg with its libraries loaded, before it opens a video (measured).
_ADDRESS_SPACE_AT_REST = 256 * _MIB
# Decoding 4K and encoding 720p takes 165 MiB of memory in 600 MiB of address space (measured).
_MOST_MEMORY = 512 * _MIB
_LEAST_MEMORY = 64 * _MIB


@dataclass(frozen=True, slots=True)
class TranscodingLimits:
    """Bounds of the work on one video."""

    source_bytes: int = 512 * _MIB
    duration_seconds: float = 1800.0
    # A little more than 4K (4096 × 2160).
    pixels: int = 4096 * 2304
    edge: int = 8192
    streams: int = 32
    probe_seconds: float = 20.0
    # One conversion. RabbitMQ takes a job away that is not settled after 30 minutes.
    convert_seconds: float = 18 * 60.0
    memory_bytes: int = _MOST_MEMORY

    @property
    def address_space(self) -> int:
        """RLIMIT_AS of a sandbox, in bytes."""
        return _ADDRESS_SPACE_AT_REST + self.memory_bytes


def gather_transcoding_limits(
    limits: TranscodingLimits, *, processes: int, cgroups: Path = _CGROUPS
) -> TranscodingLimits:
    """Return the limits with the memory that `processes` conversions at once may take."""
    for limit_file, usage_file in _FILES:
        limit, usage = _read_bytes(cgroups / limit_file), _read_bytes(cgroups / usage_file)
        if limit is not None and usage is not None:
            memory = compute_memory(limit=limit, usage=usage, processes=processes)
            return replace(limits, memory_bytes=memory)
    return limits


def compute_memory(*, limit: int, usage: int, processes: int) -> int:
    """Return the bytes one conversion may take so that all together never fill the container.

    A quarter of what is free is left to the worker itself.
    """
    share = max(0, limit - usage) * 3 // 4 // processes
    return min(_MOST_MEMORY, max(_LEAST_MEMORY, share))


def _read_bytes(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    # Version 2 says `max` for no limit, version 1 a number that no machine has.
    return int(text) if text.isdigit() else None
