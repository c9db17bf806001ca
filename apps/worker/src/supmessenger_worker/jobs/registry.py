"""Which kind of job is carried out by what."""

from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Protocol

from obstore.store import S3Store

from supmessenger_common.bindings import SmtpBinding
from supmessenger_common.broker import QUEUES, Job
from supmessenger_worker.jobs import email, media_delete


class Handler(Protocol):
    """Carries out one job; whatever it raises decides whether it is tried again."""

    def __call__(self, job: Job, *, now: datetime) -> Awaitable[None]:
        """Carry out `job`."""


def build_handlers(
    *, smtp: SmtpBinding | None, bucket: S3Store, domain: str
) -> Mapping[str, Handler]:
    """Return the handler of every kind this worker can carry out."""
    media = media_delete.MediaJobs(bucket)
    handlers: dict[str, Handler] = {media_delete.DELETE: media.delete}
    if smtp is not None:
        mails = email.EmailJobs(smtp, domain=domain)
        handlers[email.VERIFICATION] = mails.send_verification
    return handlers


def find_words(*, smtp: SmtpBinding | None) -> frozenset[str]:
    """Return the families whose queues this worker takes from.

    Without a mail server mails stay in their queue, so that the first worker that has one
    sends them at once.
    """
    return frozenset(QUEUES) - (frozenset() if smtp is not None else {"email"})
