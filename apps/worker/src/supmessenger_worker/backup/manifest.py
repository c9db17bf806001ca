"""What an archive says about itself: the last member, `manifest.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
OBJECTS = "objects"


class ManifestError(Exception):
    """The manifest can not be understood."""


@dataclass(frozen=True)
class Member:
    """One file of the archive; `content_type` only for objects."""

    name: str
    size: int
    sha256: str
    content_type: str | None = None


@dataclass(frozen=True)
class Manifest:
    """Everything needed to judge an archive and to put it back."""

    instance: str
    created_at: datetime
    schema_version: str | None
    bucket_prefix: str
    members: tuple[Member, ...]

    def count_objects(self) -> dict[str, int]:
        """Return the number of objects of each bucket, by its name without prefix."""
        counts: dict[str, int] = {}
        for member in self.members:
            if member.name.startswith(f"{OBJECTS}/"):
                bucket = member.name.split("/", 2)[1]
                counts[bucket] = counts.get(bucket, 0) + 1
        return counts

    def compute_size(self) -> int:
        """Return the bytes of all members together."""
        return sum(member.size for member in self.members)


def build_json(manifest: Manifest) -> bytes:
    """Return the content of manifest.json."""
    document = {
        "format": FORMAT,
        "instance": manifest.instance,
        "createdAt": manifest.created_at.isoformat(),
        "schemaVersion": manifest.schema_version,
        "bucketPrefix": manifest.bucket_prefix,
        "bytes": manifest.compute_size(),
        "objects": manifest.count_objects(),
        "members": [_build_member(member) for member in manifest.members],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _build_member(member: Member) -> dict[str, object]:
    kept = {"contentType": member.content_type} if member.content_type else {}
    return {"name": member.name, "size": member.size, "sha256": member.sha256, **kept}


def parse_json(content: bytes) -> Manifest:
    """Read manifest.json; ManifestError when it is of another format or damaged."""
    try:
        document: Mapping[str, Any] = json.loads(content)
        if document["format"] != FORMAT:
            raise ManifestError(
                f"{MANIFEST} has format {document['format']}, this program reads {FORMAT}"
            )
        return Manifest(
            instance=document["instance"],
            created_at=datetime.fromisoformat(document["createdAt"]),
            schema_version=document["schemaVersion"],
            bucket_prefix=document["bucketPrefix"],
            members=tuple(
                Member(each["name"], each["size"], each["sha256"], each.get("contentType"))
                for each in document["members"]
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestError(f"{MANIFEST} is damaged: {error}") from error
