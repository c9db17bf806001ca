"""Which image each part runs."""

from collections.abc import Mapping

from supmessenger_operator.model.features import Images

SERVICE_IMAGES = ("api", "websocket", "media", "worker")
IMAGE_NAMES = (*SERVICE_IMAGES, "postgres", "redis", "rabbitmq", "minio", "versity", "nginx")


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


def _retag(reference: str, version: str) -> str:
    if not version:
        return reference
    repository, _, _ = reference.partition("@")
    head, slash, last = repository.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}:{version}"


def _rehome(reference: str, registry: str) -> str:
    if not registry:
        return reference
    first, slash, rest = reference.partition("/")
    # Docker's rule: the first part is a host when it has a dot, a port or is localhost.
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return f"{registry.rstrip('/')}/{rest if has_host else reference}"
