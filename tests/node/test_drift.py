"""What someone deletes or edits is back within five seconds."""

import json

import pytest
from support.instance import Instance, wait_until

pytestmark = pytest.mark.node

REPAIR_SECONDS = 5.0


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        ("service", "api"),
        ("deployment", "worker"),
        ("configmap", "edge"),
        ("cronjob", "backup"),
        ("networkpolicy", "api"),
    ],
)
async def test_a_deleted_child_is_back(demo: Instance, kind: str, component: str) -> None:
    name = f"{demo.name}-{component}"
    uid = (await demo.get(kind, name))["metadata"]["uid"]
    await demo.kubectl.run("delete", kind, name, "-n", demo.namespace, "--wait=false")

    async def is_back() -> bool:
        now = await demo.kubectl.get(kind, "-n", demo.namespace, "-l", demo.selector)
        return any(
            item["metadata"]["name"] == name
            and item["metadata"]["uid"] != uid
            and "deletionTimestamp" not in item["metadata"]
            for item in now["items"]
        )

    assert await wait_until(is_back, timeout=30, what=f"{kind} {name}") <= REPAIR_SECONDS


async def test_an_edited_child_is_put_right(demo: Instance) -> None:
    name = f"{demo.name}-api"
    right = (await demo.get("service", name))["spec"]["ports"]
    wrong = [{**right[0], "port": 9999}]
    await demo.kubectl.run(
        *("patch", "service", name, "-n", demo.namespace, "--type=merge"),
        *("--patch", json.dumps({"spec": {"ports": wrong}})),
    )

    async def is_right() -> bool:
        ports = (await demo.get("service", name))["spec"]["ports"]
        return [p["port"] for p in ports] == [p["port"] for p in right]

    assert await wait_until(is_right, timeout=30, what="the port") <= REPAIR_SECONDS
