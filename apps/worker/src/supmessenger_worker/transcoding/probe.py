"""What a video is, as ffprobe tells it from the file's headers, and whether we take it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from supmessenger_worker.transcoding.limits import TranscodingLimits
from supmessenger_worker.transcoding.refusal import VideoRefusedError
from supmessenger_worker.transcoding.runner import run_limited

# Which reader opens a file is decided by what the upload's first bytes were: no guessing, so a
# playlist or a script of another format is never read as one.
READERS: Final = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}
_CODECS: Final = (
    "h264,hevc,vp8,vp9,av1,libdav1d,mpeg4,h263,mjpeg,"
    "aac,mp3,mp3float,opus,vorbis,flac,alac,ac3,eac3,amrnb,amrwb,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_f32le,pcm_mulaw,pcm_alaw"
)
UNREADABLE: Final = "the file is not a video that this server can read"


class _SideData(msgspec.Struct):
    rotation: float = 0


class _Stream(msgspec.Struct):
    codec_type: str = ""
    width: int = 0
    height: int = 0
    disposition: dict[str, int] = {}
    side_data_list: list[_SideData] = []

    @property
    def is_sideways(self) -> bool:
        """Whether players turn the picture by a quarter."""
        return any(round(data.rotation / 90) % 2 for data in self.side_data_list)


class _Format(msgspec.Struct):
    duration: str = ""


class _Told(msgspec.Struct):
    streams: list[_Stream] = []
    format: _Format = msgspec.field(default_factory=_Format)


@dataclass(frozen=True, slots=True)
class Video:
    """The picture's upright size, and the length in seconds where the file tells it."""

    width: int
    height: int
    duration: float | None


def build_input(source: Path, *, reader: str, limits: TranscodingLimits) -> tuple[str, ...]:
    """Return the arguments that let ffmpeg and ffprobe open this file and nothing else."""
    return (
        *("-protocol_whitelist", "file"),
        *("-format_whitelist", _FORMATS[reader]),
        *("-codec_whitelist", _CODECS),
        *("-max_pixels", str(limits.pixels)),
        *("-max_streams", str(limits.streams)),
        *("-f", reader),
        *("-i", f"file:{source}"),
    )


# The whole names of the two readers, as the library compares them.
_FORMATS: Final = {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}


async def probe_video(source: Path, *, content_type: str, limits: TranscodingLimits) -> Video:
    """Ask ffprobe; raises VideoRefusedError for what is no video or too much of one."""
    reader = READERS.get(content_type)
    if reader is None:
        raise VideoRefusedError(f"videos of the type {content_type} are not converted")
    lines: list[str] = []

    async def take_line(line: str) -> None:
        lines.append(line)

    entries = (
        "format=duration:stream=codec_type,width,height"
        ":stream_disposition=attached_pic:stream_side_data=rotation"
    )
    ended = await run_limited(
        (
            *("ffprobe", "-v", "error", "-print_format", "json", "-show_entries", entries),
            *build_input(source, reader=reader, limits=limits),
        ),
        reads=source,
        seconds=limits.probe_seconds,
        limits=limits,
        take_line=take_line,
    )
    if ended.code != 0:
        raise VideoRefusedError(UNREADABLE)
    return judge_video(parse_video("\n".join(lines)), limits)


def parse_video(text: str) -> Video:
    """Read ffprobe's JSON; raises VideoRefusedError when it tells of no moving picture."""
    try:
        told = msgspec.json.decode(text.encode(), type=_Told)
    except msgspec.DecodeError:
        raise VideoRefusedError(UNREADABLE) from None
    for stream in told.streams:
        is_cover = bool(stream.disposition.get("attached_pic"))
        if stream.codec_type == "video" and not is_cover and stream.width and stream.height:
            size = (stream.width, stream.height)
            width, height = reversed(size) if stream.is_sideways else size
            return Video(width, height, _parse_seconds(told.format.duration))
    raise VideoRefusedError("the file holds no moving picture")


def judge_video(video: Video, limits: TranscodingLimits) -> Video:
    """Return the video; raises VideoRefusedError when it is more than the limits allow."""
    if video.width * video.height > limits.pixels or max(video.width, video.height) > limits.edge:
        raise VideoRefusedError(
            f"the picture of {video.width} × {video.height} is larger than this server converts"
            f" (at most {limits.pixels} pixels)"
        )
    if video.duration is not None and video.duration > limits.duration_seconds:
        raise VideoRefusedError(
            f"the video is longer than this server converts ({limits.duration_seconds:g} s)"
        )
    return video


def _parse_seconds(text: str) -> float | None:
    """Return a length; recordings of browsers tell none."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
