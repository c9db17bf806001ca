"""Makes what the plan says, and asks with each user's own keys whether it holds."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import urllib3
from minio.error import MinioAdminException, S3Error

from minio import Minio, MinioAdmin
from supmessenger_common.bindings import ObjectStorageBinding
from supmessenger_worker.object_storage_setup.client import build_admin, build_client
from supmessenger_worker.object_storage_setup.plan import Plan, User

# Nothing of the services begins like this, and what is left of a broken run does no harm.
PROBE_KEY = "probe/object-storage-setup"

Say = Callable[[str], None]


class NotReadyError(Exception):
    """The store did not answer before the deadline."""


class VerificationError(Exception):
    """A user can do less, or more, than it should."""


def wait_for_store(root: ObjectStorageBinding, *, seconds: float, say: Say) -> None:
    """Return when the store answers the root keys; a refusal of the keys is an S3Error at once."""
    client = build_client(root)
    deadline = time.monotonic() + seconds
    told = False
    while True:
        try:
            client.list_buckets()
            return
        except urllib3.exceptions.HTTPError as error:
            reason = str(error)
        except S3Error as error:
            if error.code not in ("XMinioServerNotInitialized", "SlowDown", "ServiceUnavailable"):
                raise
            reason = str(error.message)
        if time.monotonic() >= deadline:
            raise NotReadyError(f"{root.endpoint} does not answer: {reason}")
        if not told:
            say(f"waiting for {root.endpoint}")
            told = True
        time.sleep(0.5)


def apply_plan(root: ObjectStorageBinding, plan: Plan, *, say: Say) -> None:
    """Make the buckets, policies and users that are missing or differ."""
    client, admin = build_client(root), build_admin(root)
    for bucket in plan.buckets:
        if client.bucket_exists(bucket):
            say(f"bucket {bucket} is there")
        else:
            client.make_bucket(bucket, root.region)
            say(f"bucket {bucket} made")
    for user in plan.users:
        admin.policy_add(user.policy_name, policy=user.policy)
        admin.user_add(user.binding.access_key_id, user.binding.secret_access_key)
        _set_policy(admin, user)
        say(f"user of {user.role}: policy {user.policy_name}")


def _set_policy(admin: MinioAdmin, user: User) -> None:
    try:
        admin.policy_set(user.policy_name, user=user.binding.access_key_id)
    except MinioAdminException as error:
        # Newer releases answer so when nothing would change.
        if "policy change is already in effect" not in str(error):
            raise


def verify_users(plan: Plan, *, say: Say) -> None:
    """Use every user's keys as its service will; VerificationError when the rights are wrong."""
    media, exports = plan.buckets
    for user in plan.users:
        client = build_client(user.binding)
        try:
            if user.role == "backup":
                for bucket in plan.buckets:
                    _list(client, bucket)
            else:
                _write_read_delete(client, media)
        except S3Error as error:
            raise VerificationError(f"the keys of {user.role} do not work: {error}") from error
        _expect_refusal(user, client, media if user.role == "backup" else exports)
        say(f"user of {user.role}: keys verified")


def _list(client: Minio, bucket: str) -> None:
    next(iter(client.list_objects(bucket)), None)


def _write_read_delete(client: Minio, bucket: str) -> None:
    client.put_object(bucket, PROBE_KEY, io.BytesIO(b"probe"), 5)
    client.get_object(bucket, PROBE_KEY).close()
    client.remove_object(bucket, PROBE_KEY)


def _expect_refusal(user: User, client: Minio, bucket: str) -> None:
    try:
        client.put_object(bucket, PROBE_KEY, io.BytesIO(b"probe"), 5)
    except S3Error as error:
        if error.code == "AccessDenied":
            return
        raise
    raise VerificationError(f"the keys of {user.role} may write to {bucket}, and should not")
