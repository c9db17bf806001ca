"""Jobs `email.*`: mails to people."""

from datetime import datetime

from supmessenger_common.bindings import SmtpBinding
from supmessenger_common.broker import Job
from supmessenger_worker.mails.delivery import send_mail
from supmessenger_worker.mails.verification import build_verification_mail, parse_verification
from supmessenger_worker.retries import PermanentJobError

VERIFICATION = "email.verification"


class EmailJobs:
    """Sends the instance's mails."""

    def __init__(self, binding: SmtpBinding, *, domain: str) -> None:
        """Use this mail server."""
        self._binding = binding
        self._domain = domain

    async def send_verification(self, job: Job, *, now: datetime) -> None:
        """Ask a new account to confirm its address."""
        try:
            mail = build_verification_mail(
                parse_verification(job.payload),
                sender=self._binding.sender,
                domain=self._domain,
                job_id=str(job.id),
                now=now,
            )
        except ValueError as error:
            raise PermanentJobError(str(error)) from error
        await send_mail(mail, self._binding)
