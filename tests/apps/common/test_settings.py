"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from supmessenger_common.settings import (
    ServiceSettings,
    list_environment_names,
    parse_comma_separated,
)


def test_every_setting_has_the_name_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "SERVICE_BINDING_ROOT": "/elsewhere",
        "SUP_INSTANCE": "demo",
        "SUP_DOMAIN": "chat.example.org",
        "SUP_PUBLIC_URL": "https://chat.example.org:8443/",
        "SUP_HOST": "::",
        "SUP_PORT": "8080",
        "SUP_METRICS_PORT": "9999",
        "SUP_LOG_LEVEL": "DEBUG",
        "SUP_POSTGRES_POOL_SIZE": "9",
        "SUP_DRAIN_SECONDS": "2.5",
    }
    assert list_environment_names(ServiceSettings) == values.keys()
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = ServiceSettings()
    assert settings.service_binding_root == Path("/elsewhere")
    assert (settings.instance, settings.domain) == ("demo", "chat.example.org")
    assert (settings.host, settings.port, settings.metrics_port) == ("::", 8080, 9999)
    assert (settings.log_level, settings.postgres_pool_size) == ("debug", 9)
    assert settings.drain_seconds == 2.5
    assert settings.base_url == "https://chat.example.org:8443"


def test_links_begin_with_the_domain_by_default() -> None:
    assert ServiceSettings(domain="chat.example.org").base_url == "https://chat.example.org"


def test_the_domain_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUP_DOMAIN", raising=False)
    with pytest.raises(ValidationError, match="domain"):
        ServiceSettings()


def test_lists_are_separated_by_commas() -> None:
    assert parse_comma_separated(" https://a.org ,, https://b.org") == (
        "https://a.org",
        "https://b.org",
    )
    assert parse_comma_separated("") == ()
