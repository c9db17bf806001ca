"""Cluster DNS, the default storage class and load balancer addresses."""

from __future__ import annotations

import functools
from pathlib import Path

from supnode.addresses import Addresses
from supnode.cluster import Cluster
from supnode.dns import probe_dns
from supnode.processes import ProcessTable
from supnode.waiting import wait_until

DEPLOYMENTS = (
    ("kube-system", "coredns"),
    ("local-path-storage", "local-path-provisioner"),
    ("metallb-system", "controller"),
)
POOLS = "/apis/metallb.io/v1beta1/ipaddresspools"
NAME_OF_ALL = "kubernetes.default.svc.cluster.local"


class Addons:
    """What runs as pods of the node itself."""

    def __init__(self, addresses: Addresses, cluster: Cluster, processes: ProcessTable) -> None:
        self._addresses = addresses
        self._cluster = cluster
        self._processes = processes

    def apply(self, kubectl: Path, crds: str, manifests: str, *, log: Path) -> None:
        """Apply the resource types, and once they are served, everything else."""
        self._cluster.apply(kubectl, crds, log=log)
        wait_until(
            lambda: self._cluster.get(POOLS) is not None,
            what="MetalLB's resource types",
            seconds=30,
            log=log,
        )
        self._cluster.apply(kubectl, manifests, log=log)

    def wait(self, *, since: str) -> None:
        """Return when all run in containers started at `since` or later, and DNS answers."""
        for namespace, name in DEPLOYMENTS:
            wait_until(
                functools.partial(self._cluster.is_deployment_ready, namespace, name, since=since),
                what=f"deployment {namespace}/{name}",
                seconds=120,
                log=self._processes.log("kubelet"),
                cure=f"kubectl -n {namespace} describe pods",
            )
        wait_until(
            lambda: probe_dns(self._addresses.dns_ip, NAME_OF_ALL),
            what="an answer of the cluster's DNS",
            seconds=30,
            log=self._processes.log("kube-proxy"),
            cure="kubectl -n kube-system logs deployment/coredns",
        )
