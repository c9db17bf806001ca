"""Which kind of job is carried out by what."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from obstore.store import S3Store

from supmessenger_common.bindings import SmtpBinding
from supmessenger_common.broker import QUEUES, Job
from supmessenger_worker.jobs import email, media_delete, media_transcode, push_message


class Handler(Protocol):
    """Carries out one job; whatever it raises decides whether it is tried again."""

    def __call__(self, job: Job, *, now: datetime) -> Awaitable[None]:
        """Carry out `job`."""


class Obituary(Protocol):
    """Says where people look that a job is tried no more."""

    def __call__(self, job: Job) -> Awaitable[None]:
        """Say it of `job`."""


@dataclass(frozen=True)
class Lane:
    """Families whose jobs share places; what is slow has places of its own."""

    words: frozenset[str]
    concurrency: int


def build_handlers(
    *,
    smtp: SmtpBinding | None,
    bucket: S3Store,
    domain: str,
    transcoding: media_transcode.TranscodingJobs,
    pushes: push_message.PushJobs,
) -> Mapping[str, Handler]:
    """Return the handler of every kind this worker can carry out."""
    media = media_delete.MediaJobs(bucket)
    handlers: dict[str, Handler] = {
        media_delete.DELETE: media.delete,
        media_transcode.TRANSCODE: transcoding.transcode,
        push_message.MESSAGE: pushes.announce,
        push_message.DELIVER: pushes.announce,
        push_message.LOOK: pushes.announce,
    }
    if smtp is not None:
        mails = email.EmailJobs(smtp, domain=domain)
        handlers[email.VERIFICATION] = mails.send_verification
    return handlers


def build_obituaries(*, transcoding: media_transcode.TranscodingJobs) -> Mapping[str, Obituary]:
    """Return who is told when a job of a kind is dead."""
    return {media_transcode.TRANSCODE: transcoding.give_up}


def build_lanes(
    *, smtp: SmtpBinding | None, concurrency: int, transcoding: int
) -> tuple[Lane, ...]:
    """Return the lanes: neither videos nor a slow push service hold up anything else."""
    slow = {"push": concurrency, "transcoding": transcoding}
    rest = Lane(find_words(smtp=smtp) - slow.keys(), concurrency)
    return (rest, *(Lane(frozenset({word}), places) for word, places in slow.items()))


def find_words(*, smtp: SmtpBinding | None) -> frozenset[str]:
    """Return the families whose queues this worker takes from.

    Without a mail server mails stay in their queue, so that the first worker that has one
    sends them at once.
    """
    return frozenset(QUEUES) - (frozenset() if smtp is not None else {"email"})
