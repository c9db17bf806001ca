"""What taking a migration back leaves of what it made room for, beside the schema."""

from __future__ import annotations

import asyncpg
import orjson
import pytest
from support.processes.postgres import PostgresServer
from support.schema import MIGRATIONS

from supmessenger_common.identifiers import create_id

pytestmark = pytest.mark.services

JOBS = ("email.verification", "push.message", "push.deliver", "push.look", "media.transcode")


async def test_renditions_and_their_jobs_leave_nothing_behind(
    postgres_server: PostgresServer, empty_database: str
) -> None:
    connection = await asyncpg.connect(postgres_server.build_url(empty_database, "sup_owner"))
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if not path.name.endswith(".down.sql") and path.name < "006":
            await connection.execute(path.read_text())
    user, file = create_id(), create_id()
    await connection.execute(
        "INSERT INTO users (id, email, username, display_name, password_hash)"
        " VALUES ($1, 'ada@example.org', 'ada', 'Ada', 'x')",
        user,
    )
    await connection.execute(
        "INSERT INTO media_files (id, owner_id, purpose, object_key)"
        " VALUES ($1, $2, 'attachment', 'files/x')",
        *(file, user),
    )
    await connection.execute(
        "INSERT INTO media_renditions (file_id, name, position, object_key)"
        " VALUES ($1, 'poster', 1, 'renditions/x/poster')",
        file,
    )
    for kind in JOBS:
        query = "INSERT INTO outbox (id, kind, payload) VALUES ($1, $2, '{}')"
        await connection.execute(query, create_id(), kind)
    await connection.execute((MIGRATIONS / "005_push_and_renditions.down.sql").read_text())
    left = await connection.fetch("SELECT kind, payload FROM outbox ORDER BY kind")
    await connection.close()
    # What the release before has no queue for would wait for ever.
    assert [(row["kind"], orjson.loads(row["payload"])) for row in left] == [
        ("email.verification", {}),
        ("media.delete", {"objectKey": "renditions/x/poster"}),
    ]
