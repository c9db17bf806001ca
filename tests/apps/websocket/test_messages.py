"""Sending and receiving: members only, once, in order, each device its own ciphertext."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support.socket_service import Client, Person, Sockets, build_message, build_send, run_sockets

from supmessenger_common.identifiers import create_id, encode_bytes
from supmessenger_common.messages.events import build_chat_event, build_message_hint
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.messages.store import store_message

pytestmark = pytest.mark.services


async def test_a_message_reaches_the_peer_and_the_sender(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    sender, peer = await sockets.log_in(anna), await sockets.log_in(bert)
    frame = build_send(chat, "hello", ref=3)
    sent = await sender.ask("sent", **frame)
    assert (sent["ref"], sent["chat"], sent["seq"]) == (3, str(chat), 1)
    message = await peer.receive("message")
    assert message == {
        "type": "message",
        "chat": str(chat),
        "seq": 1,
        "id": sent["id"],
        "sender": str(anna.user_id),
        "senderDevice": str(anna.device_id),
        "sentAt": sent["sentAt"],
        "contentType": "text",
        "content": "hello",
    }
    assert await sender.receive("message") == message


async def test_a_send_is_refused_for_what_the_http_call_refuses_too(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    sender = await sockets.log_in(anna)
    entry = {"deviceId": str(bert.device_id), "type": 1, "ciphertext": encode_bytes(b"x")}
    for change, code in (
        ({"recipients": [entry, entry]}, "recipients_repeated"),
        ({"contentType": "text/plain\n"}, "validation_failed"),
        ({"contentType": ";a" * 60 + "\u00fc"}, "validation_failed"),
        ({"content": "a\0b"}, "validation_failed"),
    ):
        error = await sender.ask("error", **{**build_send(chat), **change})
        assert error["code"] == code
    # The socket is none the worse for it.
    assert (await sender.ask("sent", **build_send(chat)))["seq"] == 1


async def test_a_repeated_send_is_answered_alike_and_delivered_once(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    sender, peer = await sockets.log_in(anna), await sockets.log_in(bert)
    frame = build_send(chat)
    first = await sender.ask("sent", **frame)
    again = await sender.ask("sent", **frame)
    assert again == first
    await sender.ask("sent", **build_send(chat, "next"))
    assert await peer.receive_messages(2) == [1, 2]


async def test_a_stranger_cannot_send(sockets: Sockets) -> None:
    _, bert, chat = await sockets.register_pair()
    peer = await sockets.log_in(bert)
    stranger = await sockets.log_in(await sockets.register("mallory"))
    error = await stranger.ask("error", **build_send(chat, ref=9))
    assert (error["ref"], error["code"]) == (9, "not_a_member")
    await peer.sync()
    assert peer.unread == []


async def test_a_stranger_receives_nothing(sockets: Sockets) -> None:
    anna, _, chat = await sockets.register_pair()
    stranger = await sockets.log_in(await sockets.register("mallory"))
    sender = await sockets.log_in(anna)
    await sender.ask("sent", **build_send(chat))
    await sender.receive("message")
    await stranger.sync()
    assert stranger.unread == []


async def test_messages_of_many_senders_arrive_in_the_order_of_the_chat(sockets: Sockets) -> None:
    people = [await sockets.register(f"member{number}") for number in range(4)]
    chat = await sockets.create_chat(*people)
    clients = [await sockets.log_in(person) for person in people]

    async def talk(client: Client) -> None:
        for number in range(15):
            await client.ask("sent", **build_send(chat, str(number)))

    await asyncio.gather(*(talk(client) for client in clients))
    for client in clients:
        assert await client.receive_messages(60) == list(range(1, 61))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"content": "x" * (96 * 1024 + 1)}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"recipients": [{"deviceId": UUID(int=1), "type": 1, "ciphertext": "%"}]}, "recipients.0"),
        ({"recipients": [{"deviceId": UUID(int=1), "type": 1, "ciphertext": ""}]}, "recipients.0"),
    ],
)
async def test_what_cannot_be_stored_is_refused_by_name(
    sockets: Sockets, change: dict[str, Any], field: str
) -> None:
    anna, _, chat = await sockets.register_pair()
    sender = await sockets.log_in(anna)
    error = await sender.ask("error", **(build_send(chat, ref=4) | change))
    assert (error["ref"], error["code"]) == (4, "validation_failed")
    assert error["detail"].startswith(field)


async def test_the_largest_content_passes(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    sender, peer = await sockets.log_in(anna), await sockets.log_in(bert)
    content = "ü" * (48 * 1024)
    await sender.ask("sent", **build_send(chat, content))
    assert (await peer.receive("message"))["content"] == content


async def publish_keys(sockets: Sockets, *people: Person) -> None:
    for person in people:
        await sockets.pool.execute(
            "INSERT INTO identity_keys (device_id, public_key) VALUES ($1, $2)",
            person.device_id,
            b"\x05" + bytes(32),
        )


async def test_each_device_gets_its_own_ciphertext_only(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    tablet = await sockets.add_device(bert.user_id)
    await publish_keys(sockets, anna, bert, tablet)
    sender = await sockets.log_in(anna)
    phone, second = await sockets.log_in(bert), await sockets.log_in(tablet)
    entries = {
        device.device_id: encode_bytes(bytes([n])) for n, device in enumerate((bert, tablet))
    }
    recipients = [
        {"deviceId": device, "type": 3, "ciphertext": ciphertext}
        for device, ciphertext in entries.items()
    ]
    await sender.ask("sent", **build_send(chat), recipients=recipients)
    for client, device in ((phone, bert), (second, tablet)):
        message = await client.receive("message")
        assert message["recipient"] == {
            "deviceId": str(device.device_id),
            "type": 3,
            "ciphertext": entries[device.device_id],
        }
        assert "recipients" not in message
    assert "recipient" not in await sender.receive("message")


async def test_a_wrong_set_of_devices_is_refused_with_the_difference(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    await publish_keys(sockets, anna, bert)
    sender = await sockets.log_in(anna)
    stranger = create_id()
    recipients = [{"deviceId": stranger, "type": 3, "ciphertext": "AA"}]
    error = await sender.ask("error", **build_send(chat), recipients=recipients)
    assert error["code"] == "device_mismatch"
    assert (error["missing"], error["extra"]) == ([str(bert.device_id)], [str(stranger)])


async def test_two_processes_deliver_across(
    sockets: Sockets, socket_bindings: Path, postgres_url: str
) -> None:
    anna, bert, chat = await sockets.register_pair()
    async with run_sockets(socket_bindings, postgres_url) as second:
        here, there = await sockets.log_in(anna), await second.log_in(bert)
        await here.ask("sent", **build_send(chat, "over"))
        assert (await there.receive("message"))["content"] == "over"
        await there.ask("sent", **build_send(chat, "and back"))
        assert await here.receive_messages(2) == [1, 2]


async def test_a_hint_that_overtakes_another_is_put_in_order(
    sockets: Sockets, publisher: Publisher
) -> None:
    anna, bert, chat = await sockets.register_pair()
    peer = await sockets.log_in(bert)
    hints = []
    for text in ("first", "second", "third"):
        new = build_message(chat, anna, text)
        hints.append(build_message_hint(new, await store_message(sockets.pool, new)))
    for hint in (hints[2], hints[0], hints[1], hints[1]):
        await publisher.publish_chat(chat, hint)
    assert await peer.receive_messages(3) == [1, 2, 3]
    await peer.sync()
    assert peer.unread == []


async def test_a_bad_hint_does_no_harm(sockets: Sockets, publisher: Publisher) -> None:
    anna, bert, chat = await sockets.register_pair()
    sender, peer = await sockets.log_in(anna), await sockets.log_in(bert)
    await publisher.publish_chat(chat, b"nonsense")
    await sender.ask("sent", **build_send(chat))
    assert await peer.receive_messages(1) == [1]


async def test_a_new_chat_is_announced_and_followed(sockets: Sockets, publisher: Publisher) -> None:
    anna, bert = await sockets.register("anna"), await sockets.register("bert")
    sender, peer = await sockets.log_in(anna), await sockets.log_in(bert)
    chat = await sockets.create_chat(anna, bert)
    # Already there before the peer can follow: it must not be lost.
    await sockets.store(chat, anna, "first")
    for person in (anna, bert):
        await publisher.publish_user(person.user_id, build_chat_event(chat))
    assert await peer.receive("chat") == {"type": "chat", "chat": str(chat)}
    await sender.ask("sent", **build_send(chat, "second"))
    assert await peer.receive_messages(2) == [1, 2]
