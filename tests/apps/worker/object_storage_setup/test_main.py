"""`sup-object-storage-setup` against a real store: least rights, repeatable, rotating."""

import io
import json
import secrets
from pathlib import Path

import pytest
from minio.error import S3Error
from support.bindings import build_object_storage_binding, write_binding
from support.processes.minio import ObjectStorageServer

from minio import Minio
from supmessenger_common.bindings import read_object_storage
from supmessenger_worker.object_storage_setup.client import build_client
from supmessenger_worker.object_storage_setup.main import main
from supmessenger_worker.object_storage_setup.plan import ROLES

pytestmark = pytest.mark.services


def write_user(folder: Path, server: ObjectStorageServer, role: str, *, prefix: str) -> None:
    keys = build_object_storage_binding(server, prefix)
    keys["access-key-id"] = f"{prefix}{role}"
    keys["secret-access-key"] = secrets.token_urlsafe(24)
    write_binding(folder, f"object-storage-{role}", keys)


@pytest.fixture
def folder(
    bindings_folder: Path,
    object_storage_server: ObjectStorageServer,
    bucket_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Path:
    root = build_object_storage_binding(object_storage_server, "")
    write_binding(bindings_folder, "object-storage", root)
    for role in ROLES:
        write_user(bindings_folder, object_storage_server, role, prefix=bucket_prefix)
    monkeypatch.setenv("SERVICE_BINDING_ROOT", str(bindings_folder))
    monkeypatch.setenv("SUP_TERMINATION_LOG", str(tmp_path / "termination-log"))
    return bindings_folder


def connect(folder: Path, role: str) -> Minio:
    return build_client(read_object_storage(folder, name=f"object-storage-{role}"))


def put(client: Minio, bucket: str, key: str = "key") -> None:
    client.put_object(bucket, key, io.BytesIO(b"bytes"), 5)


def read_termination(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder.parent / "termination-log").read_text())
    return found


def test_run_twice_it_changes_nothing(folder: Path, bucket_prefix: str) -> None:
    assert main([]) == 0
    put(connect(folder, "media"), f"{bucket_prefix}media")
    assert main([]) == 0
    kept = connect(folder, "worker").get_object(f"{bucket_prefix}media", "key")
    assert kept.read() == b"bytes"
    kept.close()
    assert read_termination(folder) == {
        "buckets": [f"{bucket_prefix}media", f"{bucket_prefix}exports"],
        "users": ["media", "worker", "backup"],
    }


@pytest.mark.parametrize("role", ["media", "worker"])
def test_services_work_in_the_media_bucket_alone(
    folder: Path, bucket_prefix: str, role: str
) -> None:
    assert main([]) == 0
    client = connect(folder, role)
    put(client, f"{bucket_prefix}media")
    assert [each.object_name for each in client.list_objects(f"{bucket_prefix}media")] == ["key"]
    client.remove_object(f"{bucket_prefix}media", "key")
    with pytest.raises(S3Error, match="AccessDenied"):
        put(client, f"{bucket_prefix}exports")
    with pytest.raises(S3Error, match="AccessDenied"):
        list(client.list_objects(f"{bucket_prefix}exports"))


def test_backup_reads_both_buckets_and_writes_none(folder: Path, bucket_prefix: str) -> None:
    assert main([]) == 0
    put(connect(folder, "media"), f"{bucket_prefix}media")
    client = connect(folder, "backup")
    assert [each.object_name for each in client.list_objects(f"{bucket_prefix}media")] == ["key"]
    assert list(client.list_objects(f"{bucket_prefix}exports")) == []
    with pytest.raises(S3Error, match="AccessDenied"):
        put(client, f"{bucket_prefix}media")
    with pytest.raises(S3Error, match="AccessDenied"):
        client.remove_object(f"{bucket_prefix}media", "key")


def test_a_rotated_secret_replaces_the_old_one(
    folder: Path, bucket_prefix: str, object_storage_server: ObjectStorageServer
) -> None:
    assert main([]) == 0
    old = connect(folder, "media")
    write_user(folder, object_storage_server, "media", prefix=bucket_prefix)
    assert main([]) == 0
    put(connect(folder, "media"), f"{bucket_prefix}media")
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        put(old, f"{bucket_prefix}media")


def test_wrong_root_keys_fail_at_once(folder: Path) -> None:
    (folder / "object-storage" / "secret-access-key").write_text("wrong-wrong-wrong")
    assert main([]) == 1
    assert "SignatureDoesNotMatch" in str(read_termination(folder)["message"])


def test_a_store_that_does_not_answer_is_waited_for_until_the_deadline(folder: Path) -> None:
    (folder / "object-storage" / "endpoint").write_text("http://127.0.0.1:1")
    assert main(["--wait", "0.2"]) == 1
    assert "does not answer" in str(read_termination(folder)["message"])


def test_a_missing_key_is_a_wrong_set_up(folder: Path) -> None:
    (folder / "object-storage-backup" / "access-key-id").unlink()
    assert main([]) == 2
    assert "object-storage-backup/access-key-id is missing" in str(
        read_termination(folder)["message"]
    )


def test_users_of_different_instances_are_refused(folder: Path) -> None:
    (folder / "object-storage-backup" / "bucket-prefix").write_text("other-")
    assert main([]) == 2
