"""Keys, certificates and kubeconfigs of a node, made with openssl."""

from __future__ import annotations

import base64
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from supnode.addresses import Addresses
from supnode.commands import run_logged
from supnode.paths import NodePaths, write_atomically

DAYS = "3650"
CURE = "apt-get install openssl"


@dataclass(frozen=True)
class Certificate:
    """One certificate: file name, signer, subject, what it is for, and its names."""

    name: str
    signer: str
    common_name: str
    organisation: str = ""
    names: tuple[str, ...] = ()

    def subject(self) -> str:
        """Return the subject as openssl reads it."""
        group = f"/O={self.organisation}" if self.organisation else ""
        return f"{group}/CN={self.common_name}"

    def extensions(self) -> str:
        """Return the extensions as openssl reads them."""
        usage = "clientAuth,serverAuth" if self.names else "clientAuth"
        lines = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature,keyEncipherment",
            f"extendedKeyUsage={usage}",
        ]
        if self.names:
            lines.append(f"subjectAltName={','.join(self.names)}")
        return "\n".join(lines) + "\n"


AUTHORITIES = ("ca", "front-proxy-ca")


def compute_certificates(addresses: Addresses) -> list[Certificate]:
    """Return every certificate that a node needs."""
    service_names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    names = [*service_names, "kubernetes.default.svc.cluster.local", "localhost", addresses.name]
    ips = [addresses.node_ip, addresses.api_service_ip, "127.0.0.1"]
    server_names = (*(f"DNS:{name}" for name in names), *(f"IP:{ip}" for ip in ips))
    node = f"system:node:{addresses.name}"
    return [
        Certificate("apiserver", "ca", "kube-apiserver", names=server_names),
        Certificate("apiserver-kubelet", "ca", "kube-apiserver-kubelet", "system:masters"),
        Certificate("admin", "ca", "sup-admin", "system:masters"),
        Certificate("kube-controller-manager", "ca", "system:kube-controller-manager"),
        Certificate("kube-scheduler", "ca", "system:kube-scheduler"),
        Certificate("kube-proxy", "ca", "system:kube-proxy"),
        Certificate("kubelet", "ca", node, "system:nodes"),
        Certificate(
            "kubelet-server",
            "ca",
            node,
            "system:nodes",
            (f"DNS:{addresses.name}", f"IP:{addresses.node_ip}", "IP:127.0.0.1"),
        ),
        Certificate("front-proxy", "front-proxy-ca", "front-proxy-client"),
    ]


def ensure_pki(addresses: Addresses, paths: NodePaths) -> None:
    """Make all keys and certificates unless a whole set for these addresses stands already."""
    certificates = compute_certificates(addresses)
    asked = json.dumps([repr(certificate) for certificate in certificates])
    stamp = paths.pki / "made-for.json"
    if not (stamp.exists() and stamp.read_text() == asked):
        # The set is made aside and moved as a whole, so that a cut-off run leaves none or all.
        draft = paths.pki.with_name(f".pki.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        log = paths.logs / "pki.log"
        for authority in AUTHORITIES:
            _make_authority(draft, authority, log=log)
        for certificate in certificates:
            _make_certificate(draft, certificate, log=log)
        _openssl(["genrsa", "-out", f"{draft}/sa.key", "2048"], log=log)
        _openssl(["rsa", "-in", f"{draft}/sa.key", "-pubout", "-out", f"{draft}/sa.pub"], log=log)
        (draft / "made-for.json").write_text(asked)
        shutil.rmtree(paths.pki, ignore_errors=True)
        draft.rename(paths.pki)
    write_kubeconfig(paths.kubeconfig, user="admin", addresses=addresses, pki=paths.pki)
    for user in ("kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"):
        target = paths.config / f"{user}.kubeconfig"
        write_kubeconfig(target, user=user, addresses=addresses, pki=paths.pki)


def build_kubeconfig(*, name: str, server: str, authority: bytes, cert: bytes, key: bytes) -> str:
    """Return a kubeconfig that holds its certificates, so that it works wherever it is copied."""

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    return "\n".join(
        [
            "apiVersion: v1",
            "kind: Config",
            f"current-context: {name}",
            "clusters:",
            f"- name: {name}",
            "  cluster:",
            f"    server: {server}",
            f"    certificate-authority-data: {encoded(authority)}",
            "users:",
            f"- name: {name}",
            "  user:",
            f"    client-certificate-data: {encoded(cert)}",
            f"    client-key-data: {encoded(key)}",
            "contexts:",
            f"- name: {name}",
            "  context:",
            f"    cluster: {name}",
            f"    user: {name}",
            "",
        ]
    )


def write_kubeconfig(target: Path, *, user: str, addresses: Addresses, pki: Path) -> None:
    """Write the kubeconfig of one user of the node."""
    text = build_kubeconfig(
        name=addresses.name,
        server=addresses.server,
        authority=(pki / "ca.crt").read_bytes(),
        cert=(pki / f"{user}.crt").read_bytes(),
        key=(pki / f"{user}.key").read_bytes(),
    )
    if not target.exists() or target.read_text() != text:
        write_atomically(target, text, mode=0o600)


def _openssl(words: list[str], *, log: Path) -> None:
    run_logged(["openssl", *words], log=log, cure=CURE)


def _make_key(path: Path, *, log: Path) -> None:
    words = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    _openssl([*words, "-out", str(path)], log=log)


def _make_authority(folder: Path, name: str, *, log: Path) -> None:
    key = folder / f"{name}.key"
    _make_key(key, log=log)
    words = ["req", "-x509", "-new", "-key", str(key), "-subj", f"/CN=sup-node-{name}"]
    words += ["-days", DAYS, "-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign"]
    _openssl([*words, "-out", str(folder / f"{name}.crt")], log=log)


def _make_certificate(folder: Path, certificate: Certificate, *, log: Path) -> None:
    base = folder / certificate.name
    key, request, extensions = (base.with_suffix(end) for end in (".key", ".csr", ".ext"))
    _make_key(key, log=log)
    extensions.write_text(certificate.extensions())
    asked = ["req", "-new", "-key", str(key), "-subj", certificate.subject()]
    _openssl([*asked, "-out", str(request)], log=log)
    signer = folder / certificate.signer
    words = ["x509", "-req", "-in", str(request), "-days", DAYS, "-extfile", str(extensions)]
    words += ["-CA", f"{signer}.crt", "-CAkey", f"{signer}.key", "-CAcreateserial"]
    _openssl([*words, "-out", str(base.with_suffix(".crt"))], log=log)
    request.unlink()
    extensions.unlink()
