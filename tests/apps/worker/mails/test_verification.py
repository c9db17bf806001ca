"""The mail that asks to confirm an address."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from supmessenger_worker.mails.verification import (
    Verification,
    build_verification_mail,
    parse_verification,
)

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
LINK = "https://chat.example.org/verify?token=abc&x=1"
PAYLOAD: dict[str, object] = {
    "email": "ada@example.org",
    "username": "ada",
    "link": LINK,
    "token": "abc",
}


def build(**changes: str) -> EmailMessage:
    verification = parse_verification({**PAYLOAD, **changes})
    mail = build_verification_mail(
        verification,
        sender="SUP <sup@chat.example.org>",
        domain="chat.example.org",
        job_id="0193",
        now=NOW,
    )
    # As it arrives: through bytes and back.
    arrived = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert isinstance(arrived, EmailMessage)
    return arrived


def read_body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_its_headers_say_from_whom_to_whom_and_that_no_person_wrote_it() -> None:
    mail = build()
    assert mail["From"] == "SUP <sup@chat.example.org>"
    assert mail["To"] == "ada@example.org"
    assert mail["Subject"] == "Confirm your address for chat.example.org"
    assert mail["Message-ID"] == "<0193@chat.example.org>"
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_both_bodies_hold_name_link_and_code(kind: str) -> None:
    body = read_body(build(), kind)
    assert "ada" in body
    assert "abc" in body
    assert (LINK if kind == "plain" else LINK.replace("&", "&amp;")) in body


def test_a_name_cannot_put_markup_into_the_mail() -> None:
    mail = build(username="<script>alert(1)</script>")
    assert "<script>" not in read_body(mail, "html")
    assert "&lt;script&gt;" in read_body(mail, "html")


def test_a_link_cannot_leave_its_attribute() -> None:
    mail = build(link='https://x/"onmouseover="alert(1)')
    assert '"onmouseover' not in read_body(mail, "html")


@pytest.mark.parametrize("address", ["a@b\r\nBcc: eve@example.org", "nobody", "a b@c", "a@b@c"])
def test_an_address_that_cannot_stand_in_a_header_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        build(email=address)


@pytest.mark.parametrize("name", sorted(PAYLOAD))
@pytest.mark.parametrize("value", [None, 7, ""])
def test_a_payload_without_a_part_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        parse_verification({**PAYLOAD, name: value})


def test_a_link_that_is_no_web_address_is_refused() -> None:
    with pytest.raises(ValueError, match="link"):
        parse_verification({**PAYLOAD, "link": "javascript:alert(1)"})


def test_a_parsed_payload_is_a_value() -> None:
    assert parse_verification(PAYLOAD) == Verification("ada@example.org", "ada", LINK, "abc")
