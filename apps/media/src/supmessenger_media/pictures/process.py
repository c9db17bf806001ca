"""The process that opens one untrusted picture: limits itself first, answers on stdout, ends.

It is given no secret, no network address and no name of the client; a picture that breaks the
decoder breaks only this process. Its arguments are the task, the source, the result, the most
pixels, the address space in bytes and the seconds of processor time.
"""

import json
import os
import resource
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyvips

THUMBNAIL_EDGE: Final = 320
AVATAR_EDGE: Final = 1024
_LOADERS: Final = {
    "jpegload": "image/jpeg",
    "pngload": "image/png",
    "webpload": "image/webp",
    "gifload": "image/gif",
}


def main(arguments: list[str]) -> int:
    """Do one task and print its answer as one line of JSON; exit code 0 when it was decided."""
    task, source, result, pixels, address_space, seconds = arguments
    _limit_self(address_space=int(address_space), seconds=int(seconds))
    # After the limits: libvips reads these when it loads.
    os.environ["VIPS_CONCURRENCY"] = "1"
    os.environ["VIPS_BLOCK_UNTRUSTED"] = "1"
    import pyvips

    pyvips.cache_set_max(0)
    try:
        answer = _do(task, source, result, pixels=int(pixels))
    except pyvips.Error as error:
        answer = {"refused": "unreadable", "detail": str(error)[:500]}
    print(json.dumps(answer))
    return 0


def _limit_self(*, address_space: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024 * 1024, 64 * 1024 * 1024))


def _do(task: str, source: str, result: str, *, pixels: int) -> dict[str, Any]:
    import pyvips

    # Reads the header only; pixels are decoded when something is written.
    header = pyvips.Image.new_from_file(source, access="sequential")
    content_type = _LOADERS.get(str(header.get("vips-loader")).removesuffix("_source"))
    if content_type is None:
        return {"refused": "unknown_format"}
    if header.width * header.height > pixels:
        return {"refused": "too_many_pixels"}
    if task == "thumbnail":
        _shrink(source, THUMBNAIL_EDGE).webpsave(result, Q=80, keep="none")
        width, height = _compute_upright_size(header)
        return {"width": width, "height": height, "content_type": "image/webp"}
    picture = _shrink(source, AVATAR_EDGE)
    stored_type = _write_avatar(picture, result, content_type)
    return {"width": picture.width, "height": picture.height, "content_type": stored_type}


def _shrink(source: str, edge: int) -> "pyvips.Image":
    import pyvips

    # Turns the picture upright by its EXIF orientation and converts to sRGB on the way.
    return pyvips.Image.thumbnail(
        source, edge, height=edge, size="down", output_profile="srgb", fail_on="truncated"
    )


def _write_avatar(picture: "pyvips.Image", result: str, content_type: str) -> str:
    if content_type == "image/jpeg":
        picture.jpegsave(result, Q=88, keep="none")
    elif content_type == "image/webp":
        picture.webpsave(result, Q=88, keep="none")
    else:
        # A moving GIF becomes its first frame.
        picture.pngsave(result, keep="none")
        return "image/png"
    return content_type


def _compute_upright_size(header: "pyvips.Image") -> tuple[int, int]:
    sideways = header.get_typeof("orientation") and header.get("orientation") >= 5
    width, height = header.width, header.height
    return (height, width) if sideways else (width, height)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
