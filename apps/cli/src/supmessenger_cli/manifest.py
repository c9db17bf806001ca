"""A SupMessenger from a few answers: what is not said is left to the defaults."""

import re
from dataclasses import dataclass
from typing import Any

from supmessenger_cli.terminal import WrongUse

SIZES = ("tiny", "small", "medium", "large")
_DOMAIN = re.compile(
    r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
)
_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,24}[a-z0-9])?$")
HEADER = (
    "# kubectl apply -f FILE, or kubectl sup deploy -f FILE; every field: docs/api-reference.md\n"
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person wants, in the words of `setup` and `deploy`."""

    name: str
    namespace: str
    domain: str
    size: str = "small"
    admin_email: str = ""
    smtp_host: str = ""
    smtp_from: str = ""
    calls: bool = True
    monitoring: bool = True
    kafka: bool = False


def build_manifest(wish: Wish) -> dict[str, Any]:
    """Return the resource; WrongUse names the answer that can't be."""
    _check(wish)
    spec: dict[str, Any] = {"domain": wish.domain, "size": wish.size}
    if wish.admin_email:
        spec["adminEmail"] = wish.admin_email
    if wish.smtp_host:
        sender = wish.smtp_from or f"no-reply@{wish.domain}"
        spec["smtp"] = {"host": wish.smtp_host, "from": sender}
    if not wish.calls:
        spec["livekit"] = {"enabled": False}
        spec["turn"] = {"enabled": False}
    if not wish.monitoring:
        spec["monitoring"] = {"enabled": False}
    if wish.kafka:
        spec["kafka"] = {"enabled": True}
    return {
        "apiVersion": "supmessenger.io/v1alpha1",
        "kind": "SupMessenger",
        "metadata": {"name": wish.name, "namespace": wish.namespace},
        "spec": spec,
    }


def build_namespace(name: str) -> dict[str, Any]:
    """Return the namespace with the restricted Pod Security Standard enforced."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {POD_SECURITY: "restricted"}},
    }


POD_SECURITY = "pod-security.kubernetes.io/enforce"


def _check(wish: Wish) -> None:
    if not _DOMAIN.match(wish.domain):
        raise WrongUse(f"{wish.domain!r} is no domain such as chat.example.org, in small letters")
    if not _NAME.match(wish.name):
        raise WrongUse(
            f"{wish.name!r} is no name: at most 26 small letters, digits and dashes, a letter first"
        )
    if wish.size not in SIZES:
        raise WrongUse(f"{wish.size!r} is no size; there are {', '.join(SIZES)}")
