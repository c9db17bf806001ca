"""Asks the mail server, as far as a delivery would go before the first mail."""

from supmessenger_common.bindings import SmtpBinding
from supmessenger_worker.checks.model import Answer
from supmessenger_worker.mails.delivery import build_client


async def probe_smtp(binding: SmtpBinding) -> Answer:
    """Connect, EHLO, secure the connection and log in as configured."""
    async with build_client(binding, timeout=2.0) as client:
        await client.ehlo()
    return Answer(message=f"{binding.host}:{binding.port} takes mail ({binding.security})")
