"""Grafana's files, field by field: no Grafana reads them here before a user's does."""

from __future__ import annotations

import configparser
import json
from typing import Any

import pytest
import yaml
from support.deployables import build_all, list_deployables, to_plain
from support.messengers import make_inputs, make_messenger

from supmessenger_operator.desired import build_objects
from supmessenger_operator.desired.dashboards import read_dashboards
from supmessenger_operator.desired.dashboards.rendering import render_dashboards
from supmessenger_operator.model import Messenger

_OIDC = {
    "issuer": "https://id.example.org",
    "authorizationUrl": "https://id.example.org/authorize",
    "tokenUrl": "https://id.example.org/token",
    "userInfoUrl": "https://id.example.org/userinfo",
    "clientSecretRef": {"name": "grafana-client"},
}
# The seed names them.
TITLES = {
    "overview.json": "SUP Messenger Overview",
    "api-performance.json": "API Performance",
    "database.json": "Database Metrics",
    "websocket.json": "WebSocket Metrics",
}


def read_config_map(messenger: Messenger, name: str = "demo-grafana") -> dict[str, str]:
    """Return the files of a ConfigMap."""
    found = (to_plain(one) for one in build_all(messenger) if one.kind == "ConfigMap")
    data: dict[str, str] = next(one for one in found if one["metadata"]["name"] == name)["data"]
    return data


def read_ini(messenger: Messenger) -> configparser.ConfigParser:
    """Return grafana.ini as it is read."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(read_config_map(messenger)["grafana.ini"])
    return parser


def test_secrets_are_read_from_files_that_the_pod_has() -> None:
    ini = read_ini(make_messenger())
    assert dict(ini["security"]) | {
        "admin_user": "$__file{/bindings/grafana/username}",
        "admin_password": "$__file{/bindings/grafana/password}",
        "secret_key": "$__file{/bindings/grafana/secret-key}",
    } == dict(ini["security"])


def test_it_tells_nobody_and_fetches_nothing() -> None:
    ini = read_ini(make_messenger())
    for section, key, value in (
        ("analytics", "reporting_enabled", "false"),
        ("analytics", "check_for_updates", "false"),
        ("analytics", "check_for_plugin_updates", "false"),
        ("news", "news_feed_enabled", "false"),
        ("plugins", "preinstall_disabled", "true"),
        ("plugins", "preinstall_auto_update", "false"),
        ("plugins", "public_key_retrieval_disabled", "true"),
        ("security", "disable_gravatar", "true"),
        ("snapshots", "external_enabled", "false"),
        ("auth.anonymous", "enabled", "false"),
        ("users", "allow_sign_up", "false"),
        ("log", "mode", "console"),
        ("server", "http_port", "3002"),
        ("paths", "provisioning", "/etc/sup-grafana/provisioning"),
    ):
        assert ini[section][key] == value, (section, key)


def test_it_writes_only_where_the_pod_lets_it() -> None:
    ini = read_ini(make_messenger())
    (grafana,) = [
        one for one in list_deployables(build_all(make_messenger())) if one.component == "grafana"
    ]
    mounts = {
        one["mountPath"]: one.get("readOnly") for one in grafana.containers[0]["volumeMounts"]
    }
    for key in ("data", "logs", "plugins"):
        assert any(ini["paths"][key].startswith(path) for path, ro in mounts.items() if not ro)
    assert mounts["/etc/sup-grafana"] is True


def test_single_sign_on_is_there_when_it_was_asked_for() -> None:
    assert "auth.generic_oauth" not in read_ini(make_messenger())
    spec = {"monitoring": {"grafana": {"oidc": _OIDC}}}
    section = dict(read_ini(make_messenger(spec=spec))["auth.generic_oauth"])
    assert section["enabled"] == "true"
    assert section["client_id"] == "$__file{/bindings/grafana/client-id}"
    assert section["client_secret"] == "$__file{/bindings/grafana/client-secret}"
    assert section["auth_url"] == _OIDC["authorizationUrl"]
    assert section["token_url"] == _OIDC["tokenUrl"]
    assert section["api_url"] == _OIDC["userInfoUrl"]
    assert section["use_pkce"] == "true"
    assert section["scopes"].split()[0] == "openid"


def test_data_sources_are_those_of_the_instance() -> None:
    data = yaml.safe_load(read_config_map(make_messenger())["datasources.yaml"])
    assert data == {
        "apiVersion": 1,
        "prune": True,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": "prometheus",
                "type": "prometheus",
                "access": "proxy",
                "url": "http://demo-prometheus:9090",
                "isDefault": True,
                "editable": False,
                "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
            },
            {
                "name": "Loki",
                "uid": "loki",
                "type": "loki",
                "access": "proxy",
                "url": "http://demo-loki:3100",
                "isDefault": False,
                "editable": False,
                "jsonData": {"maxLines": 1000},
            },
        ],
    }
    without = make_messenger(spec={"monitoring": {"logs": {"enabled": False}}})
    names = yaml.safe_load(read_config_map(without)["datasources.yaml"])["datasources"]
    assert [one["name"] for one in names] == ["Prometheus"]


def test_dashboards_are_found_where_they_are_mounted() -> None:
    messenger = make_messenger()
    (provider,) = yaml.safe_load(read_config_map(messenger)["dashboards.yaml"])["providers"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
    assert provider["disableDeletion"] is True
    (grafana,) = [
        one for one in list_deployables(build_all(messenger)) if one.component == "grafana"
    ]
    mounts = {one["mountPath"]: one["name"] for one in grafana.containers[0]["volumeMounts"]}
    volumes = {one["name"]: one for one in grafana.pod["volumes"]}
    shelf = volumes[mounts[provider["options"]["path"]]]["configMap"]["name"]
    assert shelf == "demo-grafana-dashboards"
    items = volumes["config"]["configMap"]["items"]
    assert {one["path"] for one in items} == {
        "grafana.ini",
        "provisioning/datasources/sup.yaml",
        "provisioning/dashboards/sup.yaml",
    }


def test_the_dashboards_are_those_of_the_seed() -> None:
    shelf = read_config_map(make_messenger(), "demo-grafana-dashboards")
    assert {name: json.loads(text)["title"] for name, text in shelf.items()} == TITLES


def test_the_files_are_what_the_typed_code_writes() -> None:
    assert dict(read_dashboards()) == dict(sorted(render_dashboards().items()))


@pytest.mark.parametrize("name", TITLES)
def test_every_panel_asks_a_source_that_is_provisioned(name: str) -> None:
    dashboard: dict[str, Any] = json.loads(read_dashboards()[name])
    assert dashboard["editable"] is False
    assert dashboard["uid"].startswith("sup-")
    panels = [one for one in dashboard["panels"] if one["type"] != "row"]
    assert len(panels) >= 10
    ids = [one["id"] for one in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels:
        assert panel["title"]
        for target in panel["targets"]:
            source = target["datasource"]
            assert source in (
                {"type": "prometheus", "uid": "prometheus"},
                {"type": "loki", "uid": "loki"},
            )
            assert source == panel["datasource"]
            assert target["expr"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(letters) == len(set(letters))


def test_without_an_image_the_configuration_is_made_all_the_same() -> None:
    messenger = make_messenger()
    inputs = make_inputs(messenger, images={"grafana": ""})
    built = [one for one in build_objects(messenger, inputs) if one.component == "grafana"]
    assert [(one.kind, one.name) for one in built] == [
        ("ConfigMap", "demo-grafana"),
        ("ConfigMap", "demo-grafana-dashboards"),
    ]


def test_switched_off_there_is_nothing_of_it() -> None:
    messenger = make_messenger(spec={"monitoring": {"grafana": {"enabled": False}}})
    assert "grafana" not in {one.component for one in build_all(messenger)}
