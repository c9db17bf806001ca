"""Redis as the pod runs it: its check, and what the user that watches may and may not do."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.deployables import build_all, to_plain
from support.messengers import make_messenger
from support.processes.servers import probe_free_port

pytestmark = pytest.mark.services

PASSWORD, MONITOR = "full-password", "monitor-password"
DEADLINE_SECONDS = 60.0
COMPONENTS = ("redis-cache", "redis-state")


@dataclass(frozen=True)
class RunningRedis:
    """A server under test: its port and the check that its pod has."""

    port: int
    check: str

    def ask(self, *command: str, user: str = "default", password: str = PASSWORD) -> str:
        """Return the answer to a command."""
        login = ("--user", user, "--pass", password, "--no-auth-warning")
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *login, *command],
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=True,
        )
        return done.stdout.strip()

    def check_health(self, check: str = "") -> int:
        """Return the exit code of the pod's check."""
        argv = ["sh", "-c", check or self.check]
        done = subprocess.run(argv, timeout=DEADLINE_SECONDS, capture_output=True)
        return done.returncode


@pytest.fixture(params=COMPONENTS)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningRedis]:
    port = probe_free_port()
    folders = {
        "/bindings": tmp_path / "bindings",
        "/run/redis": tmp_path / "run",
        "/data": tmp_path / "data",
        "/etc/sup-redis": tmp_path / "config",
    }
    for folder in folders.values():
        folder.mkdir()
    objects = [
        to_plain(one) for one in build_all(make_messenger()) if one.component == request.param
    ]
    files = next(one["data"] for one in objects if one["kind"] == "ConfigMap")
    pod = next(one for one in objects if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]

    def relocate(text: str) -> str:
        for path, folder in folders.items():
            text = text.replace(path, str(folder))
        return text.replace("port 6379", f"port {port}")

    for name, text in files.items():
        (folders["/etc/sup-redis"] / name).write_text(relocate(text))
    write_secret(folders["/bindings"] / request.param, {"password": PASSWORD})
    users = dict.fromkeys(COMPONENTS, "of the other") | {request.param: MONITOR}
    write_secret(folders["/bindings"] / "redis-users", users)
    (container,) = pod["containers"]
    shell, option, check = container["readinessProbe"]["exec"]["command"]
    assert (shell, option) == ("sh", "-c")
    check = relocate(check).replace("redis-cli", f"redis-cli -p {port}")
    script = folders["/etc/sup-redis"] / "run.sh"
    process = subprocess.Popen(["sh", str(script)], env={"PATH": os.environ["PATH"]})
    made = RunningRedis(port, check)
    try:
        wait_until_healthy(made)
        yield made
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_SECONDS)


def write_secret(folder: Path, values: Mapping[str, str]) -> None:
    folder.mkdir()
    for key, value in values.items():
        (folder / key).write_text(value)


def wait_until_healthy(redis: RunningRedis) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while redis.check_health() != 0:
        assert time.monotonic() < deadline, "the check never passed"
        time.sleep(0.05)


def test_the_check_is_one_process_and_knows_good_from_bad(running: RunningRedis) -> None:
    assert "|" not in running.check.replace("||", "")
    assert "exec redis-cli" in running.check
    assert running.check_health() == 0
    wrong = running.check.replace(f"-p {running.port}", "-p 1")
    assert running.check_health(wrong) != 0
    running.ask("CONFIG", "SET", "requirepass", "another")
    assert running.check_health() != 0


def test_who_watches_sees_figures_and_nothing_else(running: RunningRedis) -> None:
    running.ask("SET", "presence", "private")

    def watch(*command: str) -> str:
        return running.ask(*command, user="sup_monitor", password=MONITOR)

    assert watch("PING") == "PONG"
    assert "used_memory:" in watch("INFO", "ALL")
    assert PASSWORD not in watch("INFO", "ALL")
    for command in (
        *(("GET", "presence"), ("KEYS", "*"), ("SCAN", "0"), ("SET", "a", "b"), ("FLUSHALL",)),
        *(("CONFIG", "GET", "requirepass"), ("ACL", "LIST"), ("CLIENT", "LIST"), ("MONITOR",)),
        *(("SLOWLOG", "GET"), ("EVAL", "return 1", "0"), ("SUBSCRIBE", "sup"), ("SHUTDOWN",)),
    ):
        assert "NOPERM" in watch(*command), command
    assert running.ask("GET", "presence") == "private"


def test_the_passwords_of_the_two_users_are_not_each_other_s(running: RunningRedis) -> None:
    for user, password in (("sup_monitor", PASSWORD), ("default", MONITOR)):
        assert "NOAUTH" in running.ask("PING", user=user, password=password)
