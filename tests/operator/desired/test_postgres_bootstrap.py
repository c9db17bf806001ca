"""The start of PostgreSQL's pod, with the real server: empty volume, again, cut off, rotated."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.deployables import build_all, to_plain
from support.messengers import make_messenger
from support.processes.binaries import find_postgres, probe_account

pytestmark = pytest.mark.services

_DEADLINE_SECONDS = 60.0
_ROLES = ("postgres", "sup_owner", "sup_user", "sup_user_b", "sup_monitor")


@dataclass(frozen=True)
class Volume:
    """A volume of PostgreSQL and the folders its pod mounts."""

    folder: Path
    binaries: Path

    @property
    def data(self) -> Path:
        """Where the cluster lives."""
        return self.folder / "volume" / "pgdata"

    def start(self, script: str) -> subprocess.Popen[str]:
        """Start one of the pod's scripts as the server's user."""
        account = probe_account()
        return subprocess.Popen(
            ["bash", str(self.folder / "config" / script)],
            env={
                "PATH": f"{self.binaries}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "TMPDIR": str(self.folder),
                **{name.upper(): str(self.folder / name) for name in ("volume", "config")},
                "SECRETS": str(self.folder / "secrets"),
            },
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            user=None if account is None else account.user,
            group=None if account is None else account.group,
            extra_groups=None if account is None else [],
            start_new_session=True,
        )

    def bootstrap(self) -> str:
        """Run the start to its end and return what it complained about."""
        process = self.start("bootstrap.sh")
        _, complaints = process.communicate(timeout=_DEADLINE_SECONDS)
        assert process.returncode == 0, complaints
        return complaints

    def query(self, sql: str, *, role: str = "postgres", database: str = "sup") -> str:
        """Ask the running server over its socket, with the role's password."""
        password = (self.folder / "secrets" / role).read_text().strip()
        asked = subprocess.run(
            [
                *(str(self.binaries / "psql"), "-XqAt", "-h", str(self.folder / "volume")),
                *("-U", role, "-d", database, "-v", "ON_ERROR_STOP=1", "-c", sql),
            ],
            env={"PATH": os.environ["PATH"], "PGPASSWORD": password},
            check=False,
            capture_output=True,
            text=True,
        )
        return asked.stdout.strip() if asked.returncode == 0 else asked.stderr.strip()


@pytest.fixture
def volume() -> Iterator[Volume]:
    """An empty volume below a short path: a socket's may have 107 characters."""
    binaries = find_postgres()
    assert binaries is not None
    with tempfile.TemporaryDirectory(prefix="sup-pg-") as name:
        folder = Path(name)
        for part in ("volume", "config", "secrets"):
            (folder / part).mkdir()
        write_passwords(folder, "first")
        write_config(folder)
        account = probe_account()
        for path in (folder, *folder.rglob("*")):
            if account is not None:
                os.chown(path, account.user, account.group)
        yield Volume(folder, binaries)


def write_passwords(folder: Path, word: str) -> None:
    """Give every role a password that needs quoting."""
    for role in _ROLES:
        (folder / "secrets" / role).write_text(f"{word}'\"\\{role}\n")


def write_config(folder: Path) -> None:
    """Write the pod's files; only the socket's place and who may use it are the test's."""
    files = next(
        to_plain(built)["data"]
        for built in build_all(make_messenger())
        if built.kind == "ConfigMap" and built.component == "postgres"
    )
    settings = files["postgresql.conf"].replace("/var/run/postgresql", str(folder / "volume"))
    settings += "listen_addresses = ''\nshared_buffers = '16MB'\nfsync = off\n"
    changed = {
        "postgresql.conf": settings,
        # The roles of the network, on the socket; bootstrap comes without a password.
        "pg_hba.conf": "local all postgres trust\nlocal all all scram-sha-256\n",
    }
    for name, text in (files | changed).items():
        (folder / "config" / name).write_text(text)


@contextmanager
def running(volume: Volume) -> Iterator[subprocess.Popen[str]]:
    """Run the server of a volume that was bootstrapped; it has ended afterwards."""
    process = volume.start("run.sh")
    try:
        wait_until_up(volume, process)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=_DEADLINE_SECONDS)


@pytest.fixture
def server(volume: Volume) -> Iterator[Volume]:
    """A volume whose server runs."""
    volume.bootstrap()
    with running(volume):
        yield volume


def wait_until_up(volume: Volume, process: subprocess.Popen[str]) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while volume.query("SELECT 1") != "1":
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "PostgreSQL did not answer in time"
        time.sleep(0.1)


def test_roles_get_their_rights_and_no_more(server: Volume) -> None:
    owner, user = "sup_owner", "sup_user"
    assert server.query("CREATE TABLE notes (text citext)", role=owner).startswith("ERROR")
    assert server.query("CREATE EXTENSION citext", role=owner) == ""
    assert server.query("CREATE EXTENSION pg_trgm", role=owner) == ""
    assert server.query("CREATE EXTENSION pgcrypto", role=owner) == ""
    assert server.query("CREATE TABLE notes (id serial, text citext)", role=owner) == ""
    assert server.query("INSERT INTO notes (text) VALUES ('a') RETURNING id", role=user) == "1"
    assert server.query("SELECT text FROM notes", role="sup_user_b") == "a"
    assert "permission denied" in server.query("CREATE TABLE other ()", role=user)
    assert "must be owner" in server.query("DROP TABLE notes", role=user)
    assert "permission denied" in server.query("SELECT 1", role=user, database="postgres")


def test_the_role_that_watches_sees_statistics_and_no_data(server: Volume) -> None:
    owner, monitor = "sup_owner", "sup_monitor"
    assert server.query("CREATE TABLE secrets (text text)", role=owner) == ""
    assert "permission denied" in server.query("SELECT * FROM secrets", role=monitor)
    assert "permission denied" in server.query("SELECT 1", role=monitor, database="postgres")
    seen = server.query("SELECT count(*) > 0 FROM pg_stat_activity WHERE pid > 0", role=monitor)
    assert seen == "t"
    assert server.query("SELECT pg_has_role('pg_monitor', 'member')", role=monitor) == "t"
    assert server.query("SHOW max_connections", role=monitor) == "200"


def test_the_database_is_as_promised(server: Volume) -> None:
    told = server.query(
        "SELECT pg_encoding_to_char(encoding), datcollate, pg_get_userbyid(datdba)"
        " FROM pg_database WHERE datname = 'sup'"
    )
    assert told == "UTF8|C.UTF-8|sup_owner"
    settings = (
        "max_connections",
        "effective_cache_size",
        "data_checksums",
        "password_encryption",
        "shared_preload_libraries",
    )
    values = [server.query(f"SHOW {name}") for name in settings]
    assert values == ["200", "1GB", "on", "scram-sha-256", "pg_stat_statements"]


def test_no_password_is_left_where_one_can_read_it(server: Volume) -> None:
    for role in _ROLES:
        secret = (server.folder / "secrets" / role).read_text().strip()
        statements = server.query("SELECT query FROM pg_stat_statements", database="postgres")
        assert secret not in statements
    stored = server.query("SELECT rolpassword FROM pg_authid WHERE rolcanlogin ORDER BY rolname")
    assert all(line.startswith("SCRAM-SHA-256$") for line in stored.splitlines())


def test_a_second_start_keeps_data_and_takes_new_passwords(volume: Volume) -> None:
    volume.bootstrap()
    born = (volume.data / "PG_VERSION").stat().st_ino
    write_passwords(volume.folder, "second")
    volume.bootstrap()
    assert (volume.data / "PG_VERSION").stat().st_ino == born
    with running(volume):
        assert volume.query("SELECT 1", role="sup_user") == "1"
        write_passwords(volume.folder, "first")
        assert "password authentication failed" in volume.query("SELECT 1", role="sup_user")


@pytest.mark.parametrize("moment", ["pgdata.initdb", "pgdata"])
def test_a_start_that_was_cut_off_is_made_good_by_the_next(volume: Volume, moment: str) -> None:
    process = volume.start("bootstrap.sh")
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not (volume.folder / "volume" / moment).exists():
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=_DEADLINE_SECONDS)
    volume.bootstrap()
    assert (volume.data.stat().st_mode & 0o777) == 0o700
    assert not (volume.folder / "volume" / "pgdata.initdb").exists()


def test_a_server_that_was_killed_starts_again(volume: Volume) -> None:
    volume.bootstrap()
    with running(volume) as process:
        os.killpg(process.pid, signal.SIGKILL)
    assert (volume.data / "postmaster.pid").exists()
    volume.bootstrap()
    assert not (volume.data / "postmaster.pid").exists()


def test_another_major_on_the_volume_is_refused_with_the_cure(volume: Volume) -> None:
    volume.bootstrap()
    (volume.data / "PG_VERSION").write_text("15\n")
    process = volume.start("bootstrap.sh")
    _, complaint = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 1
    assert "spec.postgres.embedded.version back to 15" in complaint


def test_files_without_a_cluster_are_never_overwritten(volume: Volume) -> None:
    volume.data.mkdir(mode=0o777)
    volume.data.chmod(0o777)
    (volume.data / "precious").write_text("x")
    process = volume.start("bootstrap.sh")
    _, complaint = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 1
    assert "move them away first" in complaint
    assert (volume.data / "precious").read_text() == "x"
