"""Every pod is killed once while messages flow; nothing acknowledged is lost."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from support.instance import Instance, wait_until

from supmessenger_cli.client import Client, Refused, open_client, open_socket
from supmessenger_cli.wire import encode_bytes

# Every pod once, each with its own deadline: minutes, on a machine that is busy with more.
pytestmark = [pytest.mark.node, pytest.mark.timeout(900)]

SENDS_PER_SECOND = 14
WANTED_PER_SECOND = 10
WAITING_SENDS = 400  # bound of messages that wait for their acknowledgement
RECOVERY_SECONDS = 120
OPERATOR_NAMESPACE = "sup-system"
# What a client sees while a pod is replaced; it tries the same message again.
PASSING = (httpx.HTTPError, OSError)


@dataclass
class Flow:
    """A steady stream of messages, each sent again until it is acknowledged."""

    client: Client
    chat: str
    acknowledged: dict[int, str] = field(default_factory=dict)
    retries: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> float:
        """Send until stopped; returns the seconds it lasted, the last retries included."""
        began = time.monotonic()
        room = asyncio.Semaphore(WAITING_SENDS)
        async with asyncio.TaskGroup() as tasks:
            count = 0
            while not self._stop.is_set():
                await room.acquire()
                task = tasks.create_task(self._send(f"message {count}"))
                task.add_done_callback(lambda _: room.release())
                count += 1
                due = began + count / SENDS_PER_SECOND
                await asyncio.sleep(max(0.0, due - time.monotonic()))
        return time.monotonic() - began

    def stop(self) -> None:
        """Send no new message."""
        self._stop.set()

    async def _send(self, content: str) -> None:
        body = {
            "clientMsgId": secrets.token_hex(16),
            "contentType": "text/plain",
            "content": encode_bytes(content.encode()),
        }
        while True:
            try:
                sent = await self.client.call_json(
                    "POST", f"/api/v1/chats/{self.chat}/messages", json=body
                )
            except PASSING:
                pass
            except Refused as refused:
                if refused.status < 500 and refused.status != 429:
                    raise
            else:
                self.acknowledged[sent["seq"]] = sent["id"]
                return
            self.retries += 1
            await asyncio.sleep(0.3)  # a polite client's pause between two tries


async def test_no_acknowledged_message_is_lost_when_each_pod_is_killed(demo: Instance) -> None:
    async with demo.member("alice") as alice, demo.member("bob") as bob:
        chat = await alice.client.call_json(
            "POST", "/api/v1/chats", json={"type": "direct", "memberIds": [bob.client.user]}
        )
        async with open_client(await demo.target()) as offline:
            # Logged in before, offline the whole time.
            await offline.log_in(login=bob.username, password=bob.password)
            flow = Flow(alice.client, chat["id"])
            running = asyncio.create_task(flow.run())
            try:
                for pod in await demo.pods():
                    await kill_and_wait(demo, pod)
                await kill_operator(demo)
            finally:
                flow.stop()
            seconds = await asyncio.wait_for(running, RECOVERY_SECONDS)
            rate = len(flow.acknowledged) / seconds
            print(
                f"{len(flow.acknowledged)} acknowledged in {seconds:.0f} s ({rate:.1f}/s), "
                f"{flow.retries} retries"
            )
            assert rate >= WANTED_PER_SECOND
            await bob.client.refresh()
            assert await read_all(bob.client, chat["id"]) == flow.acknowledged
            await check_offline_device(offline, chat["id"], flow.acknowledged)


async def kill_and_wait(demo: Instance, pod: dict[str, Any]) -> None:
    """Kill a pod (SIGKILL after a second) and wait for its successor and the instance."""
    name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
    component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
    await demo.kubectl.run(
        "delete", "pod", name, "-n", demo.namespace, "--grace-period=1", "--wait=false"
    )

    async def has_successor() -> bool:
        return any(
            other["metadata"]["labels"]["app.kubernetes.io/component"] == component
            and other["metadata"]["uid"] != uid
            and is_pod_ready(other)
            for other in await demo.pods()
        )

    took = await wait_until(has_successor, timeout=RECOVERY_SECONDS, what=f"{component} again")
    await demo.wait_until_ready(timeout=RECOVERY_SECONDS)
    print(f"{component}: Ready again after {took:.1f} s")


async def kill_operator(demo: Instance) -> None:
    """Kill every pod of the operator at once; its successors watch over the instance again."""
    where = ("-n", OPERATOR_NAMESPACE)
    selector = ("-l", "app.kubernetes.io/name=sup-operator")
    await demo.kubectl.run("delete", "pod", *where, *selector, "--grace-period=1")
    await demo.kubectl.run(
        *("rollout", "status", "deployment/sup-operator", *where, "--timeout=50s")
    )
    await demo.kubectl.run("delete", "service", f"{demo.name}-media", "-n", demo.namespace)

    async def is_repaired() -> bool:
        found = await demo.kubectl.get("services", "-n", demo.namespace, "-l", demo.selector)
        return f"{demo.name}-media" in [item["metadata"]["name"] for item in found["items"]]

    took = await wait_until(is_repaired, timeout=RECOVERY_SECONDS, what="a repair")
    print(f"operator: repairs again {took:.1f} s after its pods are Ready")


def is_pod_ready(pod: dict[str, Any]) -> bool:
    """Return whether a pod is Ready."""
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


async def read_all(client: Client, chat: str) -> dict[int, str]:
    """Read a chat's whole history forward; its seqs must be gapless from 1."""
    found: dict[int, str] = {}
    after = 0
    while True:
        page = await client.call_json(
            "GET", f"/api/v1/chats/{chat}/messages", params={"after": after, "limit": 100}
        )
        if not page["messages"]:
            return found
        for message in page["messages"]:
            assert message["seq"] == after + 1, "the history has a hole or is out of order"
            after = message["seq"]
            found[after] = message["id"]


async def check_offline_device(client: Client, chat: str, wanted: dict[int, str]) -> None:
    """The device that was offline resumes: it is told the whole or to reload, and then has it."""
    async with open_socket(client) as socket:
        answer = await socket.ask({"type": "resume", "chats": [{"chat": chat, "seq": 0}]})
        (resumed,) = [c for c in answer["chats"] if c["chat"] == chat]
        assert resumed["seq"] == max(wanted)
        if resumed["status"] == "recovered":
            messages = [e for e in socket.events if e["type"] == "message" and e["chat"] == chat]
            assert {m["seq"]: m["id"] for m in messages} == wanted
            assert [m["seq"] for m in messages] == sorted(wanted)
        else:
            assert resumed["status"] == "reset"
            assert await read_all(client, chat) == wanted
