"""The table of jobs that were carried out: a second delivery of one does nothing."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from supmessenger_common.broker import Job

if TYPE_CHECKING:
    from supmessenger_common.database import Pool


class JobsDone:
    """Remembers jobs by id."""

    def __init__(self, pool: "Pool") -> None:
        """Use this pool."""
        self._pool = pool

    async def contains(self, job_id: UUID) -> bool:
        """Tell whether a job was carried out."""
        query = "SELECT EXISTS (SELECT 1 FROM jobs_done WHERE id = $1)"
        return bool(await self._pool.fetchval(query, job_id))

    async def add(self, job: Job, *, now: datetime) -> None:
        """Remember a job that was carried out."""
        await self._pool.execute(
            "INSERT INTO jobs_done (id, kind, done_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            job.id,
            job.kind,
            now,
        )
