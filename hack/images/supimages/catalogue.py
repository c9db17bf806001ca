"""Every image, what it is made of, and which of them the charts name."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatch

from supimages.failure import Failure

SERVICES = ("api", "websocket", "media", "worker")
# The order in which the values fragment names the images of an instance.
COMPONENTS = (
    "postgres",
    "redis",
    "rabbitmq",
    "minio",
    "nginx",
    "livekit",
    "coturn",
    "kafka",
    "loki",
    "promtail",
    "node-exporter",
    "prometheus",
    "postgres-exporter",
    "redis-exporter",
    *SERVICES,
    "smtp-sink",
    "push-sink",
    "pebble",
)

_MANIFESTS = ("pyproject.toml", "uv.lock", ".dockerignore", "operator/pyproject.toml")


class Context(Enum):
    """Where the files come from that a Dockerfile copies."""

    ROOTFS = "a root file system made by mmdebstrap"
    FOLDER = "the folder of the Dockerfile"
    REPOSITORY = "the repository"
    POSTGRES = "the PostgreSQL tree of `fetch postgres`"
    KAFKA = "the jars of `fetch kafka`"
    BINARIES = "programs that hack/node built"


@dataclass(frozen=True)
class Image:
    """One image; `inputs` are files or folders of the repository that decide its content."""

    name: str
    dockerfile: str
    context: Context
    parent: str | None
    inputs: tuple[str, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    needs_uv: bool = False
    # Programs of hack/node that the Dockerfile copies.
    binaries: tuple[str, ...] = ()
    published: bool = True


def _build_backing(name: str, context: Context = Context.FOLDER) -> Image:
    folder = f"hack/images/{name}"
    return Image(name, f"{folder}/Dockerfile", context, "base", inputs=(folder,))


def _build_from_binaries(name: str, *binaries: str) -> Image:
    folder = f"hack/images/{name}"
    return Image(
        name,
        f"{folder}/Dockerfile",
        Context.BINARIES,
        "base",
        inputs=(folder,),
        binaries=binaries,
    )


def _build_service(name: str) -> Image:
    return Image(
        name,
        "apps/Dockerfile",
        Context.REPOSITORY,
        "python",
        inputs=(
            *_MANIFESTS,
            "apps/*/pyproject.toml",
            "apps/common/src",
            f"apps/{name}/src",
            f"apps/{name}/migrations",
        ),
        arguments=(("SERVICE", name),),
        needs_uv=True,
    )


IMAGES: tuple[Image, ...] = (
    Image(
        "base",
        "hack/images/base/Dockerfile",
        Context.ROOTFS,
        None,
        inputs=("hack/images/base", "hack/images/supimages/rootfs.py"),
        published=False,
    ),
    Image(
        "python",
        "hack/images/python/Dockerfile",
        Context.FOLDER,
        "base",
        inputs=("hack/images/python",),
        published=False,
    ),
    _build_backing("postgres", Context.POSTGRES),
    _build_backing("redis"),
    _build_backing("rabbitmq"),
    _build_backing("nginx"),
    _build_from_binaries("minio", "minio"),
    _build_from_binaries("livekit", "livekit-server"),
    _build_backing("coturn"),
    _build_backing("kafka", Context.KAFKA),
    _build_from_binaries("loki", "loki"),
    _build_from_binaries("promtail", "promtail"),
    _build_backing("node-exporter"),
    _build_from_binaries("prometheus", "prometheus", "promtool"),
    _build_backing("postgres-exporter"),
    _build_backing("redis-exporter"),
    _build_from_binaries("pebble", "pebble"),
    *(_build_service(name) for name in SERVICES),
    Image(
        "operator",
        "operator/Dockerfile",
        Context.REPOSITORY,
        "python",
        inputs=(*_MANIFESTS, "apps/*/pyproject.toml", "operator/src"),
        needs_uv=True,
    ),
    Image(
        "smtp-sink",
        "hack/images/smtp-sink/Dockerfile",
        Context.FOLDER,
        "python",
        inputs=("hack/images/smtp-sink",),
        needs_uv=True,
    ),
    Image(
        "push-sink",
        "hack/images/push-sink/Dockerfile",
        Context.FOLDER,
        "python",
        inputs=("hack/images/push-sink",),
    ),
)

BY_NAME = {image.name: image for image in IMAGES}


def compute_selection(patterns: Sequence[str]) -> tuple[Image, ...]:
    """The images whose names match (all when nothing is asked for), each after its parent."""
    wanted = {image.name for image in IMAGES if not patterns}
    for pattern in patterns:
        matches = {name for name in BY_NAME if fnmatch(name, pattern)}
        if not matches:
            raise Failure(f"no image is called {pattern!r}; there are: {', '.join(BY_NAME)}")
        wanted |= matches
    for name in tuple(wanted):
        wanted |= {parent.name for parent in compute_ancestors(BY_NAME[name])}
    return tuple(image for image in IMAGES if image.name in wanted)


def compute_ancestors(image: Image) -> tuple[Image, ...]:
    """The images that an image stands on, the nearest first."""
    if image.parent is None:
        return ()
    parent = BY_NAME[image.parent]
    return (parent, *compute_ancestors(parent))
