"""What an instance needs in its object store: buckets, users and exactly their rights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supmessenger_common.bindings import BindingError, ObjectStorageBinding, read_object_storage

BUCKETS = ("media", "exports")
ROLES = ("media", "worker", "backup")

_READ_BUCKET = ("s3:GetBucketLocation", "s3:ListBucket")
_WRITE_BUCKET = (*_READ_BUCKET, "s3:ListBucketMultipartUploads")
_WRITE_OBJECT = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


@dataclass(frozen=True)
class User:
    """A service's own keys, and the policy that says what they open."""

    role: str
    binding: ObjectStorageBinding
    policy_name: str
    policy: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """Everything to make; making it again changes nothing."""

    buckets: tuple[str, ...]
    users: tuple[User, ...]


def read_plan(root: Path) -> Plan:
    """Read the users' bindings below `root`, `object-storage-<role>` each; BindingError."""
    bindings = {role: _read_user(root, role) for role in ROLES}
    prefixes = {binding.bucket_prefix for binding in bindings.values()}
    if len(prefixes) != 1:
        raise BindingError(f"the users' bucket-prefix must be one and the same, not {prefixes}")
    prefix = prefixes.pop()
    return Plan(
        buckets=tuple(f"{prefix}{name}" for name in BUCKETS),
        users=tuple(
            User(role, binding, f"{prefix}{role}", build_policy(role, prefix=prefix))
            for role, binding in bindings.items()
        ),
    )


def _read_user(root: Path, role: str) -> ObjectStorageBinding:
    """Read one user's binding, which is mounted under a name of its own here."""
    return read_object_storage(root, name=f"object-storage-{role}")


def build_policy(role: str, *, prefix: str) -> dict[str, Any]:
    """Return the rights of a role: backup reads both buckets, the others work in `media`."""
    if role == "backup":
        return _build_document(
            tuple(f"{prefix}{name}" for name in BUCKETS),
            bucket_actions=_READ_BUCKET,
            object_actions=("s3:GetObject",),
        )
    return _build_document(
        (f"{prefix}media",), bucket_actions=_WRITE_BUCKET, object_actions=_WRITE_OBJECT
    )


def _build_document(
    buckets: tuple[str, ...], *, bucket_actions: tuple[str, ...], object_actions: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": list(bucket_actions),
                "Resource": [f"arn:aws:s3:::{bucket}" for bucket in buckets],
            },
            {
                "Effect": "Allow",
                "Action": list(object_actions),
                "Resource": [f"arn:aws:s3:::{bucket}/*" for bucket in buckets],
            },
        ],
    }
