"""`sup-migrate` against a real server: whole, alone, repeatable, and telling when it fails."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from support.bindings import build_postgres_binding, write_binding
from support.processes.postgres import PostgresServer
from support.schema import MIGRATIONS

pytestmark = pytest.mark.services

SEED_TABLES = {
    "users",
    "sessions",
    "contacts",
    "blocked_users",
    "identity_keys",
    "signed_prekeys",
    "one_time_prekeys",
    "sessions_crypto",
    "chats",
    "chat_members",
    "chat_settings",
    "messages",
    "message_reactions",
    "message_edits",
    "message_reads",
    "stories",
    "story_views",
    "story_privacy_lists",
    "calls",
    "call_participants",
    "media_files",
    "stickers",
}
NAMES = [path.name.removesuffix(".down.sql") for path in sorted(MIGRATIONS.glob("*.down.sql"))]


@dataclass(frozen=True)
class Runner:
    """Calls the command as a Job does."""

    server: PostgresServer
    database: str
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        return os.environ | {
            "SERVICE_BINDING_ROOT": str(self.folder / "bindings"),
            "SUP_MIGRATIONS_DIR": str(self.migrations),
            "SUP_TERMINATION_LOG": str(self.folder / "termination-log"),
        }

    @property
    def migrations(self) -> Path:
        return self.folder / "migrations"

    @property
    def url(self) -> str:
        return self.server.build_url(self.database, "sup_owner")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "supmessenger_api.migrations.main", *arguments],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, code: int = 0) -> str:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, f"{process.returncode}\n{out}\n{err}"
        return out + err

    def read_termination(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.folder / "termination-log").read_text())
        return found

    def add(self, name: str, body: str, *, dependencies: str = "none", header: str = "") -> Path:
        path = self.migrations / f"{name}.sql"
        path.write_text(
            f"-- Migration: {name}\n-- Description: Test\n-- Created: 2026-01-01\n"
            f"-- Dependencies: {dependencies}\n{header}\n{body}"
        )
        down = f"-- Migration: {name} (DOWN)\n\nBEGIN;\nCOMMIT;\n"
        (self.migrations / f"{name}.down.sql").write_text(down)
        return path

    def dump_schema(self) -> str:
        done = subprocess.run(
            [f"{self.server.bin_folder}/pg_dump", "--schema-only", self.url],
            check=True,
            capture_output=True,
            text=True,
        )
        # Each dump carries a random key that restricts psql's meta-commands.
        lines = done.stdout.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestr")))


@pytest.fixture
def runner(postgres_server: PostgresServer, empty_database: str, tmp_path: Path) -> Runner:
    (tmp_path / "migrations").mkdir()
    keys = build_postgres_binding(postgres_server, empty_database, role="sup_owner")
    write_binding(tmp_path / "bindings", "postgres", keys)
    return Runner(postgres_server, empty_database, tmp_path)


@pytest.fixture
def whole(runner: Runner) -> Runner:
    for path in MIGRATIONS.glob("*.sql"):
        (runner.migrations / path.name).write_bytes(path.read_bytes())
    return runner


async def fetch(runner: Runner, query: str) -> list[str]:
    connection = await asyncpg.connect(runner.url)
    rows = await connection.fetch(query)
    await connection.close()
    return [row[0] for row in rows]


TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


def test_up_down_up_leaves_a_byte_identical_schema(whole: Runner) -> None:
    empty = whole.dump_schema()
    whole.call("up")
    first = whole.dump_schema()
    whole.call("down", "--all")
    assert whole.dump_schema() == empty
    whole.call("up")
    assert whole.dump_schema() == first
    assert "CREATE TABLE public.messages" in first


def test_each_migration_alone_goes_there_and_back(whole: Runner) -> None:
    before = []
    for name in NAMES:
        before.append(whole.dump_schema())
        whole.call("up", name)
    for name, expected in zip(reversed(NAMES), reversed(before), strict=True):
        whole.call("down")
        assert whole.dump_schema() == expected, name


async def test_every_table_of_the_seed_exists_and_every_table_is_explained(whole: Runner) -> None:
    whole.call("up")
    assert set(await fetch(whole, TABLES)) >= SEED_TABLES
    unexplained = (
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND obj_description(oid, 'pg_class') IS NULL"
    )
    assert await fetch(whole, unexplained) == []


async def test_every_foreign_key_has_an_index_that_deleting_can_use(whole: Runner) -> None:
    whole.call("up")
    unindexed = """
        SELECT c.conname FROM pg_constraint c WHERE c.contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = c.conrelid
            AND (i.indkey::int2[])[0] = ANY (c.conkey))
    """
    assert await fetch(whole, unindexed) == []


async def test_the_services_role_may_use_the_tables_and_not_change_the_record(
    whole: Runner,
) -> None:
    whole.call("up")
    connection = await asyncpg.connect(whole.server.build_url(whole.database, "sup_user"))
    assert await connection.fetchval("SELECT max(name) FROM schema_migrations") == NAMES[-1]
    assert await connection.execute("DELETE FROM users") == "DELETE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM schema_migrations")
    await connection.close()


async def test_privileges_that_a_restore_gave_too_much_are_taken_back(whole: Runner) -> None:
    whole.call("up")
    connection = await asyncpg.connect(whole.url)
    await connection.execute("GRANT ALL ON schema_migrations TO sup_app")
    whole.call("up")
    may_write = "SELECT has_table_privilege('sup_app', 'schema_migrations', 'DELETE')"
    assert await connection.fetchval(may_write) is False
    await connection.close()


def test_the_end_tells_the_schema_version(whole: Runner) -> None:
    out = whole.call("up")
    assert f"schema version {NAMES[-1]}" in out
    assert whole.read_termination() == {"schemaVersion": NAMES[-1], "run": NAMES}
    assert "0 migrations run" in whole.call("up")
    listed = json.loads(whole.call("status", "--json"))
    assert [(each["name"], each["state"]) for each in listed] == [(n, "applied") for n in NAMES]


async def test_a_failing_migration_leaves_nothing_and_says_where(runner: Runner) -> None:
    runner.add("000_good", "BEGIN;\nCREATE TABLE kept ();\nCOMMIT;\n")
    runner.add(
        "001_bad",
        "BEGIN;\nCREATE TABLE lost ();\n\n-- here\nSELECT\n  nothing;\nCOMMIT;\n",
        dependencies="000_good.sql",
    )
    err = runner.call("up", code=1)
    assert "001_bad, line 11" in err
    assert await fetch(runner, TABLES) == ["kept", "schema_migrations"]
    assert await fetch(runner, "SELECT name FROM schema_migrations") == ["000_good"]
    failure = runner.read_termination()
    assert failure == {
        "migration": "001_bad",
        "direction": "up",
        "sqlstate": "42703",
        "message": 'column "nothing" does not exist',
        "line": 11,
    }


async def test_a_failure_without_a_position_names_the_line_of_its_statement(
    runner: Runner,
) -> None:
    runner.add("000_bad", "BEGIN;\nSELECT 1;\nDO $$\nBEGIN\n  RAISE 'no';\nEND\n$$;\nCOMMIT;\n")
    runner.call("up", code=1)
    failure = runner.read_termination()
    assert (failure["line"], failure["sqlstate"], failure["message"]) == (8, "P0001", "no")


async def test_what_can_not_run_in_a_transaction_runs_without(runner: Runner) -> None:
    runner.add("000_table", "BEGIN;\nCREATE TABLE t (a int);\nCOMMIT;\n")
    runner.add(
        "001_index",
        "CREATE INDEX CONCURRENTLY t_a ON t (a);\nCREATE INDEX CONCURRENTLY t_b ON t (a);\n",
        header="-- Transaction: none\n",
    )
    runner.call("up")
    indexes = "SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY 1"
    assert await fetch(runner, indexes) == ["t_a", "t_b"]


async def test_two_runners_at_once_apply_everything_once(whole: Runner) -> None:
    processes = [whole.start("up") for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sorted("0 migrations run" in out for out, _ in outputs) == [False, True]
    assert await fetch(whole, "SELECT name FROM schema_migrations ORDER BY 1") == NAMES


async def test_a_runner_waits_for_the_other_only_until_its_deadline(whole: Runner) -> None:
    connection = await asyncpg.connect(whole.url)
    await connection.fetchval("SELECT pg_advisory_lock(x'5355504d'::int)")
    assert "another sup-migrate is at work" in whole.call("--wait", "0.5", "up", code=1)
    await connection.close()


def test_a_missing_dependency_is_refused(runner: Runner) -> None:
    runner.add("001_x", "BEGIN;\nCOMMIT;\n", dependencies="000_nobody.sql")
    assert "depends on 000_nobody.sql, which is missing" in runner.call("up", code=1)
    assert "000_nobody" in str(runner.read_termination()["message"])


def test_a_bad_header_is_refused(runner: Runner) -> None:
    path = runner.add("000_x", "BEGIN;\nCOMMIT;\n")
    path.write_text(path.read_text().replace("-- Created: 2026-01-01\n", ""))
    assert "lacks '-- Created" in runner.call("up", code=2)


def test_a_file_edited_after_it_was_applied_is_refused(whole: Runner) -> None:
    whole.call("up")
    path = whole.migrations / f"{NAMES[1]}.sql"
    path.write_text(path.read_text() + "-- harmless?\n")
    assert f"{NAMES[1]} was changed after it was applied" in whole.call("up", code=1)
    assert "changed" in whole.call("status")


def test_a_database_that_does_not_answer_is_waited_for_until_the_deadline(whole: Runner) -> None:
    (whole.folder / "bindings" / "postgres" / "port").write_text("1")
    out = whole.call("--wait", "0.5", "up", code=1)
    assert "waiting for 127.0.0.1:1" in out
    assert "does not answer" in str(whole.read_termination()["message"])


def test_a_missing_binding_is_a_wrong_set_up(whole: Runner) -> None:
    (whole.folder / "bindings" / "postgres" / "host").unlink()
    assert "postgres/host is missing" in whole.call("up", code=2)


def test_a_wrong_password_fails_at_once(whole: Runner) -> None:
    (whole.folder / "bindings" / "postgres" / "password").write_text("wrong")
    whole.call("up", code=1)
    assert whole.read_termination()["sqlstate"] == "28P01"
