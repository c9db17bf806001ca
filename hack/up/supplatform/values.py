"""The chart's values for the images that were built here."""

from typing import Any


def build_values(images: dict[str, str]) -> dict[str, Any]:
    """Build the values of charts/sup-operator from a map of image name to `ref@digest`."""
    repository, _, digest = images["operator"].partition("@")
    others = {
        name: ref for name, ref in sorted(images.items()) if name not in ("operator", "smtp-sink")
    }
    return {"image": {"repository": repository, "digest": digest}, "components": others}
