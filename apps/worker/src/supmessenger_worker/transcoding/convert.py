"""One conversion: from a source to the files of a rendition, with progress."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from supmessenger_common.log import get_logger
from supmessenger_worker.transcoding.ladder import (
    POSTER,
    Rendition,
    build_poster_output,
    build_video_output,
    compute_poster_second,
)
from supmessenger_worker.transcoding.limits import TranscodingLimits
from supmessenger_worker.transcoding.probe import (
    READERS,
    UNREADABLE,
    Video,
    build_input,
    probe_video,
)
from supmessenger_worker.transcoding.refusal import VideoRefusedError
from supmessenger_worker.transcoding.runner import OutOfTimeError, run_limited

# A row is written no more often than this, and no less often while something happens.
REPORT_SECONDS: Final = 2.0
_FFMPEG: Final = ("ffmpeg", "-nostdin", "-y", "-v", "error", "-threads", "1")
# Players are told the length of the source; ours may differ by a frame or two.
_SPARE_SECONDS: Final = 1.0
# What ffmpeg may write to; the source is not in it.
_MADE: Final = "made"
TOO_SLOW: Final = "the conversion took longer than this server allows"
_log = get_logger("convert")
Report = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Source:
    """A video on disk that was looked at."""

    path: Path
    content_type: str
    video: Video


@dataclass(frozen=True, slots=True)
class Converted:
    """A finished rendition and its size in pixels."""

    path: Path
    width: int
    height: int


async def open_source(path: Path, *, content_type: str, limits: TranscodingLimits) -> Source:
    """Look at a file; raises VideoRefusedError."""
    try:
        return Source(
            path, content_type, await probe_video(path, content_type=content_type, limits=limits)
        )
    except OutOfTimeError:
        raise VideoRefusedError(UNREADABLE) from None


async def convert(
    source: Source, rendition: Rendition, *, limits: TranscodingLimits, report: Report
) -> Converted:
    """Make a rendition in a folder beside the source; `report` gets whole percents below 100.

    Raises VideoRefusedError, and whatever `report` raises.
    """
    folder, duration = source.path.parent / _MADE, source.video.duration
    folder.mkdir(exist_ok=True)
    seek: tuple[str, ...] = ()
    if rendition.name == POSTER:
        seek = ("-ss", f"{compute_poster_second(duration):g}")
        output = build_poster_output(folder)
    else:
        seconds = limits.duration_seconds + _SPARE_SECONDS
        output = build_video_output(rendition, folder, seconds=seconds)
    reader = READERS[source.content_type]
    try:
        ended = await run_limited(
            (
                *_FFMPEG,
                *("-progress", "pipe:1", "-stats_period", "1"),
                *seek,
                *build_input(source.path, reader=reader, limits=limits),
                *output,
            ),
            reads=source.path,
            writes=folder,
            seconds=limits.convert_seconds,
            limits=limits,
            take_line=ProgressLines(duration, report).take,
        )
    except OutOfTimeError:
        raise VideoRefusedError(TOO_SLOW) from None
    made = folder / rendition.file_name
    if ended.code != 0 or not made.is_file() or not made.stat().st_size:
        _log.info("not converted", code=ended.code, complaint=ended.complaint[-500:])
        raise VideoRefusedError("the video is damaged, or too much for this server")
    return await _measure(made, rendition, source=source, limits=limits)


async def _measure(
    made: Path, rendition: Rendition, *, source: Source, limits: TranscodingLimits
) -> Converted:
    """Look at what was made as a player would: half a video must not pass for a whole one."""
    if rendition.name == POSTER:
        width, height = compute_fitted(source.video, edge=rendition.edge)
        return Converted(made, width, height)
    video = await probe_video(made, content_type=rendition.content_type, limits=limits)
    if video.duration is None or video.duration > limits.duration_seconds:
        raise VideoRefusedError(
            f"the video is longer than this server converts ({limits.duration_seconds:g} s)"
        )
    told = source.video.duration
    if told is not None and video.duration < told * 0.9 - _SPARE_SECONDS:
        raise VideoRefusedError("the video ends too early: the file is not complete")
    return Converted(made, video.width, video.height)


class ProgressLines:
    """Reads the lines of ffmpeg's `-progress` and reports percents now and then."""

    def __init__(self, duration: float | None, report: Report) -> None:
        """Without a length there is no percent; the report is made all the same."""
        self._duration = duration
        self._report = report
        self._reported = float("-inf")

    async def take(self, line: str) -> None:
        """Take one line such as `out_time_us=1500000`."""
        key, _, value = line.partition("=")
        if key != "out_time_us" or time.monotonic() - self._reported < REPORT_SECONDS:
            return
        self._reported = time.monotonic()
        await self._report(compute_percent(value, self._duration))


def compute_percent(microseconds: str, duration: float | None) -> int:
    """Return how much of the video is converted, 0 to 99."""
    if duration is None or not microseconds.isdigit():
        return 0
    return max(0, min(99, int(int(microseconds) / 10_000 / duration)))


def compute_fitted(video: Video, *, edge: int) -> tuple[int, int]:
    """Return a picture's size after its shorter side was fitted into `edge`."""
    share = min(1.0, edge / min(video.width, video.height))
    return max(1, round(video.width * share)), max(1, round(video.height * share))
