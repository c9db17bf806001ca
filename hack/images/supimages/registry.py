"""What a loopback registry holds, asked over its HTTP interface."""

import http.client
import json
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
        return _ask("GET", address, "/v2/")[0] == 200
    except OSError:
        return False


def probe_manifest(address: str, repository: str, digest: str) -> bool:
    """Whether the registry holds the manifest with this digest."""
    return _ask("HEAD", address, f"/v2/{repository}/manifests/{digest}")[0] == 200


def read_size(address: str, repository: str, digest: str) -> int:
    """The bytes of all layers of an image in the registry, compressed as a node pulls them."""
    status, body = _ask("GET", address, f"/v2/{repository}/manifests/{digest}")
    if status != 200:
        raise Failure(f"{address} answers {status} for {repository}@{digest} just after the push")
    return sum(int(layer["size"]) for layer in json.loads(body)["layers"])


def _ask(method: str, address: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, headers={"Accept": _MANIFEST_TYPES})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
