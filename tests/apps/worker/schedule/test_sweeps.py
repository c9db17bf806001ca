"""What leaves on schedule, and what stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from supmessenger_common.database import AnyConnection, Pool
from supmessenger_common.identifiers import create_id
from supmessenger_worker.schedule.timetable import LOCK_SPACE, TASKS, Task, Timetable

pytestmark = pytest.mark.services
NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
PAST, FUTURE = NOW - timedelta(minutes=1), NOW + timedelta(minutes=1)
LONG_AGO = NOW - timedelta(days=60)


async def insert_user(postgres: Pool) -> UUID:
    user_id = create_id()
    query = """
        INSERT INTO users (id, email, username, display_name, password_hash)
        VALUES ($1, $2, $3, 'x', 'x')
    """
    await postgres.execute(query, user_id, f"{user_id}@example.org", f"u{user_id}")
    return user_id


async def insert_session(
    postgres: Pool, *, expires: datetime, revoked: datetime | None = None
) -> UUID:
    """Insert a session with a device of its own; returns the device's id."""
    user_id, device_id, session_id = await insert_user(postgres), create_id(), create_id()
    query = "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'd', 1)"
    await postgres.execute(query, device_id, user_id)
    await postgres.execute(
        """
        INSERT INTO sessions (id, user_id, device_id, family_id, refresh_hash, created_at,
            expires_at, revoked_at)
        VALUES ($1, $2, $3, $1, sha256(uuid_send($1)), $4, $5, $6)
        """,
        session_id,
        user_id,
        device_id,
        LONG_AGO,
        expires,
        revoked,
    )
    return device_id


async def insert_media(
    postgres: Pool,
    key: str,
    *,
    status: str = "ready",
    owner: UUID | None = None,
    changed: datetime = LONG_AGO,
    thumbnail: str | None = None,
) -> UUID:
    media_id = create_id()
    await postgres.execute(
        """
        INSERT INTO media_files (id, owner_id, object_key, thumbnail_object_key, status, sha256,
            created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, sha256('x'), $6, $6)
        """,
        media_id,
        owner,
        key,
        thumbnail,
        status,
        changed,
    )
    return media_id


async def insert_story(
    postgres: Pool, *, owner: UUID, media: UUID | None, expires: datetime
) -> None:
    await postgres.execute(
        """
        INSERT INTO stories (id, user_id, media_id, content_type, created_at, expires_at)
        VALUES ($1, $2, $3, 'image/png', $4, $5)
        """,
        create_id(),
        owner,
        media,
        LONG_AGO,
        expires,
    )


async def read_deletions(postgres: Pool) -> list[str]:
    query = "SELECT payload ->> 'objectKey' AS key FROM outbox WHERE kind = 'media.delete'"
    return sorted(row["key"] for row in await postgres.fetch(query))


async def test_an_expired_story_leaves_with_its_media(postgres: Pool) -> None:
    owner = await insert_user(postgres)
    old = await insert_media(postgres, "files/old", owner=owner, thumbnail="thumbnails/old")
    new = await insert_media(postgres, "files/new", owner=owner)
    shared = await insert_media(postgres, "files/shared", owner=owner)
    await insert_story(postgres, owner=owner, media=old, expires=PAST)
    await insert_story(postgres, owner=owner, media=None, expires=PAST)
    await insert_story(postgres, owner=owner, media=shared, expires=PAST)
    await insert_story(postgres, owner=owner, media=shared, expires=FUTURE)
    await insert_story(postgres, owner=owner, media=new, expires=FUTURE)

    await Timetable(postgres).run_due(now=NOW)

    stories = await postgres.fetch("SELECT media_id FROM stories")
    assert {row["media_id"] for row in stories} == {new, shared}
    files = await postgres.fetch("SELECT id FROM media_files")
    assert {row["id"] for row in files} == {new, shared}
    assert await read_deletions(postgres) == ["files/old", "thumbnails/old"]


async def test_an_expired_session_leaves_and_its_device_is_unlinked(postgres: Pool) -> None:
    expired = await insert_session(postgres, expires=PAST)
    open_ = await insert_session(postgres, expires=FUTURE)
    ended = await insert_session(postgres, expires=FUTURE, revoked=NOW - timedelta(days=1))
    long_ended = await insert_session(postgres, expires=FUTURE, revoked=NOW - timedelta(days=8))

    await Timetable(postgres).run_due(now=NOW)

    sessions = await postgres.fetch("SELECT device_id FROM sessions")
    assert {row["device_id"] for row in sessions} == {open_, ended}
    unlinked = await postgres.fetch("SELECT id FROM devices WHERE revoked_at IS NOT NULL")
    assert {row["id"] for row in unlinked} == {expired, long_ended}


async def test_verification_links_leave_when_they_expire_or_were_used(postgres: Pool) -> None:
    user = await insert_user(postgres)
    for name, expires, used in (
        ("open", FUTURE, None),
        ("expired", PAST, None),
        ("just used", FUTURE, PAST),
        ("used long ago", FUTURE, LONG_AGO),
    ):
        await postgres.execute(
            """
            INSERT INTO email_verifications
                (token_hash, user_id, email, created_at, expires_at, used_at)
            VALUES (sha256($1), $2, $3, $4, $5, $6)
            """,
            name.encode(),
            user,
            f"{name.replace(' ', '')}@example.org",
            LONG_AGO,
            expires,
            used,
        )
    await Timetable(postgres).run_due(now=NOW)
    left = await postgres.fetch("SELECT email FROM email_verifications")
    assert {row["email"] for row in left} == {"open@example.org", "justused@example.org"}


async def test_remembered_jobs_leave_after_a_week(postgres: Pool) -> None:
    for kind, done in (("email.old", NOW - timedelta(days=8)), ("email.new", PAST)):
        query = "INSERT INTO jobs_done (id, kind, done_at) VALUES ($1, $2, $3)"
        await postgres.execute(query, create_id(), kind, done)
    await Timetable(postgres).run_due(now=NOW)
    left = await postgres.fetch("SELECT kind FROM jobs_done")
    assert [row["kind"] for row in left] == ["email.new"]


async def test_files_nobody_can_reach_leave_with_their_objects(postgres: Pool) -> None:
    owner = await insert_user(postgres)
    day, hour = timedelta(days=1, minutes=1), timedelta(hours=1, minutes=1)
    await insert_media(postgres, "cut", status="uploading", owner=owner, changed=NOW - day)
    await insert_media(postgres, "going on", status="uploading", owner=owner, changed=NOW - hour)
    await insert_media(postgres, "failed", status="failed", owner=owner, changed=NOW - hour)
    await insert_media(postgres, "just failed", status="failed", owner=owner, changed=PAST)
    await insert_media(postgres, "account gone", thumbnail="its thumbnail")
    await insert_media(postgres, "kept", owner=owner)

    await Timetable(postgres).run_due(now=NOW)

    rows = await postgres.fetch("SELECT object_key FROM media_files ORDER BY object_key")
    assert [row["object_key"] for row in rows] == ["going on", "just failed", "kept"]
    gone = ["account gone", "cut", "failed", "its thumbnail"]
    assert await read_deletions(postgres) == gone


async def test_more_than_a_batch_leaves_in_one_turn(postgres: Pool) -> None:
    await postgres.execute(
        """
        INSERT INTO jobs_done (id, kind, done_at)
        SELECT gen_random_uuid(), 'email.old', $1 FROM generate_series(1, 1200)
        """,
        LONG_AGO,
    )
    await Timetable(postgres).run_due(now=NOW)
    assert await postgres.fetchval("SELECT count(*) FROM jobs_done") == 0


async def test_accounts_nobody_confirmed_leave_when_no_link_can_confirm_them(
    postgres: Pool,
) -> None:
    async def insert_account(status: str, created: datetime, expires: datetime | None) -> UUID:
        user_id = await insert_user(postgres)
        query = "UPDATE users SET status = $2, created_at = $3 WHERE id = $1"
        await postgres.execute(query, user_id, status, created)
        if expires is not None:
            query = """
                INSERT INTO email_verifications (token_hash, user_id, email, created_at, expires_at)
                VALUES (sha256(uuid_send($1)), $1, 'x@example.org', $2, $3)
            """
            await postgres.execute(query, user_id, created, expires)
        return user_id

    await insert_account("pending", LONG_AGO, None)
    await insert_account("pending", LONG_AGO, PAST)
    kept = {
        await insert_account("pending", LONG_AGO, FUTURE),
        await insert_account("pending", NOW - timedelta(hours=23), None),
        await insert_account("active", LONG_AGO, None),
        await insert_account("suspended", LONG_AGO, None),
    }
    await Timetable(postgres).run_due(now=NOW)
    assert {row["id"] for row in await postgres.fetch("SELECT id FROM users")} == kept


async def test_renditions_leave_with_their_file(postgres: Pool) -> None:
    owner = await insert_user(postgres)
    story = await insert_media(postgres, "files/story", owner=owner)
    orphan = await insert_media(postgres, "files/orphan")
    kept = await insert_media(postgres, "files/kept", owner=owner)
    await insert_story(postgres, owner=owner, media=story, expires=PAST)
    query = """
        INSERT INTO media_renditions (file_id, name, position, object_key)
        VALUES ($1, $2, 1, $3)
    """
    for file, name in ((story, "poster"), (story, "360p"), (orphan, "360p"), (kept, "360p")):
        await postgres.execute(query, file, name, f"renditions/{file}/{name}")

    await Timetable(postgres).run_due(now=NOW)

    assert await read_deletions(postgres) == sorted(
        [
            *("files/orphan", "files/story", f"renditions/{orphan}/360p"),
            *(f"renditions/{story}/360p", f"renditions/{story}/poster"),
        ]
    )
    left = await postgres.fetch("SELECT file_id FROM media_renditions")
    assert [row["file_id"] for row in left] == [kept]


async def test_refresh_tokens_that_were_replaced_long_ago_leave(postgres: Pool) -> None:
    await insert_session(postgres, expires=FUTURE)
    query = """
        INSERT INTO retired_refresh_tokens (refresh_hash, session_id, retired_at)
        SELECT sha256($1::text::bytea), id, $2 FROM sessions
    """
    await postgres.execute(query, "old", NOW - timedelta(days=91))
    await postgres.execute(query, "late", NOW - timedelta(days=89))
    await Timetable(postgres).run_due(now=NOW)
    left = await postgres.fetchval("SELECT array_agg(retired_at) FROM retired_refresh_tokens")
    assert left == [NOW - timedelta(days=89)]


async def test_push_tokens_of_unlinked_devices_leave(postgres: Pool) -> None:
    ended = await insert_session(postgres, expires=PAST)
    open_one = await insert_session(postgres, expires=FUTURE)
    query = """
        INSERT INTO push_tokens (device_id, provider, token, token_hash)
        VALUES ($1, 'fcm', 'x', sha256(uuid_send($1)))
    """
    for device in (ended, open_one):
        await postgres.execute(query, device)
    # The first round unlinks the device of the session that expired.
    await Timetable(postgres).run_due(now=NOW)
    left = await postgres.fetch("SELECT device_id FROM push_tokens")
    assert [row["device_id"] for row in left] == [open_one]


async def test_a_task_runs_in_one_worker_at_a_time(postgres: Pool) -> None:
    begun, release, runs = asyncio.Event(), asyncio.Event(), []

    async def sweep(connection: AnyConnection, *, now: datetime, batch: int) -> int:
        runs.append(now)
        begun.set()
        await release.wait()
        return 0

    task = Task("slow", timedelta(minutes=1), sweep)
    first = asyncio.create_task(Timetable(postgres, [task]).run_due(now=NOW))
    await begun.wait()
    await Timetable(postgres, [task]).run_due(now=NOW)
    assert len(runs) == 1
    release.set()
    await first
    await Timetable(postgres, [task]).run_due(now=NOW)
    assert len(runs) == 2
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1"
    assert await postgres.fetchval(locks, LOCK_SPACE) == 0


async def test_a_task_is_due_again_only_after_its_time(postgres: Pool) -> None:
    runs: list[datetime] = []

    async def sweep(connection: AnyConnection, *, now: datetime, batch: int) -> int:
        runs.append(now)
        return 0

    timetable = Timetable(postgres, [Task("quick", timedelta(minutes=5), sweep)])
    for minutes in (0, 1, 4, 5, 6, 11):
        await timetable.run_due(now=NOW + timedelta(minutes=minutes))
    assert [(run - NOW).total_seconds() / 60 for run in runs] == [0, 5, 11]


async def test_a_task_that_fails_holds_up_no_other(postgres: Pool) -> None:
    runs: list[datetime] = []

    async def broken(connection: AnyConnection, *, now: datetime, batch: int) -> int:
        await connection.execute("SELECT * FROM no_such_table")
        raise AssertionError("unreachable")

    async def sweep(connection: AnyConnection, *, now: datetime, batch: int) -> int:
        runs.append(now)
        return 0

    tasks = [Task("broken", timedelta(1), broken), Task("sound", timedelta(1), sweep)]
    await Timetable(postgres, tasks).run_due(now=NOW)
    assert runs == [NOW]


def test_each_task_has_a_name_of_its_own() -> None:
    assert len({task.name for task in TASKS}) == len(TASKS) == 8
