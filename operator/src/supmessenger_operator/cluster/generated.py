"""What generated Secrets hold; randomness comes from `secrets` and nowhere else."""

import secrets
from collections.abc import Mapping

from supmessenger_operator.model.messenger import Messenger

Values = Mapping[str, str]

POSTGRES_ROLES = ("postgres", "sup_owner", "sup_user", "sup_user_b")
# Younger than the others: instances may exist that have no password for it yet.
POSTGRES_MONITOR = "sup_monitor"
REGION = "us-east-1"


def make_password() -> str:
    """Return 256 random bits in characters that no file format has to quote."""
    return secrets.token_urlsafe(32)


def make_postgres_roles() -> Values:
    """One password for each role."""
    return {role: make_password() for role in (*POSTGRES_ROLES, POSTGRES_MONITOR)}


def make_rabbitmq_admin() -> Values:
    """The broker's cookie and one password for each of its users."""
    return {
        "username": "admin",
        "password": make_password(),
        "erlang-cookie": secrets.token_hex(32),
        "sup": make_password(),
        "sup_b": make_password(),
    }


def make_object_storage_root(messenger: Messenger) -> Values:
    """Keys of the store's administrator."""
    return {"provider": "minio", **make_s3_keys(messenger)}


def make_object_storage_user(messenger: Messenger) -> Values:
    """Keys of one service; the setup Job makes the user with just its rights."""
    return {**make_s3_keys(messenger), "bucket-prefix": messenger.bucket_prefix}


def make_s3_keys(messenger: Messenger) -> Values:
    """A fresh pair of keys and the address they are for."""
    return {
        "type": "s3",
        "endpoint": f"http://{messenger.object_name('object-storage')}:9000",
        "region": REGION,
        # MinIO takes access keys of 3 to 20 characters and secrets of 8 to 40.
        "access-key-id": secrets.token_hex(10).upper(),
        "secret-access-key": secrets.token_urlsafe(30),
    }


def make_redis(messenger: Messenger, component: str) -> Values:
    """Address and password of one Redis."""
    return {
        "type": "redis",
        "host": messenger.object_name(component),
        "port": "6379",
        "password": make_password(),
    }


def make_jwt_secret() -> str:
    """Key that signs access tokens."""
    return secrets.token_urlsafe(64)


def make_session_secret() -> str:
    """Key of the hashes of refresh tokens and one-time links."""
    return secrets.token_urlsafe(64)


def make_encryption_key() -> str:
    """Key of what the server itself must read back: 32 bytes, base64url."""
    return secrets.token_urlsafe(32)


def build_postgres(messenger: Messenger, *, username: str, password: str) -> Values:
    """Connection to the embedded database."""
    return {
        "type": "postgresql",
        "provider": "sup-operator",
        "host": messenger.object_name("postgres"),
        "port": "5432",
        "database": "sup",
        "username": username,
        "password": password,
        "sslmode": "disable",  # within the namespace, guarded by network policies
    }


def build_rabbitmq(messenger: Messenger, *, password: str) -> Values:
    """Connection to the embedded broker."""
    return {
        "type": "rabbitmq",
        "host": messenger.object_name("rabbitmq"),
        "port": "5672",
        "username": "sup",
        "password": password,
        "vhost": "/",
    }
