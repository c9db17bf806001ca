"""Small videos, made by ffmpeg while the tests run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

_QUIET = ("ffmpeg", "-nostdin", "-y", "-v", "error")


def make_video(
    path: Path,
    *,
    size: str = "320x180",
    seconds: float = 2,
    codec: tuple[str, ...] = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"),
    options: tuple[str, ...] = (),
    repeats: int = 0,
) -> bytes:
    """Write a test picture with a tone, shown once more for each repeat; returns the bytes."""
    subprocess.run(
        (
            *_QUIET,
            *("-f", "lavfi", "-i", f"testsrc=d={seconds}:s={size}:r=15"),
            *("-f", "lavfi", "-i", f"sine=d={seconds}"),
            *("-pix_fmt", "yuv420p", *codec, *options, str(path)),
        ),
        check=True,
        timeout=120,
    )
    if repeats:
        longer = path.with_name(f"longer-{path.name}")
        copy = ("-stream_loop", str(repeats), "-i", str(path), "-c", "copy", str(longer))
        subprocess.run((*_QUIET, *copy), check=True, timeout=120)
        return longer.read_bytes()
    return path.read_bytes()


def probe(content: bytes, folder: Path) -> dict[str, Any]:
    """Return what ffprobe tells of a file: `format` and `streams`."""
    path = folder / "probed"
    path.write_bytes(content)
    entries = ("-show_entries", "format=format_name,duration,nb_streams:stream")
    done = subprocess.run(
        ("ffprobe", "-v", "error", "-print_format", "json", *entries, str(path)),
        check=True,
        timeout=60,
        stdout=subprocess.PIPE,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def list_boxes(content: bytes) -> list[str]:
    """Return the names of an MP4's outermost boxes, in order."""
    names, position = [], 0
    while position + 8 <= len(content):
        length = int.from_bytes(content[position : position + 4])
        names.append(content[position + 4 : position + 8].decode("latin-1"))
        if length < 8:
            break
        position += length
    return names
