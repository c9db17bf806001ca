"""What push gives the services: which Secrets they read and what they are told."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from supmessenger_operator.model import Inputs, Messenger

_HTTPS = 443


def build_api_bindings(inputs: Inputs) -> Mapping[str, str]:
    """Return the api's binding: the public key that browsers subscribe with."""
    return {"web-push-public": "web-push"} if "web-push-public" in inputs.secrets else {}


def build_worker_bindings(inputs: Inputs) -> Mapping[str, str]:
    """Return the worker's bindings, as far as their Secrets are there."""
    return {name: name for name in ("web-push", "fcm") if name in inputs.secrets}


def build_api_env(messenger: Messenger, inputs: Inputs) -> Mapping[str, str]:
    """Return what the api is told."""
    return {
        **build_sender_env(messenger),
        "SUP_FCM_ENABLED": "true" if "fcm" in inputs.secrets else "false",
        **build_hosts_env(messenger),
    }


def build_sender_env(messenger: Messenger) -> Mapping[str, str]:
    """Return what a service that stores messages is told."""
    return {"SUP_PUSH_ENABLED": "true" if messenger.spec.has_push else "false"}


def build_hosts_env(messenger: Messenger) -> Mapping[str, str]:
    """Return the list of push services, where the resource has one of its own."""
    hosts = _list_hosts(messenger)
    return {"SUP_WEB_PUSH_ALLOWED_HOSTS": ",".join(hosts)} if hosts else {}


def list_outer_ports(messenger: Messenger) -> tuple[int, ...]:
    """Return the ports at which the worker calls providers."""
    spec = messenger.spec
    if not spec.has_push:
        return ()
    urls = [host if "://" in host else f"https://{host}" for host in _list_hosts(messenger)]
    if spec.push is not None and spec.push.fcm is not None:
        urls.append(spec.push.fcm.endpoint)
    return (_HTTPS, *(_parse_port(url) for url in urls))


def _list_hosts(messenger: Messenger) -> tuple[str, ...]:
    push = messenger.spec.push
    if push is None or push.web_push is None or not messenger.spec.has_web_push:
        return ()
    return push.web_push.allowed_hosts


def _parse_port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (_HTTPS if parts.scheme == "https" else 80)
