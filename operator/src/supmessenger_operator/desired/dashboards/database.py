"""Database Metrics: PostgreSQL, and the two Redis beside it."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from supmessenger_operator.desired.dashboards.panels import (
    Query,
    build_dashboard,
    build_logs,
    build_stat,
    build_timeseries,
)

_REDIS = 'job=~"redis-.*"'


def build() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(
        "Database Metrics",
        uid="sup-database",
        about="PostgreSQL, and the cache and the state store in Redis.",
        rows=(
            ("Now", _NOW),
            ("PostgreSQL", _POSTGRES),
            ("PostgreSQL inside", _INSIDE),
            ("Redis", _REDIS_PANELS),
            ("Logs", _LOGS),
        ),
    )


_NOW = (
    build_stat("PostgreSQL answers", "max(pg_up)", about="1 is yes."),
    build_stat("Connections", "sum(pg_stat_activity_count)"),
    build_stat(
        "Connections taken",
        "sum(pg_stat_activity_count) / max(pg_settings_max_connections)",
        unit="percentunit",
    ),
    build_stat("Size", "sum(pg_database_size_bytes)", unit="bytes"),
    build_stat(
        "Found in memory",
        "sum(pg_stat_database_blks_hit) /"
        " (sum(pg_stat_database_blks_hit) + sum(pg_stat_database_blks_read))",
        unit="percentunit",
        about="Blocks that needed no disk, since the start.",
    ),
    build_stat("Longest transaction", "max(pg_stat_activity_max_tx_duration)", unit="s"),
)
_POSTGRES = (
    build_timeseries(
        "Connections by state",
        Query("sum by (state) (pg_stat_activity_count)", "{{state}}"),
        Query("max(pg_settings_max_connections)", "the most"),
    ),
    build_timeseries(
        "Transactions",
        Query('sum(rate(pg_stat_database_xact_commit{datname="sup"}[5m]))', "committed"),
        Query('sum(rate(pg_stat_database_xact_rollback{datname="sup"}[5m]))', "rolled back"),
        unit="cps",
    ),
    build_timeseries(
        "Size",
        Query("sum by (datname) (pg_database_size_bytes)", "{{datname}}"),
        unit="bytes",
    ),
)
_INSIDE = (
    build_timeseries(
        "Rows",
        Query('sum(rate(pg_stat_database_tup_returned{datname="sup"}[5m]))', "read"),
        Query('sum(rate(pg_stat_database_tup_inserted{datname="sup"}[5m]))', "inserted"),
        Query('sum(rate(pg_stat_database_tup_updated{datname="sup"}[5m]))', "updated"),
        Query('sum(rate(pg_stat_database_tup_deleted{datname="sup"}[5m]))', "deleted"),
        unit="cps",
    ),
    build_timeseries(
        "Locks",
        Query('sum by (mode) (pg_locks_count{datname="sup"})', "{{mode}}"),
    ),
    build_timeseries(
        "Deadlocks and files for sorting",
        Query("sum(increase(pg_stat_database_deadlocks[5m]))", "deadlocks"),
        Query("sum(increase(pg_stat_database_temp_files[5m]))", "files"),
    ),
)
_REDIS_PANELS = (
    build_timeseries(
        "Memory",
        Query(f"max by (job) (redis_memory_used_bytes{{{_REDIS}}})", "{{job}}"),
        Query(f"max by (job) (redis_memory_max_bytes{{{_REDIS}}})", "{{job}} the most"),
        unit="bytes",
    ),
    build_timeseries(
        "Commands",
        Query(f"sum by (job) (rate(redis_commands_processed_total{{{_REDIS}}}[5m]))", "{{job}}"),
        unit="cps",
    ),
    build_timeseries(
        "Clients, evictions, refusals",
        Query(f"max by (job) (redis_connected_clients{{{_REDIS}}})", "{{job}} clients"),
        Query(f"sum by (job) (rate(redis_evicted_keys_total{{{_REDIS}}}[5m]))", "{{job}} evicted"),
        Query(
            f"sum by (job) (rate(redis_rejected_connections_total{{{_REDIS}}}[5m]))",
            "{{job}} refused",
        ),
    ),
)
_LOGS = (build_logs("PostgreSQL", '{component="postgres"}'),)
