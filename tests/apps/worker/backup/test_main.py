"""`sup-backup` from a filled instance to a copy of it, with real servers."""

import hashlib
import io
import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from support.bindings import build_object_storage_binding, build_postgres_binding, write_binding
from support.processes.minio import ObjectStorageServer
from support.processes.postgres import (
    PostgresServer,
    create_database,
    drop_database,
    run_apart,
)
from support.processes.servers import Run
from support.schema import TEMPLATE, provide_template

from minio import Minio
from supmessenger_common.bindings import read_object_storage
from supmessenger_common.database import Connection
from supmessenger_worker.backup.main import main
from supmessenger_worker.object_storage_setup.client import build_client

pytestmark = pytest.mark.services

NEWEST = max(
    path.stem
    for path in Path(__file__).parents[4].glob("apps/api/migrations/*.sql")
    if not path.stem.endswith(".down")
)
BIG = bytes(range(256)) * 32768  # 8 MiB: more than any buffer on its way


@pytest.fixture
def source(
    bindings_folder: Path,
    postgres_server: PostgresServer,
    database: str,
    object_storage_binding: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Path:
    """Bindings of an instance with people, messages and objects in it."""
    keys = build_postgres_binding(postgres_server, database, role="sup_owner")
    write_binding(bindings_folder, "postgres", keys)
    monkeypatch.setenv("SERVICE_BINDING_ROOT", str(bindings_folder))
    monkeypatch.setenv("SUP_INSTANCE", "demo")
    monkeypatch.setenv("SUP_TERMINATION_LOG", str(tmp_path / "termination-log"))
    (tmp_path / "backups").mkdir()
    storage = read_object_storage(bindings_folder)
    client = build_client(storage)
    for bucket, key, data in (
        ("media", "2026/11/big", BIG),
        ("media", "empty", b""),
        ("media", "with space/ü+%20.png", b"picture"),
        ("exports", "export.zip", b"zip"),
    ):
        client.put_object(
            storage.bucket(bucket), key, io.BytesIO(data), len(data), content_type="image/png"
        )
    return bindings_folder


@pytest.fixture
def people(postgres_server: PostgresServer, database: str) -> None:
    """Rows in the test's database, text and bytes."""
    run_apart(insert_people(postgres_server.build_url(database, "sup_user")))


@pytest.fixture
def used_database(server_run: Run, postgres_server: PostgresServer) -> Iterator[str]:
    """A second migrated database, as a fresh instance has it, with a row of its own."""
    provide_template(server_run, postgres_server)
    name = f"used_{uuid.uuid4().hex}"
    create_database(postgres_server, name, template=TEMPLATE)
    run_apart(insert_people(postgres_server.build_url(name, "sup_user")))
    yield name
    drop_database(postgres_server, name)


async def insert_people(url: str) -> None:
    connection = await asyncpg.connect(url)
    user, device, chat = (uuid.uuid4() for _ in range(3))
    await connection.execute(
        "INSERT INTO users (id, email, username, display_name, password_hash) "
        "VALUES ($1, 'a@example.org', 'ann', 'Ann', 'x')",
        user,
    )
    await connection.execute(
        "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'phone', 1)",
        device,
        user,
    )
    await connection.execute("INSERT INTO chats (id, type) VALUES ($1, 'channel')", chat)
    await connection.execute(
        "INSERT INTO messages (id, chat_id, seq, sender_id, sender_device_id, client_msg_id, "
        "content_type, content, encrypted) SELECT gen_random_uuid(), $1, n, $2, $3, "
        "gen_random_uuid(), 'text/plain', 'Grüße ' || n, n % 2 = 0 FROM generate_series(1, 500) n",
        chat,
        user,
        device,
    )
    await connection.execute(
        "INSERT INTO message_recipients (message_id, device_id, type, ciphertext) "
        "SELECT id, $1, 2, decode('00ff10', 'hex') FROM messages",
        device,
    )
    await connection.close()


def dump(server: PostgresServer, database: str, path: Path) -> Path:
    subprocess.run(
        [
            f"{server.bin_folder}/pg_dump",
            "-Fc",
            "-f",
            path,
            server.build_url(database, "sup_owner"),
        ],
        check=True,
    )
    return path


def dump_schema(server: PostgresServer, url: str) -> str:
    command = [f"{server.bin_folder}/pg_dump", "--schema-only", "--no-privileges", url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestr")))


def restore(server: PostgresServer, tmp_path: Path, database: str, *options: str) -> None:
    """Restore the unpacked dump as the documentation says."""
    subprocess.run(
        [
            f"{server.bin_folder}/pg_restore",
            *("--no-owner", "--exit-on-error", "--single-transaction", *options),
            *("-d", server.build_url(database, "sup_owner")),
            tmp_path / "out" / "database.dump",
        ],
        check=True,
    )


async def digest_tables(url: str) -> dict[str, str]:
    """Return count and digest of the rows of every table."""
    connection: Connection = await asyncpg.connect(url)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    digests = {
        table: await connection.fetchval(
            f"SELECT count(*) || md5(coalesce(string_agg(t::text, '' ORDER BY t::text), ''))"
            f" FROM {table} t"
        )
        for (table,) in tables
    }
    await connection.close()
    return digests


def digest_objects(folder: Path) -> dict[tuple[str, str], tuple[str, str | None]]:
    storage = read_object_storage(folder)
    client: Minio = build_client(storage)
    found = {}
    for bucket in ("media", "exports"):
        for each in client.list_objects(storage.bucket(bucket), recursive=True):
            assert each.object_name is not None
            response = client.get_object(storage.bucket(bucket), each.object_name)
            digest = hashlib.sha256(response.read()).hexdigest()
            found[bucket, each.object_name] = (digest, response.headers.get("Content-Type"))
            response.close()
    return found


def create(tmp_path: Path, *, keep: int = 7) -> int:
    return main(
        [
            "create",
            *("--dump", str(tmp_path / "database.dump")),
            *("--destination", str(tmp_path / "backups"), "--keep", str(keep)),
        ]
    )


def find_archives(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "backups").glob("*.tar.zst"))


@pytest.mark.usefixtures("people")
def test_a_copy_made_from_an_archive_is_the_same_in_every_row_and_object(
    source: Path,
    tmp_path: Path,
    postgres_server: PostgresServer,
    database: str,
    empty_database: str,
    used_database: str,
    object_storage_server: ObjectStorageServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dump(postgres_server, database, tmp_path / "database.dump")
    assert create(tmp_path) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["schemaVersion"] == NEWEST
    assert summary["objects"] == {"media": 3, "exports": 1}
    assert json.loads((tmp_path / "termination-log").read_text()) == summary

    (archive,) = find_archives(tmp_path)
    assert main(["verify", str(archive)]) == 0
    assert main(["extract", str(archive), str(tmp_path / "out")]) == 0
    restore(postgres_server, tmp_path, empty_database)
    # The way of the documentation: into a database that an instance of its own has already made.
    restore(postgres_server, tmp_path, used_database, "--clean", "--if-exists")
    copy = tmp_path / "copy"
    prefix = f"copy{uuid.uuid4().hex[:12]}-"
    object_storage_server.make_buckets(f"{prefix}media", f"{prefix}exports")
    keys = build_object_storage_binding(object_storage_server, prefix)
    write_binding(copy, "object-storage", keys)
    monkeypatch.setenv("SERVICE_BINDING_ROOT", str(copy))
    (copy / "object-storage" / "bucket-prefix").unlink()
    assert main(["put-objects", str(tmp_path / "out")]) == 2
    assert main(["put-objects", str(tmp_path / "out"), "--bucket-prefix", prefix]) == 0
    write_binding(copy, "object-storage", keys)

    names = (database, empty_database, used_database)
    urls = [postgres_server.build_url(name, "sup_owner") for name in names]
    expected, *found = (run_apart(digest_tables(url)) for url in urls)
    assert found == [expected, expected]
    # Of two copies: a restored CHECK has fewer parentheses than the one first written.
    assert dump_schema(postgres_server, urls[1]) == dump_schema(postgres_server, urls[2])
    assert expected["messages"].startswith("500")
    assert digest_objects(copy) == digest_objects(source)
    assert len(digest_objects(copy)) == 4


def test_old_archives_go_only_after_a_new_one_is_whole(
    source: Path, tmp_path: Path, postgres_server: PostgresServer, database: str
) -> None:
    dump(postgres_server, database, tmp_path / "database.dump")
    old = [f"sup-demo-2020010{day}T000000Z.tar.zst" for day in (1, 2, 3)]
    for name in old:
        (tmp_path / "backups" / name).touch()
    (source / "object-storage" / "secret-access-key").write_text("wrong-wrong-wrong")
    assert create(tmp_path, keep=2) == 1
    assert [path.name for path in find_archives(tmp_path)] == old


def test_retention_keeps_the_newest(
    source: Path, tmp_path: Path, postgres_server: PostgresServer, database: str
) -> None:
    dump(postgres_server, database, tmp_path / "database.dump")
    for day in (1, 2, 3):
        (tmp_path / "backups" / f"sup-demo-2020010{day}T000000Z.tar.zst").touch()
    assert create(tmp_path, keep=2) == 0
    names = [path.name for path in find_archives(tmp_path)]
    assert names[0] == "sup-demo-20200103T000000Z.tar.zst"
    assert len(names) == 2


@pytest.mark.parametrize("content", [None, b"", b"-- a plain dump"], ids=["none", "empty", "plain"])
def test_a_dump_that_is_none_is_refused(
    source: Path, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "database.dump").write_bytes(content)
    assert create(tmp_path) == 1
    assert "dump" in (tmp_path / "termination-log").read_text()
    assert find_archives(tmp_path) == []


def test_objects_that_were_changed_after_unpacking_are_not_put_back(
    source: Path, tmp_path: Path, postgres_server: PostgresServer, database: str
) -> None:
    dump(postgres_server, database, tmp_path / "database.dump")
    assert create(tmp_path) == 0
    assert main(["extract", str(find_archives(tmp_path)[0]), str(tmp_path / "out")]) == 0
    (tmp_path / "out" / "objects" / "exports" / "export.zip").write_bytes(b"other")
    before = digest_objects(source)
    assert main(["put-objects", str(tmp_path / "out")]) == 1
    assert "objects/exports/export.zip" in (tmp_path / "termination-log").read_text()
    assert digest_objects(source) == before


def test_a_folder_that_was_not_unpacked_is_a_wrong_call(source: Path, tmp_path: Path) -> None:
    assert main(["put-objects", str(tmp_path)]) == 2
