"""Objects out of the store and back into it, one after the other and never whole in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minio.error import S3Error
from urllib3 import BaseHTTPResponse

from minio import Minio
from supmessenger_common.bindings import ObjectStorageBinding
from supmessenger_worker.backup.manifest import OBJECTS, Member
from supmessenger_worker.object_storage_setup.client import build_client
from supmessenger_worker.object_storage_setup.plan import BUCKETS


class ObjectsError(Exception):
    """The store does not hold, or does not take, what it should."""


@dataclass(frozen=True)
class StoredObject:
    """One object as listed: its bucket without prefix, its key, its size then."""

    bucket: str
    key: str
    size: int

    @property
    def member(self) -> str:
        """Name in the archive."""
        return f"{OBJECTS}/{self.bucket}/{self.key}"


@dataclass(frozen=True)
class OpenObject:
    """An object that is being read: size and type are those of the bytes that come."""

    response: BaseHTTPResponse
    size: int
    content_type: str | None

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, as they are stored."""
        return self.response.read(size, decode_content=False)


@dataclass(frozen=True)
class ObjectStore:
    """The buckets of one instance."""

    client: Minio
    binding: ObjectStorageBinding

    def list_objects(self) -> Iterator[StoredObject]:
        """Yield all objects of both buckets."""
        for bucket in BUCKETS:
            for each in self.client.list_objects(self.binding.bucket(bucket), recursive=True):
                if each.object_name is not None and not each.is_dir:
                    yield StoredObject(bucket, each.object_name, each.size or 0)

    @contextmanager
    def open_object(self, stored: StoredObject) -> Iterator[OpenObject | None]:
        """Open an object for reading; None when it was deleted meanwhile."""
        try:
            response = self.client.get_object(self.binding.bucket(stored.bucket), stored.key)
        except S3Error as error:
            if error.code != "NoSuchKey":
                raise
            yield None
            return
        try:
            size = int(response.headers["Content-Length"])
            yield OpenObject(response, size, response.headers.get("Content-Type"))
        finally:
            response.close()
            response.release_conn()

    def put_file(self, member: Member, path: Path) -> None:
        """Upload a file of an extracted archive to where it was, under this instance's prefix."""
        _, bucket, key = member.name.split("/", 2)
        if bucket not in BUCKETS:
            raise ObjectsError(f"{member.name} belongs to no bucket of an instance")
        self.client.fput_object(
            self.binding.bucket(bucket),
            key,
            str(path),
            content_type=member.content_type or "application/octet-stream",
        )


def open_store(binding: ObjectStorageBinding) -> ObjectStore:
    """Return the buckets that a binding names."""
    return ObjectStore(build_client(binding), binding)
