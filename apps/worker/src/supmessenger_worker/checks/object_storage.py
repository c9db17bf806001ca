"""Asks the object store by listing the media bucket with the worker's key."""

from obstore.store import S3Store

from supmessenger_common.objects import probe_bucket
from supmessenger_worker.checks.model import Answer


async def probe_object_storage(bucket: S3Store) -> Answer:
    """List a few keys; S3 tells no version."""
    await probe_bucket(bucket)
    return Answer()
