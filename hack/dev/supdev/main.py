"""`python hack/dev [--check]`: start everything, print where it is, end it with Ctrl-C."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.processes.servers import NotStartedError, Run, is_alive, stop_all, stop_guardian
from support.tiers import gather_services_missing

from supdev import install
from supdev.backing import Backing, prepare, start_backing, write_bindings
from supdev.follow import follow_logs
from supdev.services import Service, start_services, wait_for_services


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="hack/dev", description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="with other ports and data of its own: wait until all is ready, end it, exit 0",
    )
    return parser


def main(root: Path, arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C, or until all services are ready when only checking."""
    options = build_parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell may have it ignored in background
        signal.signal(number, _interrupt)
    try:
        if not provide_programs(root):
            return 1
        with open_run(root, check=options.check) as run:
            return serve(run, root, check=options.check)
    except (NotStartedError, subprocess.CalledProcessError) as error:
        print(f"dev: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nall processes ended")
        return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def provide_programs(root: Path) -> bool:
    """Install what is missing; False, with the reasons, when something is not to be had."""
    if not gather_services_missing():
        return True
    if install.main(root) != 0:
        return False
    node = [sys.executable, str(root / "hack" / "node"), "tools", "minio"]
    if subprocess.run(node, check=False).returncode != 0:
        return False
    missing = gather_services_missing()
    for each in missing:
        print(f"dev: {each}", file=sys.stderr)
    return not missing


@contextmanager
def open_run(root: Path, *, check: bool) -> Iterator[Run]:
    """Yield the folder of the run; afterwards all its processes are ended."""
    if check:
        os.environ["SUP_DEV_PORTS"] = "free"
        folder = Path(tempfile.mkdtemp(prefix="sup-dev-"))
        folder.chmod(0o711)
        run = Run(folder, watch=os.getpid())
    else:
        folder = choose_folder(root)
        refuse_second(folder)
        run = Run(folder, watch=os.getpid(), keep_data=True)
    try:
        yield run
    finally:
        stop_all(run)
        if check:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            forget(folder)


def choose_folder(root: Path) -> Path:
    """Return where data is kept: .dev in the checkout, unless the database may not enter it."""
    folder = root / ".dev"
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in folder.parents):
        digest = hashlib.sha256(str(root).encode()).hexdigest()[:8]
        folder = Path("/var/lib/sup-messenger-dev") / digest
        print(f"data is in {folder}: PostgreSQL, which refuses root, can not enter {root}")
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    return folder


def refuse_second(folder: Path) -> None:
    """Exit when another run uses the folder; forget what a killed one left."""
    for path in folder.glob("*.pid"):
        if is_guardian(int(path.read_text())):
            sys.exit(f"dev: already running with data in {folder}; end that run first")
    forget(folder)


def is_guardian(pid: int) -> bool:
    """Return whether a recorded process is still what it was: ids are used again."""
    try:
        return is_alive(pid) and b"guardian.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def forget(folder: Path) -> None:
    """Remove the records of processes; data, passwords and keys stay."""
    kept = ("credentials.json", "object-storage-users.json")
    for path in (*folder.glob("*.json"), *folder.glob("*.pid"), *folder.glob("*.lock")):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def serve(run: Run, root: Path, *, check: bool) -> int:
    """Start everything; follow the logs until interrupted, or end when ready."""
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - begun:6.1f} s] {line}", flush=True)

    backing = start_backing(run, root, say=say)
    bindings = write_bindings(run, backing)
    prepare(run, root, bindings, backing)
    say("schema and buckets are up to date")
    migrations = sorted((root / "apps" / "api" / "migrations").glob("*.down.sql"))
    schema = migrations[-1].name.removesuffix(".down.sql")
    services = start_services(run, root, bindings, schema=schema, reload=not check)
    try:
        wait_for_services(run, services)
        say("api, websocket, media and worker are ready")
        print(build_overview(run, backing, services), flush=True)
        if not check:
            follow_logs({service.name: run.folder / f"{service.name}.log" for service in services})
    finally:
        # First those that use the others, so that they do not complain while everything ends.
        for service in services:
            stop_guardian(service.pid)
    return 0


def build_overview(run: Run, backing: Backing, services: list[Service]) -> str:
    """Return where everything is."""
    urls = {service.name: service.url for service in services}
    rows = {
        "API": f"{urls['api']}/v1/openapi.json",
        "sockets": f"{urls['websocket'].replace('http', 'ws')}/ws",
        "media": f"{urls['media']}/v1/openapi.json",
        "checks": f"{urls['worker']}/v1/checks",
        "emails": f"http://127.0.0.1:{backing.mail.http_port}/messages",
        "database": f"psql '{backing.postgres.build_url('sup', 'sup_owner')}'",
        "RabbitMQ": f"http://127.0.0.1:{backing.rabbitmq.management_port} "
        f"({backing.rabbitmq.username} / {backing.rabbitmq.password})",
        "MinIO": f"http://127.0.0.1:{backing.object_storage.console_port} "
        f"({backing.object_storage.access_key_id} / {backing.object_storage.secret_access_key})",
        "data, logs": str(run.folder),
    }
    lines = [f"  {name:11} {value}" for name, value in rows.items()]
    return "\n".join(["", *lines, "", "A saved change restarts its service. Ctrl-C ends all.", ""])
