"""What a loopback registry holds, asked over its HTTP interface; others are left to buildah."""

import http.client
import json
import re

from supimages.failure import Failure

_MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
_ADDRESS = re.compile(r"(?P<host>127\.\d+\.\d+\.\d+|localhost|\[::1\]):(?P<port>\d+)")
# A registry elsewhere: its host, perhaps a port, perhaps folders below it.
_ELSEWHERE = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_TIMEOUT_SECONDS = 5.0


def is_loopback(address: str) -> bool:
    """Whether a registry is on this machine's loopback interface; only there HTTP is spoken."""
    return _ADDRESS.fullmatch(address) is not None


def parse_address(text: str) -> str:
    """The registry's address; one that is not on the loopback interface is spoken to with TLS."""
    if not is_loopback(text) and _ELSEWHERE.fullmatch(text) is None:
        raise Failure(
            f"{text!r} is no registry: give an address like 127.0.0.1:5050 or "
            "registry.example.org/team"
        )
    return text


def probe_answering(address: str) -> bool:
    """Whether a registry answers at this address; of one elsewhere, the push tells."""
    if not is_loopback(address):
        return True
    try:
        return _ask("GET", address, "/v2/")[0] == 200
    except OSError:
        return False


def probe_manifest(address: str, repository: str, digest: str) -> bool:
    """Whether the registry is known to hold the manifest; pushing what is there costs little."""
    path = f"/v2/{repository}/manifests/{digest}"
    return is_loopback(address) and _ask("HEAD", address, path)[0] == 200


def read_size(address: str, repository: str, digest: str) -> int:
    """The bytes of all layers, compressed as a node pulls them; 0 for a registry elsewhere."""
    if not is_loopback(address):
        return 0
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
