"""The chart's values for the images that were built here."""

from typing import Any

# Below a folder that only the node sees so, and that goes with it.
POSITIONS = "/var/lib/kubelet/sup-promtail"

# Of the tests' own, and no part of an instance.
STAND_INS = ("smtp-sink", "push-sink", "pebble")

# Parts whose images can't be made here: empty references make their status say so.
MISSING = ("grafana",)


def build_values(images: dict[str, str]) -> dict[str, Any]:
    """Build the values of charts/sup-operator from a map of image name to `ref@digest`."""
    reference, _, digest = images["operator"].partition("@")
    # Images that are loaded into a cluster have a tag; those of a registry have a digest.
    repository, colon, tag = (reference, "", "") if digest else reference.rpartition(":")
    others = {
        name: ref for name, ref in sorted(images.items()) if name not in ("operator", *STAND_INS)
    }
    return {
        "image": {"repository": repository, **({"tag": tag} if colon else {"digest": digest})},
        "components": {**dict.fromkeys(MISSING, ""), **others},
        "agents": {"promtail": {"positionsPath": POSITIONS}},
    }
