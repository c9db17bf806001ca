"""The mail that asks a new account to prove its address."""

from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape


@dataclass(frozen=True)
class Verification:
    """Payload of a job `email.verification`."""

    email: str
    username: str
    link: str
    token: str


def parse_verification(payload: dict[str, object]) -> Verification:
    """Read a job's payload; raises ValueError naming what is wrong with it."""
    values = {}
    for name in ("email", "username", "link", "token"):
        value = payload.get(name)
        if not isinstance(value, str) or not value:
            raise ValueError(f"payload.{name} must be a non-empty string")
        values[name] = value
    if not values["link"].startswith(("https://", "http://")):
        raise ValueError("payload.link must be an http or https address")
    return Verification(**values)


def build_verification_mail(
    verification: Verification, *, sender: str, domain: str, job_id: str, now: datetime
) -> EmailMessage:
    """Return the mail, in plain text with an HTML alternative.

    Its Message-ID comes from the job, so that mail systems see a repeated delivery as one.
    Raises ValueError when an address cannot stand in a header.
    """
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = _build_address(verification.email)
    mail["Subject"] = f"Confirm your address for {domain}"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{job_id}@{domain}>"
    # Out-of-office programs stay silent.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_build_text(verification, domain))
    mail.add_alternative(_build_html(verification, domain), subtype="html")
    return mail


def _build_address(email: str) -> Address:
    try:
        return Address(addr_spec=email)
    except (MessageError, IndexError, ValueError):
        # The standard library's parser stumbles over some addresses instead of refusing them;
        # its words may repeat the address.
        raise ValueError("payload.email is no address") from None


def _build_text(verification: Verification, domain: str) -> str:
    return f"""\
Hello {verification.username},

please confirm that this address belongs to your new account on {domain}:

{verification.link}

If the link does not open, enter this code in the app:

{verification.token}

If you did not create an account, ignore this mail: without the confirmation nothing happens.
"""


def _build_html(verification: Verification, domain: str) -> str:
    name, place = escape(verification.username), escape(domain)
    link, token = escape(verification.link, quote=True), escape(verification.token)
    return f"""\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Confirm your address</title></head>
<body style="font-family: sans-serif; line-height: 1.5; color: #1c1c1e; max-width: 34em">
<p>Hello {name},</p>
<p>please confirm that this address belongs to your new account on <b>{place}</b>:</p>
<p><a href="{link}" style="display: inline-block; padding: 0.6em 1.2em; border-radius: 0.4em;
background: #0a5ad4; color: #ffffff; text-decoration: none">Confirm my address</a></p>
<p>If the button does not work, open <a href="{link}">{link}</a> or enter this code in the app:</p>
<p><code>{token}</code></p>
<p>If you did not create an account, ignore this mail: without the confirmation nothing happens.</p>
</body>
</html>
"""
