"""Hands a mail to the instance's mail server."""

from email.message import EmailMessage

import aiosmtplib

from supmessenger_common.bindings import SmtpBinding
from supmessenger_worker.retries import PermanentJobError, TemporaryJobError

# The whole conversation takes at most a few of these: one for each command.
COMMAND_SECONDS = 10.0
# RFC 5321, 4.2.1: 4yz may work later, 5yz will not.
_FIRST_PERMANENT_CODE = 500


def build_client(binding: SmtpBinding, *, timeout: float = COMMAND_SECONDS) -> aiosmtplib.SMTP:
    """Return a client for the binding, not yet connected; certificates are verified."""
    return aiosmtplib.SMTP(
        hostname=binding.host,
        port=binding.port,
        use_tls=binding.security == "tls",
        start_tls=binding.security == "starttls",
        username=binding.username,
        password=binding.password,
        timeout=timeout,
    )


async def send_mail(mail: EmailMessage, binding: SmtpBinding) -> None:
    """Deliver one mail; raises PermanentJobError or TemporaryJobError when it was not taken."""
    try:
        async with build_client(binding) as client:
            await client.send_message(mail)
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _judge_code(error.recipients[0].code) from None
    except aiosmtplib.SMTPDataError as error:
        raise _judge_code(error.code) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        # Also a refused login or sender, whatever its code: a person repairs that, and the mail
        # must still be there then.
        raise TemporaryJobError(f"the mail server cannot be used: {error!r}") from error


def _judge_code(code: int) -> Exception:
    # The code alone: a server's words repeat the address, which belongs into no log of ours and
    # into no header of a dead letter.
    if code >= _FIRST_PERMANENT_CODE:
        return PermanentJobError(f"the mail server refuses the mail for good, with code {code}")
    return TemporaryJobError(f"the mail server refuses the mail for now, with code {code}")
