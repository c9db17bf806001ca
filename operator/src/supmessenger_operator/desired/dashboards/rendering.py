"""Writes the typed dashboards as the JSON that Grafana reads; `make generate` calls it."""

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from supmessenger_operator.desired.dashboards import (
    api_performance,
    database,
    overview,
    websocket,
)

_DASHBOARDS = {
    "overview.json": overview.build,
    "api-performance.json": api_performance.build,
    "database.json": database.build,
    "websocket.json": websocket.build,
}


def render_dashboards() -> dict[str, str]:
    """Return the text of each dashboard by the name of its file."""
    return {
        name: JSONEncoder(sort_keys=True, indent=1).encode(build()) + "\n"
        for name, build in _DASHBOARDS.items()
    }
