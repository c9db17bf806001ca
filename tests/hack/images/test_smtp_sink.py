"""The SMTP sink of the smoke test: what goes in by SMTP comes out over HTTP."""

import json
import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from types import ModuleType
from typing import Any

import pytest
from support.image_programs import find_program, load_program

NOW = datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


@pytest.fixture(scope="module")
def sink() -> ModuleType:
    return load_program("smtp-sink")


def build_raw(
    subject: str = "Grüße", body: str = "Öffne https://chat.example.org/v?t=1\n"
) -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "header@example.org"
    message.set_content(body)
    message.add_alternative("<b>html</b>", subtype="html")
    return message.as_bytes()


def test_a_message_is_told_decoded_and_with_the_addresses_of_the_envelope(sink: ModuleType) -> None:
    mail = sink.parse_mail(build_raw(), sender="a@x.org", recipients=["b@x.org"], now=NOW)
    assert mail.build_document() == {
        "from": "a@x.org",
        "to": ["b@x.org"],
        "subject": "Grüße",
        "body": "Öffne https://chat.example.org/v?t=1\n",
        "receivedAt": "2030-01-02T03:04:05.678Z",
    }


def test_the_oldest_messages_make_room(sink: ModuleType) -> None:
    mailbox = sink.Mailbox(capacity=2)
    for number in range(3):
        mailbox.add(sink.Mail("a", ("b@x.org",), str(number), "", ""))
    assert [mail.subject for mail in mailbox.find(None)] == ["1", "2"]


def test_messages_are_found_by_recipient_in_any_case(sink: ModuleType) -> None:
    mailbox = sink.Mailbox()
    mailbox.add(sink.Mail("a", ("Bob@x.org", "c@x.org"), "1", "", ""))
    mailbox.add(sink.Mail("a", ("d@x.org",), "2", "", ""))
    assert [mail.subject for mail in mailbox.find("bob@X.org")] == ["1"]
    assert mailbox.find("e@x.org") == []


@pytest.fixture
def served() -> Iterator[subprocess.Popen[str]]:
    """The sink as a process on ports that the system chose."""
    ports = ("--host", "127.0.0.1", "--smtp-port", "0", "--http-port", "0")
    command = [sys.executable, str(find_program("smtp-sink")), *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)


def test_what_is_sent_by_smtp_is_told_over_http(served: subprocess.Popen[str]) -> None:
    assert served.stdout is not None
    ports = json.loads(served.stdout.readline())
    with smtplib.SMTP("127.0.0.1", ports["smtp"], timeout=30) as client:
        client.sendmail("a@x.org", ["b@x.org"], build_raw(subject="Verify"))
    base = f"http://127.0.0.1:{ports['http']}"
    assert [mail["subject"] for mail in ask(f"{base}/messages?to=b@x.org")] == ["Verify"]
    assert ask(f"{base}/messages?to=z@x.org") == []
    assert ask(f"{base}/healthz") == {"status": "ok"}
    served.terminate()
    assert served.wait(timeout=60) == 0
