"""The relay and LiveKit as real processes, started by the scripts of their pods."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from aioice import stun
from support.edge import read_certificate_of, wait_until, write_certificate
from support.messengers import make_inputs, make_messenger
from support.processes.binaries import build_debian_env, find_livekit, find_turnserver
from support.processes.redis import RedisServer
from support.processes.servers import probe_free_port
from support.relay import ALLOWED, FORBIDDEN, Caller

from supmessenger_common.bindings import LivekitBinding, TurnBinding
from supmessenger_operator.desired.livekit import build_livekit_yaml
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.desired.turn import build_turnserver_conf
from supmessenger_worker.checks.livekit import probe_livekit
from supmessenger_worker.checks.turn import probe_turn

pytestmark = pytest.mark.services

DEADLINE_SECONDS = 60.0
SECRET = "a-shared-secret"
LIVEKIT_ADDRESS = "198.51.100.11"
ELSEWHERE = (
    *("127.0.0.1", "127.0.0.2", "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.65.0.1"),  # noqa: S104
    *("169.254.169.254", "172.16.0.1", "192.168.0.1", "224.0.0.1", "255.255.255.255", "8.8.8.8"),
)


@dataclass(frozen=True)
class Running:
    """A process under test with its folders and ports."""

    process: subprocess.Popen[bytes]
    folder: Path
    ports: dict[str, int]


def write_binding(folder: Path, name: str, **values: str) -> None:
    binding = folder / "bindings" / name
    binding.mkdir(parents=True)
    for key, value in values.items():
        (binding / key.replace("_", "-")).write_text(value)


def prepare(folder: Path, *, config: dict[str, str], program: Path) -> dict[str, str]:
    """Lay out what a pod mounts; return the environment of its script."""
    for name in ("config", "run", "bin", "certificate"):
        (folder / name).mkdir()
    for name, text in config.items():
        (folder / "config" / name).write_text(text)
    (folder / "bin" / program.name).symlink_to(program)
    # In a pod it prints the pod's address.
    hostname = folder / "bin" / "hostname"
    hostname.write_text("#!/bin/sh\necho 127.0.0.1\n")
    hostname.chmod(0o755)
    environment = {**os.environ, **build_debian_env()}
    return {
        **environment,
        "PATH": f"{folder}/bin:{environment['PATH']}",
        "CONFIG": str(folder / "config"),
        "BINDINGS": str(folder / "bindings"),
        "RUN": str(folder / "run"),
    }


def start(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            ["sh", str(folder / "config/run.sh")], env=environment, stdout=log, stderr=log
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program; LiveKit loses a signal that comes in the first tenth of a second."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    try:
        while process.poll() is None:
            assert time.monotonic() < deadline, "it does not end when told"
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
    finally:
        process.kill()  # nothing is left behind, whatever was wrong
        process.wait()


def build_relay_files(folder: Path, ports: dict[str, int]) -> dict[str, str]:
    messenger = make_messenger()
    text = build_turnserver_conf(messenger, make_inputs(messenger))
    for name, port in ports.items():
        text = re.sub(rf"(?m)^{name}=.*$", f"{name}={port}", text)
    text = text.replace("/bindings/tls", str(folder / "certificate"))
    text = text.replace("/tmp/turn", f"{folder}/turn")
    return {"turnserver.conf": text, "run.sh": build_file("turn-run.sh")}


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Running]:
    """The relay as the pod runs it, on loopback."""
    program = find_turnserver()
    assert program is not None, "checked by the tier's requirements"
    ports = {name: probe_free_port() for name in ("listening-port", "tls-listening-port")}
    environment = prepare(tmp_path, config=build_relay_files(tmp_path, ports), program=program)
    environment |= {"CERTIFICATE": str(tmp_path / "certificate"), "PUBLIC_IP": "198.51.100.12"}
    write_certificate(tmp_path / "certificate", "first.example.org")
    write_binding(tmp_path, "turn", shared_secret=SECRET)
    process = start(tmp_path, environment)
    running = Running(process, tmp_path, ports)
    wait_until(lambda: asyncio.run(answers(ports["listening-port"])), "the relay did not start")
    yield running
    stop(process)


async def answers(port: int) -> bool:
    try:
        async with asyncio.timeout(1):
            await probe_turn(f"127.0.0.1:{port}", None)
    except (OSError, TimeoutError, stun.TransactionError):
        return False
    return True


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_relay_reaches_livekit_and_refuses_everybody_else(
    relay: Running, transport: str
) -> None:
    caller = Caller("127.0.0.1", relay.ports["listening-port"], SECRET, transport)
    answers, (host, port) = await caller.ask(LIVEKIT_ADDRESS, *ELSEWHERE)
    assert answers.pop(LIVEKIT_ADDRESS) == ALLOWED
    assert answers == dict.fromkeys(ELSEWHERE, FORBIDDEN)
    assert host == "198.51.100.12"
    assert 49152 <= port <= 49200


async def test_credentials_are_of_the_shared_secret_alone(relay: Running) -> None:
    address = f"127.0.0.1:{relay.ports['listening-port']}"
    await probe_turn(address, TurnBinding(shared_secret=SECRET))
    with pytest.raises(Exception, match="refuses our credentials"):
        await probe_turn(address, TurnBinding(shared_secret="another"))


def test_the_secret_is_readable_by_the_relay_alone(relay: Running) -> None:
    made = relay.folder / "run/turnserver.conf"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert SECRET in made.read_text()
    assert SECRET not in (relay.folder / "config/turnserver.conf").read_text()
    assert SECRET.encode() not in (relay.folder / "log").read_bytes()


def test_a_renewed_certificate_is_shown_by_the_same_process(relay: Running) -> None:
    port = relay.ports["tls-listening-port"]
    before = read_certificate_of(port)
    write_certificate(relay.folder / "certificate", "second.example.org")
    wait_until(lambda: read_certificate_of(port) != before, "the certificate was not taken up")
    assert relay.process.poll() is None
    assert (relay.folder / "log").read_bytes().count(b"Relay ports initialization done") == 1


@pytest.mark.parametrize("secret", ["", "one\nallowed-peer-ip=10.0.0.1", 'quo"te', "a b"])
def test_a_secret_that_would_be_more_than_a_secret_is_refused(secret: str, tmp_path: Path) -> None:
    program = find_turnserver()
    assert program is not None
    environment = prepare(tmp_path, config=build_relay_files(tmp_path, {}), program=program)
    environment |= {"CERTIFICATE": "", "PUBLIC_IP": "198.51.100.12"}
    write_binding(tmp_path, "turn", shared_secret=secret)
    assert start(tmp_path, environment).wait(timeout=DEADLINE_SECONDS) == 1
    assert b"shared-secret" in (tmp_path / "log").read_bytes()


async def test_livekit_takes_what_the_script_adds(tmp_path: Path, redis_state: RedisServer) -> None:
    program = find_livekit()
    assert program is not None, "checked by the tier's requirements"
    messenger = make_messenger()
    names = ("port", "tcp_port", "udp_port")
    ports = {name: probe_free_port() for name in names}
    text = build_livekit_yaml(messenger, make_inputs(messenger))
    for name, port in ports.items():
        text = re.sub(rf"(?m)^( *){name}: \d+$", rf"\g<1>{name}: {port}", text, count=1)
    text = re.sub(r"(?m)^  port: 6789$", f"  port: {probe_free_port()}", text)
    text = text.replace("/bindings/", f"{tmp_path}/bindings/")
    files = {"livekit.yaml": text, "run.sh": build_file("livekit-run.sh")}
    environment = prepare(tmp_path, config=files, program=program)
    environment["WEBHOOK"] = f"http://127.0.0.1:{probe_free_port()}/internal/livekit/webhook"
    awkward = 'key with "quotes" and \\ backslash, thirty-two'
    write_binding(tmp_path, "livekit", api_key="APIx", api_secret=awkward)
    write_binding(tmp_path, "turn", shared_secret=SECRET)
    (tmp_path / "bindings/turn/shared-secret").chmod(0o440)
    write_binding(
        tmp_path,
        "redis-state",
        host="127.0.0.1",
        port=str(redis_state.port),
        password=redis_state.password,
    )
    process = start(tmp_path, environment)
    try:
        url = f"http://127.0.0.1:{ports['port']}"
        wait_until(lambda: is_up(url), (tmp_path / "log").read_text())
        await probe_livekit(
            url, LivekitBinding(url=url, public_url=url, api_key="APIx", api_secret=awkward)
        )
        made = tmp_path / "run/livekit.yaml"
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        assert yaml.safe_load(made.read_text())["webhook"]["api_key"] == "APIx"
        assert b"connecting to redis" in (tmp_path / "log").read_bytes()
    finally:
        stop(process)


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
