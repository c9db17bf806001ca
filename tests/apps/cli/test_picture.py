"""The smoke picture is a picture."""

import pyvips

from supmessenger_cli.picture import build_png


def test_the_picture_decodes_to_the_asked_size() -> None:
    image = pyvips.Image.new_from_buffer(build_png(width=64, height=48), "")
    assert (image.width, image.height, image.bands) == (64, 48, 3)
