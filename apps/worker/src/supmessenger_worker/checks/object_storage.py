"""Asks the object store by listing the media bucket with the worker's key."""

from supmessenger_common.bindings import ObjectStorageBinding
from supmessenger_common.objects import open_bucket, probe_bucket
from supmessenger_worker.checks.model import Answer


async def probe_object_storage(binding: ObjectStorageBinding) -> Answer:
    """List the bucket; S3 tells no version."""
    await probe_bucket(open_bucket(binding, "media"))
    return Answer()
