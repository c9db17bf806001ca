"""Handing a mail to a mail server that takes it, and to those that do not."""

from __future__ import annotations

import traceback
from dataclasses import replace
from email.message import EmailMessage

import pytest
from support.mail_sink import MailSink, open_mail_sink
from support.processes.servers import probe_free_port

from supmessenger_common.bindings import SmtpBinding
from supmessenger_worker.mails.delivery import send_mail
from supmessenger_worker.retries import PermanentJobError, TemporaryJobError


def build_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "sup@chat.example.org"
    mail["To"] = "ada@example.org"
    mail["Subject"] = "Grüße"
    mail.set_content("Hello Ada, ünïcode\n.\nafter a lone dot")
    return mail


def build_binding(port: int) -> SmtpBinding:
    return SmtpBinding(
        host="127.0.0.1",
        port=port,
        security="none",
        sender="sup@chat.example.org",
        username=None,
        password=None,
    )


async def send(sink: MailSink) -> None:
    await send_mail(build_mail(), build_binding(sink.port))


async def test_a_mail_arrives_as_it_was_written() -> None:
    async with open_mail_sink() as sink:
        await send(sink)
    assert [mail["Subject"] for mail in sink.mails] == ["Grüße"]
    assert sink.mails[0].get_content().splitlines() == [
        "Hello Ada, ünïcode",
        ".",
        "after a lone dot",
    ]


@pytest.mark.parametrize(
    ("sink", "expected"),
    [
        (MailSink(replies=["450 greylisted"]), TemporaryJobError),
        (MailSink(replies=["550 no such user"]), PermanentJobError),
        (MailSink(data_reply="451 busy"), TemporaryJobError),
        (MailSink(data_reply="554 looks like spam"), PermanentJobError),
        # Configuration: a person repairs it, and the mail is still there then.
        (MailSink(sender_reply="550 not your domain"), TemporaryJobError),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_refusal_is_for_now_or_for_good(sink: MailSink, expected: type[Exception]) -> None:
    async with open_mail_sink(sink):
        with pytest.raises(expected):
            await send(sink)
    assert sink.mails == []


@pytest.mark.parametrize(
    "sink",
    [
        MailSink(replies=["550 <ada@example.org>: unknown"]),
        MailSink(data_reply="554 <ada@example.org>: spam"),
    ],
)
async def test_a_refusal_tells_the_code_and_never_the_address(sink: MailSink) -> None:
    async with open_mail_sink(sink):
        with pytest.raises(PermanentJobError, match=r"code 55[04]$") as refused:
            await send(sink)
    told = "".join(traceback.format_exception(refused.value))
    assert "ada" not in told


async def test_a_server_that_is_away_is_away_for_now() -> None:
    with pytest.raises(TemporaryJobError):
        await send_mail(build_mail(), build_binding(probe_free_port()))


async def test_credentials_and_mails_never_travel_in_the_clear_when_tls_is_asked_for() -> None:
    async with open_mail_sink() as sink:
        plain = build_binding(sink.port)
        for binding in (replace(plain, security="starttls"), replace(plain, security="tls")):
            with pytest.raises(TemporaryJobError):
                await send_mail(build_mail(), binding)
    assert sink.mails == []
