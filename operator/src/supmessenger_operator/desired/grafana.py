"""Grafana: the seed's dashboards over the instance's metrics and logs.

It keeps nothing: accounts, data sources and dashboards are made anew from files at each start.
"""

from dataclasses import replace
from typing import Any

from supmessenger_operator.desired import loki, prometheus
from supmessenger_operator.desired.container import (
    Container,
    Mount,
    build_binding,
    build_config_mount,
    build_scratch,
)
from supmessenger_operator.desired.dashboards import read_dashboards
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_http_check, build_probes
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.desired.yaml_text import dump_yaml
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.features import Oidc

COMPONENT = "grafana"
PORT = 3002
_CONFIG = "/etc/sup-grafana"
_DASHBOARDS = "/etc/sup-dashboards"
_SECRET = "/bindings/grafana"  # noqa: S105 - where it is
_INI = "grafana.ini"
# Where Grafana looks for each file below its provisioning folder.
_PROVISIONING = {
    "datasources.yaml": "provisioning/datasources/sup.yaml",
    "dashboards.yaml": "provisioning/dashboards/sup.yaml",
}


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return configuration, dashboards, Service and Deployment, or nothing when off."""
    if not messenger.spec.has_grafana:
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.EXTRAS)
    files = {
        _INI: build_ini(messenger),
        "datasources.yaml": dump_yaml(build_data_sources(messenger)),
        "dashboards.yaml": dump_yaml(build_dashboard_provider()),
    }
    shelf = f"{kinds.name}-dashboards"
    configuration = (
        kinds.build_config_map(files),
        kinds.build_config_map(dict(read_dashboards()), name=shelf),
    )
    # Without its login it can't start; the status says what is wrong with it.
    if not inputs.has_image("grafana") or "grafana" not in inputs.secrets:
        return configuration
    pod = Pod(
        component=COMPONENT,
        containers=(_build_container(messenger, inputs, config_map=kinds.name, shelf=shelf),),
        # Dashboards are not among them: a changed file is seen without a restart.
        config=files,
        block_path="spec.monitoring.grafana",
    )
    return (
        *configuration,
        kinds.build_service({"http": (PORT, "metrics")}),
        *kinds.build_deployment(pod, replicas=messenger.effective.grafana.replicas),
    )


def build_check_url(messenger: Messenger, inputs: Inputs) -> str:
    """Return the address at which the instance's checker asks Grafana; empty without one."""
    if not (messenger.spec.has_grafana and inputs.has_image("grafana")):
        return ""
    return f"http://{messenger.object_name(COMPONENT)}:{PORT}"


def build_ini(messenger: Messenger) -> str:
    """Return grafana.ini, valid for Grafana 12 and 13."""
    oidc = get_oidc(messenger)
    return build_file("grafana.ini.j2", {"port": PORT, "secret": _SECRET, "oidc": oidc})


def build_data_sources(messenger: Messenger) -> dict[str, Any]:
    """Return the provisioned data sources: those that the instance has."""
    sources: list[dict[str, Any]] = []
    if messenger.spec.has_prometheus:
        sources.append(
            {
                "name": "Prometheus",
                "uid": "prometheus",
                "type": "prometheus",
                "access": "proxy",
                "url": f"http://{messenger.object_name(prometheus.COMPONENT)}:{prometheus.PORT}",
                "isDefault": True,
                "editable": False,
                "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
            }
        )
    if messenger.spec.has_loki:
        sources.append(
            {
                "name": "Loki",
                "uid": "loki",
                "type": "loki",
                "access": "proxy",
                "url": f"http://{messenger.object_name(loki.COMPONENT)}:{loki.PORT}",
                "isDefault": False,
                "editable": False,
                "jsonData": {"maxLines": 1000},
            }
        )
    return {"apiVersion": 1, "prune": True, "datasources": sources}


def build_dashboard_provider() -> dict[str, Any]:
    """Return where Grafana finds the dashboards; they are changed here, never in its pages."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "sup",
                "orgId": 1,
                "folder": "SUP Messenger",
                "folderUid": "sup-messenger",
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": _DASHBOARDS},
            }
        ],
    }


def get_oidc(messenger: Messenger) -> Oidc | None:
    """Return the single sign-on that was chosen."""
    monitoring = messenger.spec.monitoring
    return monitoring.grafana.oidc if monitoring is not None else None


def _build_container(
    messenger: Messenger, inputs: Inputs, *, config_map: str, shelf: str
) -> Container:
    healthy = build_http_check("/api/health", "metrics")
    return Container(
        name=COMPONENT,
        image=inputs.images["grafana"],
        command=(
            "grafana",
            "server",
            "--homepath=/usr/share/grafana",
            f"--config={_CONFIG}/{_INI}",
        ),
        amounts=messenger.effective.grafana,
        # It serves its metrics where it serves all else.
        ports={"metrics": PORT},
        mounts=(
            _build_config(config_map),
            replace(build_config_mount(shelf, _DASHBOARDS), name="dashboards"),
            build_binding(inputs.secrets["grafana"], "grafana"),
            build_scratch("data", "/var/lib/grafana", limit="1Gi"),
        ),
        probes=build_probes(startup=healthy, readiness=healthy, liveness=healthy),
    )


def _build_config(config_map: str) -> Mount:
    mount = build_config_mount(config_map, _CONFIG)
    paths = {_INI: _INI, **_PROVISIONING}
    items = [{"key": key, "path": path} for key, path in paths.items()]
    return replace(mount, source={"configMap": {"name": config_map, "items": items}})
