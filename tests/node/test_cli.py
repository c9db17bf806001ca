"""The verbs of `kubectl sup` on the node: on the sample where they only look, else on its own."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from support.instance import Instance, make_tiny

pytestmark = pytest.mark.node

PROGRAM = (sys.executable, "-c", "from supmessenger_cli.main import run; run()")
CHAT = ("-n", "chat")


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ,
    )


async def call(*arguments: str, code: int = 0) -> str:
    """Run a verb to its end and return what it printed; the exit code is part of the claim."""
    process = await start(*arguments)
    out, err = await process.communicate()
    assert process.returncode == code, f"{arguments}\n{out.decode()}\n{err.decode()}"
    assert b"Traceback" not in err
    return out.decode()


async def test_status_and_setup_find_the_sample_well(demo: Instance) -> None:
    status = json.loads(await call("status", demo.name, *CHAT, "-o", "json"))
    assert status["ready"] is True
    assert "postgres" in {one["name"] for one in status["components"]}

    checks = json.loads(await call("setup", *CHAT, "-o", "json"))
    states = {one["check"]: one["state"] for one in checks}
    assert states["CRD"] == states["default StorageClass"] == states["operator"] == "ok"
    assert states["namespace chat"] == "ok"


async def test_the_doctor_answers_every_line_and_tells_no_secret(demo: Instance) -> None:
    process = await start("doctor", demo.name, *CHAT, "-o", "json")
    out, err = await process.communicate()
    assert process.returncode in (0, 1), err.decode()
    report = json.loads(out)
    checks = {one["check"]: one for part in report["sections"] for one in part["checks"]}

    assert len(checks) == 14 + 8 + 4
    for name in (
        "Change all default passwords",
        "Set secure Redis password",
        "Update RabbitMQ credentials",
        "Configure firewall rules",
        "Review and restrict exposed ports",
        "Set up log rotation",
        "JWT_SECRET",
    ):
        assert checks[name]["state"] == "ok", checks[name]
    assert "served by the edge" in checks["Enable SSL/TLS certificates"]["seen"]
    assert "connections in use" in checks["Database connection issues"]["seen"]
    secret = await demo.get("secret", "demo-postgres")
    assert secret["data"]["password"] not in out.decode()


async def test_the_lines_of_one_request_are_found(demo: Instance) -> None:
    lines = (await call("logs", demo.name, "api", *CHAT, "--tail", "200")).splitlines()
    requests = [line for line in lines if '"request_id":' in line]
    found = json.loads(requests[-1].partition(" ")[2])["request_id"]

    process = await start("logs", demo.name, *CHAT, "--request-id", found, "--since", "2h")
    out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    assert out.decode().splitlines()
    assert all(found in line for line in out.decode().splitlines())


async def test_the_schema_is_told_by_the_database(demo: Instance) -> None:
    states = json.loads(await call("migrate", "status", demo.name, *CHAT, "-o", "json"))
    assert {one["state"] for one in states} == {"applied"}
    assert states[0]["name"] == "000_initial_functions"
    assert "nothing is pending" in await call("migrate", "up", demo.name, *CHAT)
    refused = await call("migrate", "down", demo.name, *CHAT, "--without-backup", code=2)
    assert "is taken back" in refused  # told, then nobody could be asked


async def test_a_backup_is_made_listed_and_verified(demo: Instance) -> None:
    made = json.loads(await call("backup", "create", demo.name, *CHAT, "-o", "json"))
    archive = Path(made["archive"]).name

    archives = json.loads(await call("backup", "list", demo.name, *CHAT, "-o", "json"))
    assert archives[-1]["name"] == archive
    assert archives[-1]["sha256"] is True
    await call("backup", "verify", demo.name, archive, *CHAT)
    await call("backup", "verify", demo.name, "sup-demo-never.tar.zst", *CHAT, code=1)


async def test_a_page_is_open_until_the_person_ends_it(demo: Instance) -> None:
    process = await start("open", "rabbitmq", demo.name, *CHAT)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        address = (await process.stdout.readline()).decode().split()[-1]
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        assert (await client.get(address)).status_code == 200

    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert "get secret demo-rabbitmq-admin" in out.decode()
    password = (await demo.get("secret", "demo-rabbitmq-admin"))["data"]["password"]
    assert password not in out.decode()


@pytest.fixture
async def nap(tmp_path: Path) -> AsyncIterator[Instance]:
    """An instance of the test's own, deployed by the verb."""
    body = make_tiny("nap")
    off = {"livekit": {"enabled": False}, "turn": {"enabled": False}}
    body["spec"] |= {**off, "monitoring": {"enabled": False}}
    file = tmp_path / "nap.yaml"
    file.write_text(json.dumps(body))
    instance = Instance("nap")
    told = await call("deploy", "-f", str(file), *CHAT)
    assert "nap is Ready" in told
    yield instance
    await instance.remove_with_data()


@pytest.mark.xdist_group("nap")
@pytest.mark.timeout(1500)
async def test_an_instance_sleeps_wakes_restarts_and_goes(nap: Instance) -> None:
    async with nap.member("alice") as alice:
        account = alice
    before = {pod["metadata"]["uid"] for pod in await nap.pods()}

    assert "nap is stopped" in await call("stop", "nap", *CHAT)
    assert await nap.pods() == []
    assert await nap.condition("Ready") == {}
    assert (await nap.resource())["status"]["phase"] == "Hibernated"
    assert (await nap.get("cronjob", "nap-backup"))["spec"]["suspend"] is True

    assert "nap runs" in await call("start", "nap", *CHAT)
    pods = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in await nap.pods()}
    assert not before & set(pods.values())
    async with nap.member("bob") as bob:  # what was written before the sleep is there
        users = await bob.client.call_json("GET", f"/api/v1/users?username={account.username}")
        assert account.username in json.dumps(users)

    await call("restart", "nap", "redis-cache", *CHAT)
    after = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in await nap.pods()}
    assert {name for name in pods if after.get(name) != pods[name]} == {"nap-redis-cache-0"}

    listed = await call("clean", "nap", *CHAT, "--data", "--dry-run")
    assert "volume data-nap-postgres-0" in listed
    await call("clean", "nap", *CHAT, code=2)  # nobody is there to confirm
    await call("clean", "nap", *CHAT, "--data", "--yes")
    left = await nap.kubectl.get("pvc,secret,sup", "-n", nap.namespace, "-l", nap.selector)
    assert left["items"] == []
