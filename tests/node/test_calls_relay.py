"""LiveKit and the relay on the node: reached from outside, and reaching nothing inside."""

import asyncio
import base64
import ssl
from ipaddress import ip_address

import httpx
import pytest
from aioice import stun
from support.instance import Instance, wait_until
from support.relay import ALLOWED, FORBIDDEN, Caller

from supmessenger_common.bindings import TurnBinding
from supmessenger_worker.checks.turn import probe_turn

pytestmark = pytest.mark.node


async def read_secret(demo: Instance, name: str, key: str) -> str:
    secret = await demo.get("secret", name)
    return base64.b64decode(secret["data"][key]).decode()


async def read_address(demo: Instance, service: str) -> str:
    body = await demo.get("service", service)
    ingress = (body["status"].get("loadBalancer") or {}).get("ingress") or [{}]
    return str(ingress[0].get("ip", ""))


async def read_address_in_force(demo: Instance) -> str:
    endpoint = (await demo.resource())["status"]["endpoints"].get("turn", "")
    return str(endpoint).removeprefix("turn:").removesuffix(":3478")


async def is_well(demo: Instance) -> bool:
    conditions = [await demo.condition(kind) for kind in ("LivekitReady", "TurnReady")]
    return all(condition.get("status") == "True" for condition in conditions)


@pytest.fixture
async def caller(demo: Instance) -> Caller:
    """A caller from outside of the cluster, with credentials that end by themselves."""
    address = await read_address(demo, "demo-turn")
    return Caller(address, 3478, await read_secret(demo, "demo-turn", "shared-secret"))


async def test_calls_are_ready_with_live_checks(demo: Instance) -> None:
    for kind in ("LivekitReady", "TurnReady"):
        condition = await demo.condition(kind)
        assert (condition["status"], condition["reason"]) == ("True", "Checked"), condition
    status = (await demo.resource())["status"]
    assert status["endpoints"]["livekit"] == "wss://chat.example.org/livekit"
    assert await read_address_in_force(demo) == await read_address(demo, "demo-turn")


async def test_a_caller_gets_a_binding_and_an_allocation(caller: Caller) -> None:
    answer = await probe_turn(f"{caller.host}:3478", TurnBinding(shared_secret=caller.secret))
    assert answer.message == f"relays from {caller.host}"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_relay_reaches_livekit_and_nothing_of_the_cluster(
    demo: Instance, caller: Caller, transport: str
) -> None:
    caller = Caller(caller.host, caller.port, caller.secret, transport)
    pods = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in await demo.pods()}
    api_server = await demo.kubectl.get("service", "kubernetes", "-n", "default")
    nodes = await demo.kubectl.get("nodes")
    inside = [
        "127.0.0.1",
        *pods.values(),
        api_server["spec"]["clusterIP"],
        (await demo.get("service", "demo-postgres"))["spec"]["clusterIP"],
        *(one["address"] for one in nodes["items"][0]["status"]["addresses"] if _is_ip(one)),
        *("169.254.169.254", "10.0.0.1", "192.168.0.1", "224.0.0.1", "8.8.8.8"),
    ]
    livekit = await read_address(demo, "demo-livekit-rtc")
    answers, (host, port) = await caller.ask(livekit, *inside)
    assert answers.pop(livekit) == ALLOWED
    assert answers == dict.fromkeys(inside, FORBIDDEN)
    assert host == caller.host
    assert 49152 <= port <= 49200


def _is_ip(address: dict[str, str]) -> bool:
    return address["type"] == "InternalIP"


async def test_the_relay_shows_a_certificate_for_its_own_address(
    demo: Instance, caller: Caller
) -> None:
    authority = (await demo.get("configmap", "demo-ca"))["data"]["ca.crt"]
    context = ssl.create_default_context(cadata=authority)
    _, writer = await asyncio.wait_for(
        asyncio.open_connection(caller.host, 5349, ssl=context), timeout=10
    )
    writer.close()


async def test_signalling_passes_the_edge_and_the_api_of_livekit_does_not(demo: Instance) -> None:
    edge = await read_address(demo, "demo-edge")
    async with httpx.AsyncClient(
        base_url=f"https://{edge}", verify=False, trust_env=False, timeout=10
    ) as client:
        refused = await client.get("/livekit/rtc/validate?access_token=forged")
        assert refused.status_code == 403
        assert refused.json()["code"] == "not_in_call"
        hidden = await client.post("/livekit/twirp/livekit.RoomService/ListRooms", json={})
        assert hidden.json()["code"] == "not_found"


async def test_another_address_is_followed(demo: Instance, caller: Caller) -> None:
    first = int(ip_address(caller.host)) // 256 * 256
    wanted = next(
        str(ip_address(first + last)) for last in (240, 241) if not caller.host.endswith(str(last))
    )
    before = (await demo.resource())["spec"].get("turn")
    annotations = {"metallb.io/loadBalancerIPs": wanted}
    await demo.patch({"spec": {"turn": {"exposure": {"annotations": annotations}}}})
    try:
        relay = Caller(wanted, 3478, caller.secret)
        livekit = await read_address(demo, "demo-livekit-rtc")

        async def is_followed() -> bool:
            try:
                async with asyncio.timeout(2):
                    answers, (host, _) = await relay.ask(livekit)
            except (OSError, TimeoutError, stun.TransactionError):
                return False  # its pod is being replaced
            return (answers[livekit], host) == (ALLOWED, wanted)

        await wait_until(is_followed, timeout=180, what=f"the relay to be at {wanted}")
        assert await read_address_in_force(demo) == wanted
    finally:
        removed: dict[str, str | None] = dict.fromkeys(annotations)
        restored = {"exposure": {"annotations": removed}} if before else None
        await demo.patch({"spec": {"turn": restored}})
    await wait_until(lambda: is_well(demo), timeout=180, what="the relay to be back")
