"""A real API server and etcd as processes: no root, ephemeral ports, data in a temporary folder."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.processes.servers import probe_free_port

from supmessenger_operator.cluster.certificates import make_authority, make_certificate

ROOT = Path(__file__).resolve().parents[2]
STARTING_DEADLINE = 120.0
ADMIN_TOKEN = "admin-of-the-test-control-plane"
OPERATOR_TOKEN = "operator-of-the-test-control-plane"
OPERATOR_USER = "sup-operator-under-test"


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """A running API server; `kubeconfig` is of an administrator."""

    url: str
    folder: Path
    authority: Path

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig with every right."""
        return self.folder / "admin.kubeconfig"

    @property
    def operator_kubeconfig(self) -> Path:
        """Kubeconfig of a user that has what the chart's roles give, and nothing more."""
        return self.folder / "operator.kubeconfig"

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
    ) -> tuple[int, dict[str, Any]]:
        """Send one request as the administrator; return the status and the parsed answer."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": content_type},
        )
        context = ssl.create_default_context(cafile=str(self.authority))
        try:
            with urllib.request.urlopen(request, context=context, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                raw = error.read()
            return error.code, json.loads(raw) if raw.startswith(b"{") else {"message": str(raw)}


@contextmanager
def start_control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Run etcd and an API server below `folder` and end both, by process, afterwards."""
    certificates = _write_certificates(folder)
    etcd_port, peer_port, port = free_ports(3)
    etcd = _start(
        folder,
        "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{etcd_port}",
        f"--advertise-client-urls=http://127.0.0.1:{etcd_port}",
        f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer_port}",
        f"--initial-cluster=default=http://127.0.0.1:{peer_port}",
        "--unsafe-no-fsync=true",
        "--log-level=error",
    )
    server = _start(
        folder,
        "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={certificates / 'server.crt'}",
        f"--tls-private-key-file={certificates / 'server.key'}",
        f"--cert-dir={certificates}",
        f"--token-auth-file={certificates / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.97.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={certificates / 'accounts.key'}",
        f"--service-account-signing-key-file={certificates / 'accounts.key'}",
        # No controllers run here, so no namespace ever gets its default account.
        "--disable-admission-plugins=ServiceAccount",
    )
    plane = ControlPlane(
        url=f"https://127.0.0.1:{port}", folder=folder, authority=certificates / "ca.crt"
    )
    try:
        _wait_until_ready(plane, (etcd, server))
        _write_kubeconfig(plane, plane.kubeconfig, ADMIN_TOKEN)
        _write_kubeconfig(plane, plane.operator_kubeconfig, OPERATOR_TOKEN)
        yield plane
    finally:
        # Killed, as nothing is to be kept: a polite end takes the API server many seconds.
        for process in (server, etcd):
            process.kill()
            process.wait()


def find_binary(name: str) -> Path:
    """Return a control-plane program, from SUP_CONTROL_PLANE_BIN, the node's builds or PATH."""
    folders = [os.environ.get("SUP_CONTROL_PLANE_BIN", ""), _node_bin_folder()]
    for folder in filter(None, folders):
        candidate = Path(folder) / name
        if candidate.exists():
            return candidate
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(
            f"{name} is not on this machine: `python3 hack/node tools kube-apiserver etcd` builds"
            " it, or set SUP_CONTROL_PLANE_BIN to a folder that has it"
        )
    return Path(found)


def _node_bin_folder() -> str:
    answer = subprocess.run(
        [sys.executable, str(ROOT / "hack" / "node"), "bin-dir"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _start(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen([find_binary(name), *arguments], stdout=log, stderr=log)


def _wait_until_ready(plane: ControlPlane, processes: tuple[subprocess.Popen[bytes], ...]) -> None:
    deadline = time.monotonic() + STARTING_DEADLINE
    while time.monotonic() < deadline:
        for process in processes:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended: {_tail_logs(plane.folder)}")
        try:
            # The namespace is made by the server's own start-up, after it answers readyz.
            if plane.request("GET", "/api/v1/namespaces/default")[0] == 200:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the API server did not become ready: {_tail_logs(plane.folder)}")


def _tail_logs(folder: Path) -> str:
    return "\n".join(path.read_text()[-2000:] for path in folder.glob("*.log"))


def _write_certificates(folder: Path) -> Path:
    certificates = folder / "certificates"
    certificates.mkdir(parents=True)
    now = datetime.now(UTC)
    authority = make_authority("test control plane", now=now)
    server = make_certificate(authority, ["localhost", "127.0.0.1"], now=now)
    (certificates / "ca.crt").write_bytes(authority.certificate)
    (certificates / "server.crt").write_bytes(server.certificate)
    (certificates / "server.key").write_bytes(server.key)
    # The API server reads keys of service accounts in the SEC1 form only.
    (certificates / "accounts.key").write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    (certificates / "tokens.csv").write_text(
        f'{ADMIN_TOKEN},admin,admin,"system:masters"\n{OPERATOR_TOKEN},{OPERATOR_USER},operator\n'
    )
    return certificates


def _write_kubeconfig(plane: ControlPlane, path: Path, token: str) -> None:
    content: Mapping[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [
            {
                "name": "test",
                "cluster": {"server": plane.url, "certificate-authority": str(plane.authority)},
            }
        ],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    path.write_text(yaml.safe_dump(content))


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    return [probe_free_port() for _ in range(count)]
