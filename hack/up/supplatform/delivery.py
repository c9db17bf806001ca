"""How images come to the cluster."""

import json
import os
from collections.abc import Sequence

from supnode.providers.border import CURRENT, KIND, NATIVE
from supnode.providers.current import choose_registry
from supnode.steps import Steps
from supplatform.tools import Tools

SERVICES = ("api", "websocket", "media", "worker")
# What a sample without calls, monitoring and logs runs.
CORE_IMAGES = (
    *("postgres", "redis", "rabbitmq", "nginx", "minio"),
    *("smtp-sink", "push-sink", "operator"),
    *SERVICES,
)
# On a cluster that is not made by us: no address of a load balancer, and nothing large.
CORE_SPEC = {
    "exposure": {"type": "ClusterIP"},
    "livekit": {"enabled": False},
    "monitoring": {"enabled": False},
}


def read_images(tools: Tools) -> dict[str, str]:
    """Return the images that were delivered: name → reference."""
    path = tools.images_folder / "images.json"
    images: dict[str, str] = json.loads(path.read_text())
    return images


def choose_images(provider: str, names: Sequence[str]) -> list[str]:
    """Return which of these images the cluster's sample needs; a native node has them all."""
    return [name for name in names if provider == NATIVE or name in CORE_IMAGES]


def deliver_images(tools: Tools, steps: Steps, *, programs: Sequence[str]) -> dict[str, str]:
    """Build what is missing and bring it where the cluster's nodes find it."""
    wanted = programs if tools.provider == NATIVE else ("minio",)
    with steps.step("helm and the programs of images built"):
        tools.stream("node", "tools", "helm", *wanted)
    if tools.provider == KIND:
        with steps.step("images into the kind cluster"):
            _load(tools)
    elif tools.provider == CURRENT:
        registry = choose_registry(os.environ)
        where = ("--registry", registry, "--state", str(tools.images_folder))
        with steps.step(f"images to {registry}"):
            tools.stream("images", "build", *where, *CORE_IMAGES)
    else:
        with steps.step("images to the registry"):
            tools.stream("images", "build")
    return read_images(tools)


def _load(tools: Tools) -> None:
    """Load those archives that the cluster was not given yet."""
    tools.stream("images", "save", "--into", str(tools.images_folder), *CORE_IMAGES)
    shown = "jsonpath={.items[*].status.images[*].names[*]}"
    present = tools.kubectl("get", "nodes", "-o", shown)
    missing = [
        str(tools.images_folder / f"{reference.rpartition('/')[2].replace(':', '-')}.tar")
        for reference in read_images(tools).values()
        if reference not in present
    ]
    if missing:
        tools.stream("node", "load", *missing)
