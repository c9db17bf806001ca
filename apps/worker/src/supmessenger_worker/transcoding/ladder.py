"""Which renditions there are and how ffmpeg is asked for them."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

POSTER: Final = "poster"
THUMBNAIL_FILE: Final = "thumbnail.webp"
_POSTER_EDGE: Final = 720
_THUMBNAIL_EDGE: Final = 320
# Where the poster is taken: the very first frame is black too often.
_POSTER_SECOND: Final = 1.0
_MOST_FRAMES: Final = "30"


@dataclass(frozen=True, slots=True)
class Rendition:
    """One version of a video; `edge` is the most pixels of the shorter side."""

    name: str
    content_type: Literal["image/webp", "video/mp4"]
    edge: int
    video_rate: str = ""
    audio_rate: str = ""

    @property
    def file_name(self) -> str:
        """What it is called while it is made."""
        return f"{self.name}.webp" if self.name == POSTER else f"{self.name}.mp4"


# In the order in which they are made: what people see first comes first.
LADDER: Final = (
    Rendition(POSTER, "image/webp", _POSTER_EDGE),
    Rendition("360p", "video/mp4", 360, "800k", "96k"),
    Rendition("720p", "video/mp4", 720, "2500k", "128k"),
)
BY_NAME: Final = {rendition.name: rendition for rendition in LADDER}


def find_superfluous(*, width: int, height: int) -> tuple[str, ...]:
    """Return the renditions that would only repeat a smaller one, as nothing is enlarged."""
    shorter = min(width, height)
    videos = [rendition for rendition in LADDER if rendition.name != POSTER]
    return tuple(larger.name for smaller, larger in pairwise(videos) if shorter <= smaller.edge)


def build_poster_output(folder: Path) -> tuple[str, ...]:
    """Return ffmpeg's output arguments for the poster and the thumbnail beside it."""
    return (
        *("-map", "0:v:0", "-frames:v", "1", "-vf", _build_scale(_POSTER_EDGE)),
        *_WEBP,
        str(folder / BY_NAME[POSTER].file_name),
        *("-map", "0:v:0", "-frames:v", "1", "-vf", _build_box(_THUMBNAIL_EDGE)),
        *_WEBP,
        str(folder / THUMBNAIL_FILE),
    )


def compute_poster_second(duration: float | None) -> float:
    """Return where to look for the poster, in seconds from the beginning."""
    return 0.0 if duration is None else min(_POSTER_SECOND, duration / 3)


def build_video_output(rendition: Rendition, folder: Path, *, seconds: float) -> tuple[str, ...]:
    """Return ffmpeg's output arguments for H.264 and AAC in MP4, ready to be streamed."""
    return (
        *("-map", "0:v:0", "-map", "0:a:0?", "-sn", "-dn"),
        *("-map_metadata", "-1", "-map_chapters", "-1"),
        # Whatever length the file told: no more than this is converted.
        *("-t", f"{seconds:g}"),
        *("-vf", _build_scale(rendition.edge), "-fpsmax", _MOST_FRAMES),
        *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p"),
        *("-crf", "23", "-maxrate", rendition.video_rate, "-bufsize", rendition.video_rate),
        *("-threads", "1"),
        *("-c:a", "aac", "-b:a", rendition.audio_rate, "-ac", "2"),
        *("-movflags", "+faststart", "-f", "mp4"),
        str(folder / rendition.file_name),
    )


_WEBP: Final = ("-map_metadata", "-1", "-c:v", "libwebp", "-quality", "80", "-f", "webp")


def _build_scale(edge: int) -> str:
    # The shorter side gets at most `edge` pixels, both an even number, as the format wants.
    fitted = f"min({edge},trunc(%s/2)*2)"
    width = f"if(gt(iw,ih),-2,{fitted % 'iw'})"
    height = f"if(gt(iw,ih),{fitted % 'ih'},-2)"
    return f"scale=w='{width}':h='{height}',setsar=1"


def _build_box(edge: int) -> str:
    return f"scale=w='min({edge},iw)':h='min({edge},ih)':force_original_aspect_ratio=decrease"
