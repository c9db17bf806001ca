"""A thumbnail: what a picture costs in the process of its own that opens it."""

import resource
import tempfile
from pathlib import Path

import pyvips
from support.pictures import draw

from supbench.figures import Figure, build_ratio
from supbench.scenario import ROUNDS, Scenario
from supbench.stage import Stage
from supmessenger_media.pictures.limits import PictureLimits
from supmessenger_media.pictures.studio import PictureStudio, PictureTask

WIDTH, HEIGHT = 1632, 1224
PICTURES = 6  # in a round


async def measure(_: Stage) -> list[Figure]:
    """Shrink a 2-megapixel JPEG and a tiny one in turn: the second costs the process alone."""
    studio = PictureStudio(PictureLimits())
    large: list[float] = []
    tiny: list[float] = []
    with tempfile.TemporaryDirectory(prefix="sup-bench-") as name:
        folder = Path(name)
        sources = {
            folder / "large.jpg": (_draw_detailed(WIDTH, HEIGHT), large),
            folder / "tiny.jpg": (_draw_detailed(16, 16), tiny),
        }
        for source, (picture, _samples) in sources.items():
            picture.jpegsave(str(source), Q=88)
        for _round in range(ROUNDS):
            for source, (_picture, samples) in sources.items():
                before = _read_cpu_of_children()
                for _number in range(PICTURES):
                    result = folder / "result.webp"
                    await studio.make(PictureTask.THUMBNAIL, source=source, result=result)
                samples.append((_read_cpu_of_children() - before) / PICTURES)
    whole = Figure(name="one thumbnail", unit="CPU-ms/picture", samples=_to_milliseconds(large))
    start = Figure(name="its process alone", unit="CPU-ms/picture", samples=_to_milliseconds(tiny))
    rate = tuple(1 / seconds for seconds in large)
    return [
        Figure(name="thumbnails of 2 megapixels", unit="pictures/CPU-s", samples=rate),
        whole,
        start,
        build_ratio("share of the process", start, whole, unit="of the whole"),
    ]


def _draw_detailed(width: int, height: int) -> pyvips.Image:
    """Return a picture with grain: a plain one would be decoded faster than any photograph."""
    grain = pyvips.Image.gaussnoise(width, height, sigma=12, mean=0)
    return (draw(width, height) + grain).cast("uchar").copy(interpretation="srgb")


def _read_cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _to_milliseconds(samples: list[float]) -> tuple[float, ...]:
    return tuple(value * 1000 for value in samples)


SCENARIO = Scenario(
    name="thumbnail",
    method=f"`PictureStudio` makes a WebP of at most 320 px of a grainy {WIDTH}×{HEIGHT} JPEG,"
    " each in a new process under limits. A JPEG of 16×16 shows what the process itself costs."
    " Processor time is that of the ended processes.",
    measure=measure,
)
