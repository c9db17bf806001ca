"""The bindings of push: the key pair browsers know us by, and Firebase's service account."""

from dataclasses import dataclass
from pathlib import Path

from supmessenger_common.bindings import BindingFolder


@dataclass(frozen=True)
class WebPushBinding:
    """The key pair by which push services of browsers know the instance (VAPID)."""

    private_key: str
    public_key: str
    subject: str


@dataclass(frozen=True)
class FcmBinding:
    """The service account of Firebase, as JSON, and where its API is."""

    service_account: str
    endpoint: str


def read_web_push(root: Path) -> WebPushBinding | None:
    """Read the binding `web-push`; None when the instance offers no web push."""
    folder = BindingFolder(root / "web-push")
    if not folder.path.is_dir():
        return None
    return WebPushBinding(
        private_key=folder.read("private-key"),
        public_key=folder.read("public-key"),
        subject=folder.read("subject"),
    )


def read_web_push_public_key(root: Path) -> str | None:
    """Read what browsers need of the binding `web-push`; None without web push."""
    folder = BindingFolder(root / "web-push")
    return folder.read("public-key") if folder.path.is_dir() else None


def read_fcm(root: Path) -> FcmBinding | None:
    """Read the binding `fcm`; None when the instance does not use Firebase."""
    folder = BindingFolder(root / "fcm")
    if not folder.path.is_dir():
        return None
    return FcmBinding(
        service_account=folder.read("service-account.json"),
        endpoint=folder.read("endpoint").rstrip("/"),
    )
