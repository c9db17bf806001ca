"""The addresses of a node, derived from its name alone.

All ranges lie in 100.64.0.0/10 (shared address space), clear of the private ranges that
machines and virtual private networks use. Each node takes three /16 networks.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import asdict, dataclass

from supnode.failure import Failure

DEFAULT_NAME = "sup"
SLOTS = 21  # 100.64/16 to 100.126/16, three networks each
REGISTRY_PORT = 5050
NAME_PATTERN = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True)
class Addresses:
    """Every address, range and link name of one node."""

    name: str
    index: int
    pod_cidr: str
    service_cidr: str
    node_network: str
    node_ip: str
    host_ip: str
    load_balancer_cidr: str
    load_balancer_first: str
    load_balancer_last: str
    api_service_ip: str
    dns_ip: str
    link: str
    registry: str

    @property
    def server(self) -> str:
        """Return the URL of the API server."""
        return f"https://{self.node_ip}:6443"

    def as_dict(self) -> dict[str, str | int]:
        """Return the addresses as `node.json` holds them."""
        return {**asdict(self), "server": self.server}


def compute_index(name: str) -> int:
    """Return the slot of a node: 0 for the default one, 1 to 20 for any other name."""
    if name == DEFAULT_NAME:
        return 0
    return 1 + zlib.crc32(name.encode()) % (SLOTS - 1)


def compute_addresses(name: str) -> Addresses:
    """Return the addresses of the node with this name; an unfit name is a Failure."""
    if not NAME_PATTERN.fullmatch(name):
        raise Failure(
            f"'{name}' cannot name a node",
            cure="use 1 to 20 lower-case letters, digits and dashes, beginning with a letter",
        )
    index = compute_index(name)
    pods, services, nodes = (64 + 3 * index + offset for offset in range(3))
    return Addresses(
        name=name,
        index=index,
        pod_cidr=f"100.{pods}.0.0/16",
        service_cidr=f"100.{services}.0.0/16",
        node_network=f"100.{nodes}.0.0/30",
        node_ip=f"100.{nodes}.0.1",
        host_ip=f"100.{nodes}.0.2",
        load_balancer_cidr=f"100.{nodes}.1.0/24",
        load_balancer_first=f"100.{nodes}.1.1",
        load_balancer_last=f"100.{nodes}.1.254",
        api_service_ip=f"100.{services}.0.1",
        dns_ip=f"100.{services}.0.10",
        link=f"supnode{index}",
        registry=f"127.0.0.1:{REGISTRY_PORT + index}",
    )
