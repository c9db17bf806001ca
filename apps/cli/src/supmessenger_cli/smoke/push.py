"""Push: a device that is not connected is woken, and nobody on the way reads why."""

import asyncio
import json
import secrets
from typing import Any
from urllib.parse import urlsplit

from supmessenger_cli.browser import Browser
from supmessenger_cli.client import open_client
from supmessenger_cli.conversation import SmokeFailure
from supmessenger_cli.smoke.stage import Stage
from supmessenger_cli.wire import decode_bytes

# From the message over outbox, broker and worker to the push service.
PUSHED_SECONDS = 30.0
POLL_SECONDS = 0.25
TEXT = "c2VjcmV0"


async def check_push(stage: Stage) -> None:
    """Wake bob's second device by way of the stand-in, where the instance may call it."""
    sink = find_sink(stage)
    if sink is None:
        return
    browser, name = Browser(), secrets.token_hex(8)
    async with open_client(stage.target) as tablet:
        async with stage.story.step("bob: a second device, not connected, asks to be woken"):
            await tablet.log_in(login=stage.bob.username, password=stage.bob.password)
            await tablet.call_json("GET", "/api/v1/push/web-push-key")
            body = {
                "provider": "web_push",
                "subscription": browser.build_subscription(f"{sink}/web-push/{name}"),
            }
            await tablet.call("PUT", "/api/v1/devices/current/push", json=body)
        async with stage.story.step("alice: a message wakes it, without a word of the message"):
            await send(stage)
            push = await wait_for_push(stage, sink, name)
            check_pushed(push, browser, chat=stage.chat)
        await tablet.call("DELETE", "/api/v1/sessions/current")


def find_sink(stage: Stage) -> str | None:
    """Return the address of the stand-in, when the resource allows it; None otherwise."""
    push = stage.resource["spec"].get("push") or {}
    hosts = (push.get("webPush") or {}).get("allowedHosts") or []
    return next((host for host in hosts if host.startswith("http://push-sink.")), None)


async def send(stage: Stage) -> None:
    """Let alice write to the chat."""
    body = {"clientMsgId": secrets.token_hex(16), "contentType": "text/plain", "content": TEXT}
    await stage.alice.client.call("POST", f"/api/v1/chats/{stage.chat}/messages", json=body)


async def wait_for_push(stage: Stage, sink: str, name: str) -> dict[str, Any]:
    """Wait until the stand-in was given something for a device; TimeoutError otherwise."""
    service = str(urlsplit(sink).hostname).partition(".")[0]
    async with asyncio.timeout(PUSHED_SECONDS):
        while True:
            pushes: list[dict[str, Any]] = await stage.ask(service, "http", "/pushes", to=name)
            if pushes:
                return pushes[0]
            await asyncio.sleep(POLL_SECONDS)


def check_pushed(push: dict[str, Any], browser: Browser, *, chat: str) -> None:
    """Look at what the push service saw and at what the browser reads."""
    headers, body = push["headers"], decode_bytes(push["body"].rstrip("="))
    if headers.get("content-encoding") != "aes128gcm" or not headers.get("topic"):
        raise SmokeFailure(f"the push is not as the standard wants it: {sorted(headers)}")
    if TEXT.encode() in body or chat.encode() in json.dumps(push).encode():
        raise SmokeFailure("the push service could read what was said or where")
    told = json.loads(browser.decrypt(body))
    if told != {"type": "message", "chat": chat}:
        raise SmokeFailure(f"the browser was told {told}")
