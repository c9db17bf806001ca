"""The programs of a node and their arguments: pure, so that each line can be read and tested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from supnode.addresses import Addresses
from supnode.enclosure import SOCKET
from supnode.paths import NodePaths
from supnode.processes import Unit

LocateBinary = Callable[[str], Path]


def build_etcd(paths: NodePaths, locate: LocateBinary) -> Unit:
    """Return etcd: plain HTTP, for it listens on the loopback inside the node only."""
    return Unit(
        "etcd",
        (
            str(locate("etcd")),
            "--name=node",
            f"--data-dir={paths.etcd}",
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--initial-advertise-peer-urls=http://127.0.0.1:2380",
            "--initial-cluster=node=http://127.0.0.1:2380",
            # A node for trying out: what a power cut may lose is worth the speed.
            "--unsafe-no-fsync",
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=1h",
            "--quota-backend-bytes=4294967296",
            "--log-level=warn",
        ),
    )


def build_api_server(addresses: Addresses, paths: NodePaths, locate: LocateBinary) -> Unit:
    """Return the API server, with Node and RBAC authorisation and an audit log of writes."""
    pki = paths.pki
    return Unit(
        "kube-apiserver",
        (
            str(locate("kube-apiserver")),
            f"--advertise-address={addresses.node_ip}",
            f"--bind-address={addresses.node_ip}",
            "--secure-port=6443",
            "--etcd-servers=http://127.0.0.1:2379",
            f"--service-cluster-ip-range={addresses.service_cidr}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--client-ca-file={pki}/ca.crt",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={pki}/front-proxy.crt",
            f"--proxy-client-key-file={pki}/front-proxy.key",
            f"--audit-policy-file={paths.config}/audit-policy.yaml",
            f"--audit-log-path={paths.logs}/audit.log",
            "--audit-log-maxsize=50",
            "--audit-log-maxbackup=1",
        ),
        config=(paths.config / "audit-policy.yaml", pki / "apiserver.crt"),
    )


def build_controller_manager(addresses: Addresses, paths: NodePaths, locate: LocateBinary) -> Unit:
    """Return the controller manager; the one node gets the whole pod range."""
    config = paths.config / "kube-controller-manager.kubeconfig"
    return Unit(
        "kube-controller-manager",
        (
            str(locate("kube-controller-manager")),
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            # One client for all controllers: the default of 20 a second is felt at 100 objects.
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            "--allocate-node-cidrs=true",
            f"--cluster-cidr={addresses.pod_cidr}",
            "--node-cidr-mask-size=16",
            f"--service-cluster-ip-range={addresses.service_cidr}",
            f"--root-ca-file={paths.pki}/ca.crt",
            f"--service-account-private-key-file={paths.pki}/sa.key",
            f"--cluster-signing-cert-file={paths.pki}/ca.crt",
            f"--cluster-signing-key-file={paths.pki}/ca.key",
        ),
        config=(config,),
    )


def build_scheduler(paths: NodePaths, locate: LocateBinary) -> Unit:
    """Return the scheduler."""
    config = paths.config / "kube-scheduler.kubeconfig"
    return Unit(
        "kube-scheduler",
        (
            str(locate("kube-scheduler")),
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
        ),
        config=(config,),
    )


def build_proxy(paths: NodePaths, locate: LocateBinary) -> Unit:
    """Return kube-proxy."""
    files = (paths.config / "kube-proxy.yaml", paths.config / "kube-proxy.kubeconfig")
    argv = (str(locate("kube-proxy")), f"--config={files[0]}")
    return Unit("kube-proxy", argv, config=files)


def build_kubelet(addresses: Addresses, paths: NodePaths, locate: LocateBinary) -> Unit:
    """Return the kubelet."""
    files = (paths.config / "kubelet.yaml", paths.config / "kubelet.kubeconfig")
    return Unit(
        "kubelet",
        (
            str(locate("kubelet")),
            f"--config={files[0]}",
            f"--kubeconfig={files[1]}",
            f"--hostname-override={addresses.name}",
            f"--node-ip={addresses.node_ip}",
            "--root-dir=/var/lib/kubelet",
        ),
        config=files,
    )


def build_containerd(paths: NodePaths) -> Unit:
    """Return containerd."""
    file = paths.config / "containerd.toml"
    argv = ("containerd", f"--config={file}", f"--address={SOCKET}")
    return Unit("containerd", argv, config=(file,))


def build_registries(paths: NodePaths, locate: LocateBinary) -> list[Unit]:
    """Return the registry twice, over one folder: on the machine's loopback and on the node's.

    So one address, 127.0.0.1 and a port, means the same images to whoever pushes on the machine
    and to containerd inside the node, and every client takes plain HTTP on loopback.
    """
    file = paths.config / "registry.yaml"
    argv = (str(locate("registry")), "serve", str(file))
    # Without it the registry reports traces to a collector that is not there.
    env = (("OTEL_TRACES_EXPORTER", "none"),)
    return [
        Unit("registry", argv, inside=False, env=env, config=(file,)),
        Unit("registry-inside", argv, env=env, config=(file,)),
    ]
