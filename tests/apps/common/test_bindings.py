"""Reading service bindings."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from support.bindings import build_credentials, build_smtp_binding, write_binding

from supmessenger_common.bindings import (
    BindingError,
    LivekitBinding,
    PostgresBinding,
    RedisBinding,
    SmtpBinding,
    TurnBinding,
    read_credentials,
    read_livekit,
    read_object_storage,
    read_postgres,
    read_rabbitmq,
    read_redis,
    read_smtp,
    read_turn,
)

POSTGRES = {
    "type": "postgresql",
    "host": "demo-postgres",
    "port": "5432",
    "database": "sup",
    "username": "sup_user",
    "password": "pa ss",
    "sslmode": "verify-full",
    "ca.crt": "-----BEGIN CERTIFICATE-----\n",
}


def test_a_binding_is_read_whole(tmp_path: Path) -> None:
    write_binding(tmp_path, "postgres", POSTGRES)
    assert read_postgres(tmp_path) == PostgresBinding(
        host="demo-postgres",
        port=5432,
        database="sup",
        username="sup_user",
        password="pa ss",
        sslmode="verify-full",
        ca_file=tmp_path / "postgres" / "ca.crt",
    )


def test_a_line_end_after_a_value_is_not_part_of_it(tmp_path: Path) -> None:
    keys = {"host": "cache\n", "port": "6379\n", "password": " spaces count \n"}
    write_binding(tmp_path, "redis-cache", keys)
    assert read_redis(tmp_path, "redis-cache") == RedisBinding("cache", 6379, " spaces count ")


@pytest.mark.parametrize("key", ["host", "port", "database", "username", "password"])
def test_a_missing_key_is_named_by_its_path(tmp_path: Path, key: str) -> None:
    (write_binding(tmp_path, "postgres", POSTGRES) / key).unlink()
    with pytest.raises(BindingError, match=re.escape(str(tmp_path / "postgres" / key))):
        read_postgres(tmp_path)


def test_an_empty_key_is_missing(tmp_path: Path) -> None:
    write_binding(tmp_path, "postgres", {**POSTGRES, "password": "\n"})
    with pytest.raises(BindingError, match="password is missing"):
        read_postgres(tmp_path)


def test_a_missing_binding_says_how_to_cure_it(tmp_path: Path) -> None:
    with pytest.raises(BindingError, match="SERVICE_BINDING_ROOT"):
        read_rabbitmq(tmp_path)


@pytest.mark.parametrize("port", ["", "0", "65536", "amqp", "٣", "-1"])
def test_a_wrong_port_is_refused(tmp_path: Path, port: str) -> None:
    keys = {"host": "h", "port": port, "username": "sup", "password": "x"}
    write_binding(tmp_path, "rabbitmq", keys)
    with pytest.raises(BindingError, match="rabbitmq/port"):
        read_rabbitmq(tmp_path)


def test_bucket_names_carry_the_prefix(tmp_path: Path) -> None:
    keys = {
        "endpoint": "http://demo-object-storage:9000",
        "access-key-id": "a",
        "secret-access-key": "s",
        "bucket-prefix": "demo-",
    }
    write_binding(tmp_path, "object-storage", keys)
    assert read_object_storage(tmp_path).bucket("media") == "demo-media"


def test_keys_are_decoded(tmp_path: Path) -> None:
    keys = build_credentials()
    write_binding(tmp_path, "credentials", keys)
    secret = read_credentials(tmp_path).jwt_secret
    assert len(secret) == 64
    assert base64.urlsafe_b64encode(secret).rstrip(b"=").decode() == keys["jwt-secret"]


@pytest.mark.parametrize(
    ("value", "problem"), [("AAAA", "at least 32 bytes"), ("no base64!", "must be base64url")]
)
def test_a_weak_or_garbled_key_is_refused_without_showing_it(
    tmp_path: Path, value: str, problem: str
) -> None:
    write_binding(tmp_path, "credentials", {**build_credentials(), "session-secret": value})
    with pytest.raises(BindingError, match=problem) as refusal:
        read_credentials(tmp_path)
    assert value not in str(refusal.value)


def test_an_instance_without_mail_has_no_binding_for_it(tmp_path: Path) -> None:
    assert read_smtp(tmp_path) is None
    write_binding(tmp_path, "smtp", build_smtp_binding(2525))
    assert read_smtp(tmp_path) == SmtpBinding(
        host="127.0.0.1",
        port=2525,
        security="none",
        sender="SUP <sup@chat.example.org>",
        username=None,
        password=None,
    )
    write_binding(tmp_path, "smtp", {"security": "ssl"})
    with pytest.raises(BindingError, match="starttls, tls or none"):
        read_smtp(tmp_path)


LIVEKIT = {
    "url": "ws://demo-livekit:7880",
    "public-url": "wss://chat.example.org/livekit",
    "api-key": "key",
    "api-secret": "secret",
}


def test_an_instance_without_calls_has_no_bindings_for_them(tmp_path: Path) -> None:
    assert read_livekit(tmp_path) is None
    assert read_turn(tmp_path) is None
    write_binding(tmp_path, "livekit", LIVEKIT)
    write_binding(tmp_path, "turn", {"shared-secret": "north"})
    assert read_livekit(tmp_path) == LivekitBinding(
        url="ws://demo-livekit:7880",
        public_url="wss://chat.example.org/livekit",
        api_key="key",
        api_secret="secret",
    )
    assert read_turn(tmp_path) == TurnBinding(shared_secret="north")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"url": "demo-livekit:7880"}, "livekit/url must begin with ws://"),
        ({"public-url": "ftp://chat"}, "livekit/public-url must begin with ws://"),
        ({"api-secret": ""}, "livekit/api-secret is missing"),
    ],
)
def test_a_broken_binding_of_calls_names_the_file(
    tmp_path: Path, change: dict[str, str], problem: str
) -> None:
    write_binding(tmp_path, "livekit", {**LIVEKIT, **change})
    with pytest.raises(BindingError, match=problem):
        read_livekit(tmp_path)
