"""Asks the object store by listing the media bucket with the worker's key."""

import re

from obstore.exceptions import BaseError

from supmessenger_common.bindings import ObjectStorageBinding
from supmessenger_common.objects import open_bucket, probe_bucket
from supmessenger_worker.checks.model import Answer, CheckFailedError

_CODE = re.compile(r"<Code>(\w+)</Code>")
_CURES = {
    "AccessDenied": "the key may not list the bucket",
    "InvalidAccessKeyId": "the store does not know the key",
    "NoSuchBucket": "the bucket is missing: run the object storage setup",
    "SignatureDoesNotMatch": "the secret key is wrong",
}


async def probe_object_storage(binding: ObjectStorageBinding) -> Answer:
    """List the bucket; S3 tells no version."""
    try:
        await probe_bucket(open_bucket(binding, "media"))
    except BaseError as error:
        message = describe_store_error(str(error), endpoint=binding.endpoint)
        raise CheckFailedError(message) from error
    return Answer()


def describe_store_error(text: str, *, endpoint: str) -> str:
    """Return one sentence for the client library's report of a whole HTTP exchange."""
    code = _CODE.search(text)
    if code is None:
        return f"{endpoint} does not answer as an object store"
    return f"{endpoint} answers {code[1]}: {_CURES.get(code[1], 'see its log')}"
