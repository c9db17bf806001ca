"""Which image each part runs."""

from collections.abc import Mapping

from supmessenger_operator.model.features import Images

SERVICE_IMAGES = ("api", "websocket", "media", "worker")
OPTIONAL_IMAGES = (
    "kafka",
    "livekit",
    "coturn",
    "prometheus",
    "postgres-exporter",
    "redis-exporter",
    "grafana",
    "loki",
)
# Parts of earlier releases: a resource may still name their images, which nothing runs.
RETIRED_IMAGES = ("nginx-exporter",)
IMAGE_NAMES = (
    *SERVICE_IMAGES,
    "postgres",
    "redis",
    "rabbitmq",
    "minio",
    "versity",
    "nginx",
    *OPTIONAL_IMAGES,
)


def compute_images(
    defaults: Mapping[str, str], choice: Images, *, version: str
) -> Mapping[str, str]:
    """Return the final references: an override wins whole, otherwise the registry is replaced.

    `version` is `spec.version`; when given it becomes the tag of the four services.
    """
    images = {
        name: _rehome(_retag(reference, version if name in SERVICE_IMAGES else ""), choice.registry)
        for name, reference in defaults.items()
    }
    return {**images, **choice.overrides}


def find_lacking(defaults: Mapping[str, str], choice: Images) -> frozenset[str]:
    """Return the images that can't be had here: the operator's catalogue has nothing for them.

    An administrator says so with an empty reference; a resource can still name one of its own.
    """
    return frozenset(
        name for name in OPTIONAL_IMAGES if not (choice.overrides.get(name) or defaults.get(name))
    )


def _retag(reference: str, version: str) -> str:
    if not version:
        return reference
    repository, _, _ = reference.partition("@")
    head, slash, last = repository.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}:{version}"


def _rehome(reference: str, registry: str) -> str:
    if not registry or not reference:
        return reference
    first, slash, rest = reference.partition("/")
    # Docker's rule: the first part is a host when it has a dot, a port or is localhost.
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return f"{registry.rstrip('/')}/{rest if has_host else reference}"
