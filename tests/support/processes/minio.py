"""An object store for a run; tests keep apart by the prefix of their buckets."""

from __future__ import annotations

import http.client
import re
import secrets
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from support.processes.binaries import find_minio
from support.processes.servers import (
    Program,
    Run,
    probe_free_port,
    start_guarded,
    start_once,
    wait_until_ready,
)

from minio import Minio


@dataclass(frozen=True, kw_only=True)
class ObjectStorageServer:
    """A running store with its root keys."""

    port: int
    console_port: int
    access_key_id: str
    secret_access_key: str
    version: str
    region: str = "us-east-1"

    @property
    def endpoint(self) -> str:
        """Return the address of the S3 interface."""
        return f"http://127.0.0.1:{self.port}"

    def make_buckets(self, *names: str) -> None:
        """Create buckets."""
        client = Minio(
            f"127.0.0.1:{self.port}",
            access_key=self.access_key_id,
            secret_key=self.secret_access_key,
            secure=False,
            region=self.region,
        )
        for name in names:
            client.make_bucket(name)


def start_minio(
    run: Run, *, port: int | None = None, console_port: int | None = None
) -> ObjectStorageServer:
    """Start the run's store, or find it running."""

    def start(folder: Path) -> dict[str, Any]:
        ports = (port or probe_free_port(), console_port or probe_free_port())
        return asdict(_start(run, folder, port=ports[0], console_port=ports[1]))

    return ObjectStorageServer(**start_once(run, "minio", start))


def _start(run: Run, folder: Path, *, port: int, console_port: int) -> ObjectStorageServer:
    binary = find_minio()
    assert binary is not None, "checked by the tier's requirements"
    keys = _read_or_make_keys(folder)
    data = folder / "data"
    data.mkdir(exist_ok=True)
    pid = start_guarded(
        run,
        "minio",
        folder=folder,
        program=Program(
            command=(
                *(str(binary), "server", "--quiet", "--anonymous"),
                *("--address", f"127.0.0.1:{port}"),
                *("--console-address", f"127.0.0.1:{console_port}", str(data)),
            ),
            env={
                "HOME": str(folder),
                "MINIO_ROOT_USER": keys[0],
                "MINIO_ROOT_PASSWORD": keys[1],
                "MINIO_UPDATE": "off",
                "MINIO_BROWSER": "on" if run.keep_data else "off",
            },
        ),
    )
    wait_until_ready(run, "minio", pid=pid, is_ready=lambda: _is_ready(port), seconds=60)
    printed = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True)
    version = re.search(r"version (\S+)", printed.stdout)
    return ObjectStorageServer(
        port=port,
        console_port=console_port,
        access_key_id=keys[0],
        secret_access_key=keys[1],
        version=version.group(1) if version else "unknown",
    )


def _read_or_make_keys(folder: Path) -> list[str]:
    path = folder / "keys"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"{secrets.token_hex(8)}\n{secrets.token_urlsafe(24)}")
    return path.read_text().split("\n")


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/minio/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
