"""What a loopback registry holds, asked over its HTTP interface."""

import http.client
import re

from supimages.failure import Failure

_MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
_ADDRESS = re.compile(r"(?P<host>127\.\d+\.\d+\.\d+|localhost|\[::1\]):(?P<port>\d+)")
_TIMEOUT_SECONDS = 5.0


def parse_address(text: str) -> str:
    """The host and port of a registry; plain HTTP is spoken only on the loopback interface."""
    if _ADDRESS.fullmatch(text) is None:
        raise Failure(f"{text!r} is no loopback registry: give an address like 127.0.0.1:5050")
    return text


def probe_answering(address: str) -> bool:
    """Whether a registry answers at this address."""
    try:
        return _ask("GET", address, "/v2/") == 200
    except OSError:
        return False


def probe_manifest(address: str, repository: str, digest: str) -> bool:
    """Whether the registry holds the manifest with this digest."""
    return _ask("HEAD", address, f"/v2/{repository}/manifests/{digest}") == 200


def _ask(method: str, address: str, path: str) -> int:
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, headers={"Accept": _MANIFEST_TYPES})
        return connection.getresponse().status
    finally:
        connection.close()
