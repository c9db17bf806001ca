"""What every panel has in common: its data source, its unit, its place."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from grafana_foundation_sdk.builders.common import VizLegendOptions, VizTooltipOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.builders.logs import Panel as Logs
from grafana_foundation_sdk.builders.loki import Dataquery as LokiQuery
from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import Dashboard as DashboardModel
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef

Panel = Stat | Timeseries | Logs

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
LOKI = DataSourceRef(type_val="loki", uid="loki")
# Grafana's grid is 24 columns wide.
_THIRD, _QUARTER, _WHOLE = 8, 4, 24
_TALL, _FLAT = 8, 4


@dataclass(frozen=True)
class Query:
    """A question to Prometheus and what its series are called."""

    expr: str
    legend: str = ""


def build_stat(title: str, expr: str, *, unit: str = "short", about: str = "") -> Stat:
    """One number: what it is now."""
    return (
        Stat()
        .title(title)
        .description(about)
        .datasource(PROMETHEUS)
        .unit(unit)
        .span(_QUARTER)
        .height(_FLAT)
        .with_target(_build_query(Query(expr), letter="A").instant())
    )


def build_timeseries(
    title: str, *queries: Query, unit: str = "short", about: str = ""
) -> Timeseries:
    """Curves over time."""
    panel = (
        Timeseries()
        .title(title)
        .description(about)
        .datasource(PROMETHEUS)
        .unit(unit)
        .min(0)
        .span(_THIRD)
        .height(_TALL)
        .fill_opacity(10)
        .legend(
            VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    for number, query in enumerate(queries):
        panel = panel.with_target(_build_query(query, letter=chr(ord("A") + number)))
    return panel


def build_logs(title: str, expr: str, *, about: str = "") -> Logs:
    """Lines of logs, the newest first."""
    query = LokiQuery().expr(expr).ref_id("A").query_type("range").datasource(LOKI)
    return (
        Logs()
        .title(title)
        .description(about)
        .datasource(LOKI)
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .span(_WHOLE)
        .height(_TALL)
        .with_target(query)
    )


def build_dashboard(
    title: str, *, uid: str, about: str, rows: Iterable[tuple[str, Iterable[Panel]]]
) -> DashboardModel:
    """A dashboard of rows of panels, which Grafana puts side by side."""
    dashboard = (
        Dashboard(title)
        .uid(uid)
        .description(about)
        .tags(["sup-messenger"])
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
    )
    numbers = count(1)
    for name, panels in rows:
        dashboard = dashboard.with_row(Row(name).id(next(numbers)))
        for panel in panels:
            dashboard = dashboard.with_panel(panel.id(next(numbers)))
    return dashboard.build()


def _build_query(query: Query, *, letter: str) -> PrometheusQuery:
    built = PrometheusQuery().expr(query.expr).ref_id(letter).datasource(PROMETHEUS)
    return built.legend_format(query.legend) if query.legend else built
