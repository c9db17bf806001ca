"""Which kind of job is carried out by what."""

from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Protocol

from obstore.store import S3Store

from supmessenger_common.bindings import SmtpBinding
from supmessenger_common.broker import Job
from supmessenger_worker.jobs import email, media_delete


class Handler(Protocol):
    """Carries out one job; whatever it raises decides whether it is tried again."""

    def __call__(self, job: Job, *, now: datetime) -> Awaitable[None]:
        """Carry out `job`."""


def build_handlers(
    *, smtp: SmtpBinding | None, bucket: S3Store, domain: str
) -> Mapping[str, Handler]:
    """Return the handler of every kind."""
    mails = email.EmailJobs(smtp, domain=domain)
    media = media_delete.MediaJobs(bucket)
    return {
        email.VERIFICATION: mails.send_verification,
        media_delete.DELETE: media.delete,
    }
