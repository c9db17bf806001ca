"""The description of the socket: generated, whole, and true to the examples."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from supmessenger_common.calls.events import build_call_event
from supmessenger_common.calls.model import Call, Stay
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_common.messages.events import (
    build_chat_event,
    build_message_event,
    build_read_event,
    build_typing_event,
)
from supmessenger_common.messages.model import Message, Recipient
from supmessenger_websocket import connection, drain, protocol
from supmessenger_websocket.asyncapi import ANSWERS, CLOSE_CODES, build_yaml
from supmessenger_websocket.events import SERVER_FRAMES
from supmessenger_websocket.frames import CLIENT_FRAMES

DOCS = Path(__file__).parents[3] / "docs"
CLIENT_TAGS = {frame.__struct_config__.tag for frame in CLIENT_FRAMES}
SERVER_TAGS = {frame.__struct_config__.tag for frame in SERVER_FRAMES}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(yaml.safe_load(build_yaml()))


def read_examples() -> list[tuple[str, str]]:
    """Return direction and text of each frame of the example conversation."""
    lines = (DOCS / "socket-api.md").read_text().splitlines()
    return [(line[0], line[2:]) for line in lines if line.startswith(("→ ", "← "))]


def gather_references(node: Any) -> Iterator[str]:
    """Yield every `$ref` below a node."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from gather_references(value)
    elif isinstance(node, list):
        for value in node:
            yield from gather_references(value)


def test_the_committed_file_is_what_is_generated() -> None:
    assert (DOCS / "asyncapi.yaml").read_text() == build_yaml()


def test_every_frame_is_named(document: dict[str, Any]) -> None:
    expected = {f"{tag}.client" for tag in CLIENT_TAGS} | {f"{tag}.server" for tag in SERVER_TAGS}
    assert set(document["components"]["messages"]) == expected
    assert set(document["channels"]["socket"]["messages"]) == expected
    assert set(ANSWERS) == CLIENT_TAGS


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = list(gather_references(document))
    assert references
    for reference in references:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_schema_is_one(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_close_code_of_ours_is_described() -> None:
    ours = {
        getattr(module, name)
        for module, names in (
            (connection, ("NOT_AUTHENTICATED", "SESSION_REVOKED", "NO_AUTH_IN_TIME", "REPLACED")),
            (connection, ("TRY_LATER",)),
            (drain, ("DRAINING",)),
            (protocol, ("FRAME_TOO_LARGE", "TOO_MANY_FRAMES")),
        )
        for name in names
    }
    assert ours <= set(CLOSE_CODES)
    text = (DOCS / "socket-api.md").read_text()
    assert all(str(code) in text for code in CLOSE_CODES)


def test_the_examples_are_what_the_models_say() -> None:
    for direction, text in read_examples():
        models = CLIENT_FRAMES if direction == "→" else SERVER_FRAMES
        tag = json.loads(text)["type"]
        (model,) = (model for model in models if model.__struct_config__.tag == tag)
        decoded = msgspec.json.decode(text, type=model)
        assert json.loads(msgspec.json.encode(decoded)).items() >= json.loads(text).items()


def test_the_example_shows_every_frame_of_the_client() -> None:
    shown = {json.loads(text)["type"] for direction, text in read_examples() if direction == "→"}
    assert shown == CLIENT_TAGS - {"ping"}


def make_message(**values: Any) -> Message:
    fields: dict[str, Any] = {
        "id": create_id(),
        "chat_id": create_id(),
        "seq": 7,
        "sender_id": create_id(),
        "sender_device_id": create_id(),
        "sent_at": read_clock(),
        "content_type": "text/plain",
        "content": "x",
        "reply_to": create_id(),
        "recipient": Recipient(create_id(), 2, b"\x01"),
    }
    return Message(**(fields | values))


def make_call(*, ended: bool = False) -> Call:
    now = read_clock()
    return Call(
        id=create_id(),
        chat_id=create_id(),
        kind="video",
        status="ended" if ended else "active",
        room="r",
        initiator_id=None if ended else create_id(),
        started_at=now,
        answered_at=now,
        ended_at=now if ended else None,
        stays=(Stay(create_id(), None if ended else create_id(), now, now if ended else None),),
    )


def build_events() -> list[bytes]:
    """Return an event of each kind that other services publish."""
    return [
        build_message_event(make_message()),
        build_message_event(make_message(reply_to=None, recipient=None)),
        build_message_event(make_message(sender_id=None, sender_device_id=None)),
        build_chat_event(create_id()),
        build_read_event(create_id(), create_id(), 3),
        build_typing_event(create_id(), create_id(), active=False),
        build_call_event(make_call()),
        build_call_event(make_call(ended=True)),
    ]


def test_events_that_all_services_build_are_what_the_models_say() -> None:
    for event in build_events():
        tag = json.loads(event)["type"]
        (model,) = (model for model in SERVER_FRAMES if model.__struct_config__.tag == tag)
        again = msgspec.json.encode(msgspec.json.decode(event, type=model))
        assert json.loads(again) == json.loads(event)
