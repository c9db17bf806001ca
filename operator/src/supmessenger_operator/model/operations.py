"""Monitoring, backup and migrations in the resource."""

from typing import Literal

from pydantic import ConfigDict, Field

from supmessenger_operator.model.base import Model, build_rule
from supmessenger_operator.model.features import Alerts, Grafana, Logs, RemoteWrite, Tracing
from supmessenger_operator.model.scalars import (
    CronSchedule,
    Duration,
    SecretRef,
    build_duration_rule,
)
from supmessenger_operator.model.services import Empty
from supmessenger_operator.model.workload import DataWorkload, Storage


class PrometheusEmbedded(DataWorkload):
    """A Prometheus of our own."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    **build_rule(
                        "!has(self.storage) || !has(self.storage.size)"
                        " || quantity(self.storage.size).compareTo(quantity('512Mi')) >= 0",
                        "the volume of Prometheus must have 512Mi or more; to keep no metrics set"
                        " monitoring.enabled to false",
                    ),
                    "fieldPath": ".storage.size",
                }
            ]
        }
    )
    retention: Duration = Field(
        default="15d",
        description="How long metrics are kept, 1h or more; default: 15d.",
        json_schema_extra=build_duration_rule(
            least="1h",
            most="3650d",
            message="monitoring.prometheus.embedded.retention must be 1h or more and 3650d at most;"
            " to keep no metrics set monitoring.enabled to false",
        ),
    )


class Prometheus(Model):
    """Where metrics go."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "[has(self.embedded), has(self.operator), has(self.external)]"
                    ".filter(x, x).size() <= 1",
                    "set at most one of embedded, operator and external",
                )
            ]
        }
    )
    embedded: PrometheusEmbedded | None = Field(
        default=None, description="A Prometheus of our own; this is the default."
    )
    operator: Empty | None = Field(
        default=None, description="Objects of the Prometheus Operator; default: off."
    )
    external: RemoteWrite | None = Field(
        default=None, description="Remote write to a store run elsewhere; default: off."
    )


class Monitoring(Model):
    """Metrics, dashboards, logs and alerts."""

    enabled: bool = Field(default=True, description="Watch the platform; default: true.")
    prometheus: Prometheus = Field(default=Prometheus(), description="Where metrics go.")
    grafana: Grafana = Field(default=Grafana(), description="Dashboards.")
    logs: Logs = Field(default=Logs(), description="Logs of the instance.")
    alerts: Alerts = Field(default=Alerts(), description="Where alerts go.")
    tracing: Tracing = Field(default=Tracing(), description="Traces of calls.")


class Retention(Model):
    """Which backups are kept."""

    keep_last: int = Field(default=7, ge=1, le=1000, description="Newest backups; default: 7.")
    keep_weekly: int = Field(default=0, ge=0, le=520, description="One a week; default: 0.")
    keep_monthly: int = Field(default=0, ge=0, le=120, description="One a month; default: 0.")


class S3Destination(Model):
    """A bucket that receives backups."""

    endpoint: str = Field(
        description="URL of the endpoint.", pattern=r"^https?://[^/]+/?$", max_length=2048
    )
    bucket: str = Field(description="Bucket.", min_length=3, max_length=63)
    region: str = Field(
        default="us-east-1", max_length=64, description="Region; default: us-east-1."
    )
    credentials_secret_ref: SecretRef = Field(
        description="Secret with access-key-id and secret-access-key."
    )


class Destination(Model):
    """Where backups go."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "!(has(self.volume) && has(self.s3))", "set at most one of volume and s3"
                )
            ]
        }
    )
    volume: Storage | None = Field(
        default=None, description="A volume of the instance; this is the default."
    )
    s3: S3Destination | None = Field(default=None, description="A bucket; default: off.")


class Drill(Model):
    """A regular restore into a throw-away database, as a proof."""

    schedule: CronSchedule = Field(
        default="0 4 * * 0", description="Five-field cron; default: 0 4 * * 0 (Sundays at four)."
    )


class Backup(Model):
    """Backups of the database and the files."""

    enabled: bool = Field(default=True, description="Make backups; default: true.")
    schedule: CronSchedule = Field(
        default="0 2 * * *", description="Five-field cron; default: 0 2 * * * (daily at two)."
    )
    time_zone: str = Field(
        default="Etc/UTC",
        min_length=1,
        max_length=64,
        description="Time zone of the schedules; default: Etc/UTC.",
    )
    retention: Retention = Field(default=Retention(), description="Which backups are kept.")
    destination: Destination = Field(default=Destination(), description="Where backups go.")
    drill: Drill | None = Field(default=None, description="Restore drill; default: off.")


class Migrations(Model):
    """How the database follows a new release."""

    backup_first: bool = Field(
        default=True, description="Make a backup before a pending migration; default: true."
    )
    on_failure: Literal["Stop", "RestoreBackup"] = Field(
        default="Stop", description="What follows a failed migration; default: Stop."
    )
