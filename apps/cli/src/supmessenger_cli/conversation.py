"""The smoke conversation: two new people meet, exchange keys, write, and share a picture."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from supmessenger_cli.client import Client, Socket, open_client, open_socket
from supmessenger_cli.encryption import DeviceKeys, decrypt_first, encrypt_first
from supmessenger_cli.picture import build_png
from supmessenger_cli.target import Kubectl, Target
from supmessenger_cli.wire import build_keys_body, decode_bytes, encode_bytes, parse_bundle

MAIL_SECONDS = 30.0
MAIL_POLL_SECONDS = 0.25
TOKEN_IN_LINK = re.compile(r"[?&#]token=([A-Za-z0-9_-]+)")
TEXT = "Meet me at the usual place."


class Mailbox(Protocol):
    """Where the instance's emails arrive."""

    async def read(self, recipient: str) -> list[dict[str, Any]]:
        """Return the messages for a recipient."""


@dataclass(frozen=True, kw_only=True)
class SinkMailbox:
    """The SMTP sink of the smoke overlay, read through the API server's proxy."""

    kubectl: Kubectl
    namespace: str
    service: str

    async def read(self, recipient: str) -> list[dict[str, Any]]:
        """Return the messages for a recipient."""
        path = (
            f"/api/v1/namespaces/{self.namespace}/services/{self.service}:http/proxy/messages"
            f"?to={recipient}"
        )
        messages: list[dict[str, Any]] = json.loads(await self.kubectl.run("get", "--raw", path))
        return messages


class SmokeFailure(Exception):
    """A step of the conversation did not go as it must; the message says what was seen."""


@dataclass(frozen=True)
class Step:
    """One finished step: what was seen and how long it took, in seconds."""

    title: str
    seconds: float


@dataclass
class Story:
    """The finished steps, reported as they end."""

    report: Any
    steps: list[Step] = field(default_factory=list)

    @asynccontextmanager
    async def step(self, title: str) -> AsyncIterator[None]:
        """Time one step; a failure names it."""
        started = time.monotonic()
        try:
            yield
        except TimeoutError as error:
            raise SmokeFailure(
                f"{title}: nothing came in {time.monotonic() - started:.1f} s"
            ) from error
        except SmokeFailure:
            raise
        except (OSError, KeyError, ValueError) as error:
            raise SmokeFailure(f"{title}: {error!r}") from error
        step = Step(title, time.monotonic() - started)
        self.steps.append(step)
        self.report(step)


@dataclass
class Person:
    """An account with one device and its keys."""

    nickname: str
    username: str
    email: str
    password: str
    client: Client
    keys: DeviceKeys = field(default_factory=lambda: DeviceKeys.generate(one_time=5, kyber=2))


Beyond = Callable[[Story, Person, Person, str], Awaitable[None]]


async def hold_conversation(
    target: Target, *, mailbox: Mailbox | None, report: Any, beyond: Beyond | None = None
) -> list[Step]:
    """Hold the whole conversation; returns the steps, raises SmokeFailure or Refused.

    `mailbox` is None when the instance has no SMTP: accounts are active at once then. `beyond` is
    called with both people still logged in and the id of their chat.
    """
    story = Story(report)
    async with AsyncExitStack() as stack:
        alice, bob = [
            await _join(story, stack, target=target, name=name, mailbox=mailbox)
            for name in ("alice", "bob")
        ]
        chat = await _open_chat(story, alice=alice, bob=bob)
        sockets: list[Socket] = []
        for person in (alice, bob):
            async with story.step(f"{person.nickname}: socket authenticated and resumed"):
                socket = await stack.enter_async_context(open_socket(person.client))
                answer = await socket.ask({"type": "resume", "chats": []})
                _expect(answer["type"] == "resumed", f"resume answered {answer}")
                sockets.append(socket)
        await _exchange(story, alice=alice, bob=bob, sockets=sockets, chat=chat)
        await _share_picture(story, alice=alice, bob=bob, chat=chat)
        if beyond is not None:
            await beyond(story, alice, bob, chat)
        await _leave(story, alice)
    return story.steps


async def _join(
    story: Story, stack: AsyncExitStack, *, target: Target, name: str, mailbox: Mailbox | None
) -> Person:
    username = f"{name}{secrets.token_hex(4)}"
    client = await stack.enter_async_context(open_client(target))
    person = Person(
        name, username, f"{username}@{target.domain}", secrets.token_urlsafe(18), client
    )
    async with story.step(f"{name}: account registered"):
        status = await client.register(
            username=username, email=person.email, password=person.password
        )
    if mailbox is not None:
        _expect(status == "pending", f"a new account is {status}, not pending, although SMTP is on")
        async with story.step(f"{name}: verification email arrived and was used"):
            token = await wait_for_token(mailbox, person.email)
            await client.call("POST", "/api/v1/accounts/verify", json={"token": token})
    async with story.step(f"{name}: logged in"):
        await client.log_in(login=username, password=person.password)
    async with story.step(f"{name}: keys published"):
        counts = await client.call_json("PUT", "/api/v1/keys", json=build_keys_body(person.keys))
        _expect(counts["oneTimePrekeys"] == 5, f"the pool holds {counts}")
    return person


async def _open_chat(story: Story, *, alice: Person, bob: Person) -> str:
    async with story.step("alice: direct chat with bob created"):
        chat = await alice.client.call_json(
            "POST", "/api/v1/chats", json={"type": "direct", "memberIds": [bob.client.user]}
        )
    return str(chat["id"])


async def _exchange(
    story: Story, *, alice: Person, bob: Person, sockets: list[Socket], chat: str
) -> None:
    alice_socket, bob_socket = sockets
    async with story.step("alice: bob's prekey bundle fetched, signatures verified"):
        answer = await alice.client.call_json(
            "POST", f"/api/v1/users/{bob.client.user}/prekey-bundles", json={}
        )
        (device,) = answer["devices"]
        _expect(device.get("oneTimePrekey") is not None, "the bundle has no one-time prekey")
        sealed = encrypt_first(
            alice.keys.identity, bundle=parse_bundle(device), plaintext=TEXT.encode()
        )
    async with story.step("bob: typing seen on his socket"):
        await alice_socket.send({"type": "typing", "chat": chat, "active": True})
        await bob_socket.wait_for(lambda e: e["type"] == "typing" and e["chat"] == chat)
    async with story.step("alice: message accepted"):
        sent = await alice.client.call_json(
            "POST",
            f"/api/v1/chats/{chat}/messages",
            json={
                "clientMsgId": secrets.token_hex(16),
                "contentType": "application/vnd.sup.pqxdh",
                "content": encode_bytes(sealed),
            },
        )
        _expect(sent["seq"] == 1, f"the first message has seq {sent['seq']}")
    async with story.step("bob: message received on his socket and decrypted"):
        event = await bob_socket.wait_for(
            lambda e: e["type"] == "message" and e["id"] == sent["id"]
        )
        plaintext = decrypt_first(
            bob.keys,
            message=decode_bytes(event["content"]),
            one_time=bob.keys.one_time[device["oneTimePrekey"]["id"] - 1],
            kyber=_find_kyber(bob, device["kyberPrekey"]["id"]),
        )
        _expect(plaintext == TEXT.encode(), "what bob decrypted is not what alice wrote")
    async with story.step("alice: read receipt seen on her socket"):
        await bob_socket.ask({"type": "read", "chat": chat, "seq": sent["seq"]})
        await alice_socket.wait_for(
            lambda e: e["type"] == "read" and e["chat"] == chat and e["user"] == bob.client.user
        )
    async with story.step("bob: history read over HTTPS"):
        page = await bob.client.call_json("GET", f"/api/v1/chats/{chat}/messages")
        _expect([m["id"] for m in page["messages"]] == [sent["id"]], f"the history is {page}")


async def _share_picture(story: Story, *, alice: Person, bob: Person, chat: str) -> None:
    picture = build_png(width=640, height=480)
    async with story.step("alice: picture uploaded"):
        uploaded = await alice.client.call_json(
            "POST",
            "/media/v1/files",
            data={"chatId": chat, "purpose": "attachment", "encrypted": "false"},
            files={"file": ("picture.png", picture, "image/png")},
        )
    async with story.step("bob: thumbnail fetched"):
        response = await bob.client.call("GET", f"/media/v1/files/{uploaded['id']}/thumbnail")
        kind = response.headers["content-type"]
        _expect(kind == "image/webp", f"the thumbnail is {kind}")
        _expect(response.content[8:12] == b"WEBP", "the thumbnail is not WebP")
    async with story.step("bob: picture fetched, byte for byte, and a range of it"):
        path = f"/media/v1/files/{uploaded['id']}"
        whole = await bob.client.call("GET", path)
        _expect(whole.content == picture, "the picture came back changed")
        part = await bob.client.call("GET", path, expect=(206,), headers={"Range": "bytes=10-19"})
        _expect(part.content == picture[10:20], "the range is not what was asked for")


async def _leave(story: Story, person: Person) -> None:
    async with story.step("alice: session refreshed, then closed"):
        await person.client.refresh()
        await person.client.call("GET", "/api/v1/users/me")
        await person.client.call("DELETE", "/api/v1/sessions/current")
        await person.client.call("GET", "/api/v1/users/me", expect=(401,))


async def wait_for_token(mailbox: Mailbox, recipient: str) -> str:
    """Return the token of the verification email; TimeoutError when none comes."""
    async with asyncio.timeout(MAIL_SECONDS):
        while True:
            for message in await mailbox.read(recipient):
                found = TOKEN_IN_LINK.search(message["body"])
                if found:
                    return found.group(1)
            await asyncio.sleep(MAIL_POLL_SECONDS)


def _find_kyber(person: Person, number: int) -> Any:
    if 1 <= number <= len(person.keys.kyber):
        return person.keys.kyber[number - 1]
    return person.keys.last_resort


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise SmokeFailure(otherwise)
