"""The verbs of `kubectl sup` on the node: on the sample where they only look, else on its own."""

import asyncio
import json
import os
import signal
from pathlib import Path

import httpx
import pytest
from support.instance import Instance
from support.verbs import CHAT, call, start

pytestmark = pytest.mark.node


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


async def test_the_lines_of_a_request_are_found_as_soon_as_it_is_answered(demo: Instance) -> None:
    async with demo.member("alice") as alice:
        answer = await alice.client.call("GET", "/api/v1/users/me")
    request = answer.headers["x-request-id"]

    found = await call("logs", demo.name, *CHAT, "--request-id", request, "--wait", "60")

    lines = found.splitlines()
    assert all(request in line for line in lines)
    assert {line.split("-")[1] for line in lines} == {"edge", "api"}


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
        # Its port-forward breaks, and the page is there again at the same address.
        end_children(process.pid)
        said = b""
        async with asyncio.timeout(60):
            while b"open again" not in said:
                line = await process.stdout.readline()
                # At its end a stream answers at once, so that no timeout would come through.
                assert line, said.decode()
                said += line
        assert (await client.get(address)).status_code == 200

    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert "get secret demo-rabbitmq-admin" in said.decode()
    password = (await demo.get("secret", "demo-rabbitmq-admin"))["data"]["password"]
    assert password not in (said + out).decode()


def end_children(pid: int) -> None:
    """End what a process has started."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), signal.SIGTERM)
