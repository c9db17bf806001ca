"""Job `media.delete`: removes one object of the media bucket."""

from datetime import datetime

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from supmessenger_common.broker import Job
from supmessenger_worker.retries import PermanentJobError, TemporaryJobError

DELETE = "media.delete"


class MediaJobs:
    """Works on the media bucket with the worker's key."""

    def __init__(self, bucket: S3Store) -> None:
        """Use this bucket."""
        self._bucket = bucket

    async def delete(self, job: Job, *, now: datetime) -> None:
        """Remove the object; one that is gone already is removed as well as can be."""
        key = job.payload.get("objectKey")
        if not isinstance(key, str) or not key:
            raise PermanentJobError("payload.objectKey must be a non-empty string")
        try:
            await obstore.delete_async(self._bucket, key)
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            # The store's own text is pages long.
            raise TemporaryJobError(f"the object store failed: {str(error)[:200]}") from error
