"""Connections of a service, read once from the files of its service bindings."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

SmtpSecurity = Literal["starttls", "tls", "none"]
KafkaProtocol = Literal["PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"]


class BindingError(Exception):
    """A binding is missing or unusable; the message names the file and the cure."""


@dataclass(frozen=True)
class PostgresBinding:
    """One database and the role to use it."""

    host: str
    port: int
    database: str
    username: str
    password: str
    sslmode: str
    ca_file: Path | None


@dataclass(frozen=True)
class RedisBinding:
    """One Redis."""

    host: str
    port: int
    password: str | None


@dataclass(frozen=True)
class RabbitBinding:
    """One RabbitMQ virtual host and its user."""

    host: str
    port: int
    username: str
    password: str
    vhost: str


@dataclass(frozen=True)
class ObjectStorageBinding:
    """One S3 endpoint, a key pair, and the prefix of the instance's bucket names."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str
    bucket_prefix: str
    ca_file: Path | None

    def bucket(self, name: str) -> str:
        """Return the full name of the instance's bucket `name`."""
        return f"{self.bucket_prefix}{name}"


@dataclass(frozen=True)
class Credentials:
    """Keys of the instance: what each protects is told in the design."""

    jwt_secret: bytes
    session_secret: bytes
    encryption_key: bytes


@dataclass(frozen=True)
class SmtpBinding:
    """The mail server and the sender of the instance's emails."""

    host: str
    port: int
    security: SmtpSecurity
    sender: str
    username: str | None
    password: str | None


@dataclass(frozen=True)
class LivekitBinding:
    """The media server: where we reach it, where clients do, and the key pair of both."""

    url: str
    public_url: str
    api_key: str
    api_secret: str


@dataclass(frozen=True)
class TurnBinding:
    """The relay: what its time-limited credentials are made of."""

    shared_secret: str


@dataclass(frozen=True)
class KafkaBinding:
    """A Kafka cluster: where clients begin (`host:port`, comma-separated), and as whom."""

    bootstrap_servers: str
    security_protocol: KafkaProtocol
    sasl_mechanism: str
    username: str | None
    password: str | None
    ca_file: Path | None


@dataclass(frozen=True)
class BindingFolder:
    """One binding's folder of files."""

    path: Path

    def read(self, key: str) -> str:
        """Return the text of a key; raises BindingError when it is missing."""
        value = self.read_optional(key)
        if value is None:
            raise BindingError(
                f"{self.path / key} is missing: mount the Secret of binding "
                f"'{self.path.name}' there or set SERVICE_BINDING_ROOT"
            )
        return value

    def read_optional(self, key: str) -> str | None:
        """Return the text of a key; None when it is missing or empty."""
        try:
            value = (self.path / key).read_text("utf-8").rstrip("\r\n")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise BindingError(f"{self.path / key} cannot be read: {error}") from error
        return value or None

    def read_port(self, key: str = "port") -> int:
        text = self.read(key)
        if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
            raise BindingError(f"{self.path / key} must be a port number, not {text!r}")
        return int(text)

    def read_key(self, key: str, *, least: int) -> bytes:
        text = self.read(key)
        try:
            value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            raise BindingError(f"{self.path / key} must be base64url") from None
        if len(value) < least:
            raise BindingError(f"{self.path / key} must hold at least {least} bytes")
        return value

    def file(self, key: str) -> Path | None:
        path = self.path / key
        return path if path.is_file() else None


def read_postgres(root: Path) -> PostgresBinding:
    """Read the binding `postgres`."""
    folder = BindingFolder(root / "postgres")
    return PostgresBinding(
        host=folder.read("host"),
        port=folder.read_port(),
        database=folder.read("database"),
        username=folder.read("username"),
        password=folder.read("password"),
        sslmode=folder.read_optional("sslmode") or "prefer",
        ca_file=folder.file("ca.crt"),
    )


def read_redis(root: Path, name: Literal["redis-cache", "redis-state"]) -> RedisBinding:
    """Read one of the two Redis bindings."""
    folder = BindingFolder(root / name)
    return RedisBinding(
        host=folder.read("host"),
        port=folder.read_port(),
        password=folder.read_optional("password"),
    )


def read_rabbitmq(root: Path) -> RabbitBinding:
    """Read the binding `rabbitmq`."""
    folder = BindingFolder(root / "rabbitmq")
    return RabbitBinding(
        host=folder.read("host"),
        port=folder.read_port(),
        username=folder.read("username"),
        password=folder.read("password"),
        vhost=folder.read_optional("vhost") or "/",
    )


def read_object_storage(root: Path, *, name: str = "object-storage") -> ObjectStorageBinding:
    """Read the binding `object-storage`, or one like it under another name."""
    folder = BindingFolder(root / name)
    return ObjectStorageBinding(
        endpoint=folder.read("endpoint"),
        region=folder.read_optional("region") or "us-east-1",
        access_key_id=folder.read("access-key-id"),
        secret_access_key=folder.read("secret-access-key"),
        bucket_prefix=folder.read_optional("bucket-prefix") or "",
        ca_file=folder.file("ca.crt"),
    )


def read_credentials(root: Path) -> Credentials:
    """Read the binding `credentials`."""
    folder = BindingFolder(root / "credentials")
    return Credentials(
        jwt_secret=folder.read_key("jwt-secret", least=32),
        session_secret=folder.read_key("session-secret", least=32),
        encryption_key=folder.read_key("encryption-key", least=32),
    )


def read_smtp(root: Path) -> SmtpBinding | None:
    """Read the binding `smtp`; None when the instance has no mail server."""
    folder = BindingFolder(root / "smtp")
    if not folder.path.is_dir():
        return None
    security = folder.read("security")
    if security not in get_args(SmtpSecurity):
        raise BindingError(f"{folder.path / 'security'} must be starttls, tls or none")
    return SmtpBinding(
        host=folder.read("host"),
        port=folder.read_port(),
        security=cast(SmtpSecurity, security),
        sender=folder.read("from"),
        username=folder.read_optional("username"),
        password=folder.read_optional("password"),
    )


def read_livekit(root: Path) -> LivekitBinding | None:
    """Read the binding `livekit`; None when the instance offers no calls."""
    folder = BindingFolder(root / "livekit")
    if not folder.path.is_dir():
        return None
    for key in ("url", "public-url"):
        if not folder.read(key).startswith(("ws://", "wss://", "http://", "https://")):
            raise BindingError(f"{folder.path / key} must begin with ws:// or wss://")
    return LivekitBinding(
        url=folder.read("url"),
        public_url=folder.read("public-url"),
        api_key=folder.read("api-key"),
        api_secret=folder.read("api-secret"),
    )


def read_turn(root: Path) -> TurnBinding | None:
    """Read the binding `turn`; None when the instance has no relay."""
    folder = BindingFolder(root / "turn")
    if not folder.path.is_dir():
        return None
    return TurnBinding(shared_secret=folder.read("shared-secret"))


def read_kafka(root: Path) -> KafkaBinding | None:
    """Read the binding `kafka`; None when the instance sends no events."""
    folder = BindingFolder(root / "kafka")
    if not folder.path.is_dir():
        return None
    protocol = folder.read("security-protocol")
    if protocol not in get_args(KafkaProtocol):
        known = ", ".join(get_args(KafkaProtocol))
        raise BindingError(f"{folder.path / 'security-protocol'} must be one of {known}")
    has_login = protocol.startswith("SASL")
    return KafkaBinding(
        bootstrap_servers=folder.read("bootstrap-servers"),
        security_protocol=cast(KafkaProtocol, protocol),
        sasl_mechanism=folder.read_optional("sasl-mechanism") or "PLAIN",
        username=folder.read("username") if has_login else None,
        password=folder.read("password") if has_login else None,
        ca_file=folder.file("ca.crt"),
    )
