"""`kubectl sup` deploys an instance, lets it sleep, wakes it, restarts a part and removes it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.instance import Instance, make_tiny
from support.verbs import CHAT, call

pytestmark = [pytest.mark.node, pytest.mark.timeout(1500)]


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
