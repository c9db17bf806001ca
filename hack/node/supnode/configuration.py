"""The configuration files of a node, filled in from templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from supnode.addresses import Addresses
from supnode.cgroups import NodeCgroups
from supnode.enclosure import SOCKET
from supnode.images import StaticImage
from supnode.paths import MANIFESTS, NODE_FOLDER, NodePaths, write_atomically

TEMPLATES = NODE_FOLDER / "templates"
FILES = {
    "audit-policy.yaml": "audit-policy.yaml",
    "kube-proxy.yaml": "kube-proxy.yaml",
    "kubelet.yaml": "kubelet.yaml",
    "containerd.toml": "containerd.toml",
    "registry.yaml": "registry.yaml",
    "resolv.conf": "resolv.conf",
    "cni.conflist": "cni/10-sup-node.conflist",
}
# What is applied to a fresh cluster, in this order.
MANIFEST_FILES = ("coredns.yaml", "local-path.yaml", "metallb.yaml")


def build_values(
    addresses: Addresses,
    paths: NodePaths,
    cgroups: NodeCgroups,
    images: Mapping[str, StaticImage],
) -> dict[str, str]:
    """Return every value that a template may name."""
    folders = ("config", "pki", "images", "volumes", "registry_data")
    return {
        **{key: str(value) for key, value in addresses.as_dict().items()},
        **{folder: str(getattr(paths, folder)) for folder in folders},
        **{name: image.reference for name, image in images.items()},
        "kubelet": "/var/lib/kubelet",
        "socket": SOCKET,
        "cgroup_root": cgroups.root,
    }


def write_configuration(paths: NodePaths, values: Mapping[str, str]) -> None:
    """Write the configuration files; an unchanged one is left alone."""
    for source, target in FILES.items():
        text = fill_template(TEMPLATES / source, values)
        path = paths.config / target
        if not path.exists() or path.read_text() != text:
            write_atomically(path, text)


def build_manifests(values: Mapping[str, str]) -> str:
    """Return what is applied to the cluster."""
    return "\n---\n".join(fill_template(MANIFESTS / name, values) for name in MANIFEST_FILES)


def fill_template(source: Path, values: Mapping[str, str]) -> str:
    """Return a template with its values in place; a value that lacks is an error."""
    return Template(source.read_text()).substitute(values)
