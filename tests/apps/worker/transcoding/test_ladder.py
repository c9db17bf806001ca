"""Which renditions a video gets, and how its progress is read."""

from __future__ import annotations

import pytest

from supmessenger_media.renditions.names import NAMES, VIDEO_TYPES
from supmessenger_worker.transcoding.convert import ProgressLines, compute_fitted, compute_percent
from supmessenger_worker.transcoding.ladder import LADDER, find_superfluous
from supmessenger_worker.transcoding.limits import TranscodingLimits
from supmessenger_worker.transcoding.probe import READERS, Video, judge_video, parse_video
from supmessenger_worker.transcoding.refusal import VideoRefusedError


def test_the_media_service_queues_what_the_worker_makes() -> None:
    assert tuple(rendition.name for rendition in LADDER) == NAMES
    assert frozenset(READERS) == VIDEO_TYPES


@pytest.mark.parametrize(
    ("width", "height", "superfluous"),
    [
        (320, 180, ("720p",)),
        (640, 360, ("720p",)),
        (360, 640, ("720p",)),
        (854, 480, ()),
        (1280, 720, ()),
        (2160, 3840, ()),
    ],
)
def test_a_rendition_that_would_repeat_a_smaller_one_is_left_out(
    width: int, height: int, superfluous: tuple[str, ...]
) -> None:
    assert find_superfluous(width=width, height=height) == superfluous


@pytest.mark.parametrize(
    ("told", "duration", "percent"),
    [
        ("0", 10.0, 0),
        ("5000000", 10.0, 50),
        ("10000000", 10.0, 99),
        ("99000000", 10.0, 99),
        ("-9223372036854775807", 10.0, 0),
        ("N/A", 10.0, 0),
        ("5000000", None, 0),
    ],
)
def test_percent_of_a_conversion(told: str, duration: float | None, percent: int) -> None:
    assert compute_percent(told, duration) == percent


async def test_progress_is_reported_now_and_then_only() -> None:
    reports: list[int] = []

    async def report(percent: int) -> None:
        reports.append(percent)

    lines = ProgressLines(10.0, report)
    for line in ("frame=1", "out_time_us=1000000", "out_time_us=2000000", "progress=continue"):
        await lines.take(line)
    assert reports == [10]


def test_a_picture_is_fitted_and_never_enlarged() -> None:
    assert compute_fitted(Video(1920, 1080, None), edge=720) == (1280, 720)
    assert compute_fitted(Video(100, 50, None), edge=720) == (100, 50)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"streams": [{"codec_type": "audio"}]}',
        '{"streams": [{"codec_type": "video", "width": 10, "height": 0}]}',
        '{"streams": [{"codec_type": "video", "width": 9, "height": 9,'
        ' "disposition": {"attached_pic": 1}}]}',
    ],
)
def test_what_tells_of_no_moving_picture_is_refused(text: str) -> None:
    with pytest.raises(VideoRefusedError):
        parse_video(text)


def test_a_picture_that_lies_on_its_side_is_measured_upright() -> None:
    video = parse_video(
        '{"streams": [{"codec_type": "video", "width": 1920, "height": 1080,'
        ' "side_data_list": [{"rotation": -90}]}], "format": {"duration": "N/A"}}'
    )
    assert video == Video(1080, 1920, None)


@pytest.mark.parametrize(
    ("video", "word"),
    [
        (Video(65535, 65535, 1.0), "larger"),
        (Video(9000, 16, 1.0), "larger"),
        (Video(640, 360, 86400.0), "longer"),
    ],
)
def test_more_than_the_limits_allow_is_refused_in_words(video: Video, word: str) -> None:
    with pytest.raises(VideoRefusedError, match=word):
        judge_video(video, TranscodingLimits())
