"""What the operator gives a service is what the service reads."""

import re
from typing import Any

import pytest
from support.deployables import build_all, make_samples, to_plain

from supmessenger_api.settings import ApiSettings
from supmessenger_common.settings import ServiceSettings, list_environment_names
from supmessenger_media.settings import MediaSettings
from supmessenger_websocket.settings import WebSocketSettings
from supmessenger_worker.settings import WorkerSettings

SETTINGS: dict[str, type[ServiceSettings]] = {
    "api": ApiSettings,
    "websocket": WebSocketSettings,
    "media": MediaSettings,
    "worker": WorkerSettings,
}
PORTS = {"api": 3000, "websocket": 3001, "media": 3003, "worker": 3004}
# What every service reads from its bindings; `docs/contracts.md` has the table.
BINDINGS = {
    "api": {"postgres", "redis-cache", "redis-state", "credentials"},
    "websocket": {"postgres", "redis-cache", "redis-state", "credentials"},
    "media": {"postgres", "redis-cache", "redis-state", "credentials", "object-storage"},
    "worker": {
        *("postgres", "redis-cache", "redis-state", "credentials"),
        *("object-storage", "rabbitmq"),
    },
}


def get_container(name: str, component: str) -> dict[str, Any]:
    messenger = make_samples()[name]
    for built in build_all(messenger):
        if built.kind == "Deployment" and built.component == component:
            (container,) = to_plain(built)["spec"]["template"]["spec"]["containers"]
            return dict(container)
    raise AssertionError(f"no Deployment of {component}")


@pytest.mark.parametrize("component", SETTINGS)
@pytest.mark.parametrize("sample", ["tiny", "large", "mail", "push", "plain-http"])
def test_every_variable_given_is_one_the_service_reads(sample: str, component: str) -> None:
    container = get_container(sample, component)
    given = {
        variable["name"]
        for variable in container["env"]
        if variable["name"].startswith(("SUP_", "SERVICE_"))
    }
    assert given <= list_environment_names(SETTINGS[component])


@pytest.mark.parametrize("component", SETTINGS)
@pytest.mark.parametrize("sample", ["mail", "push"])
def test_the_values_given_are_valid_settings(
    sample: str, component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in get_container(sample, component)["env"]:
        if variable["name"].startswith(("SUP_", "SERVICE_")):
            monkeypatch.setenv(variable["name"], variable["value"])
    settings = SETTINGS[component].model_validate({})
    assert settings.domain == "chat.example.org"
    assert settings.port == PORTS[component]


@pytest.mark.parametrize("component", SETTINGS)
def test_every_binding_a_service_reads_is_mounted(component: str) -> None:
    mounts = {mount["mountPath"] for mount in get_container("tiny", component)["volumeMounts"]}
    assert {f"/bindings/{binding}" for binding in BINDINGS[component]} <= mounts


@pytest.mark.parametrize("component", SETTINGS)
def test_probes_ask_the_paths_the_services_answer(component: str) -> None:
    container = get_container("tiny", component)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        asked = container[probe]["httpGet"]
        assert asked["path"] == path
        assert ports.get(asked["port"], asked["port"]) == PORTS[component]
    assert ports["metrics"] == 9464


def test_email_verification_follows_smtp() -> None:
    def value(sample: str) -> str:
        container = get_container(sample, "api")
        values = {variable["name"]: variable.get("value") for variable in container["env"]}
        return str(values["SUP_EMAIL_VERIFICATION"])

    assert (value("tiny"), value("mail")) == ("false", "true")


@pytest.mark.parametrize("component", SETTINGS)
def test_a_service_is_started_by_its_own_program(component: str) -> None:
    assert re.fullmatch(rf"sup-{component}", get_container("tiny", component)["command"][0])
