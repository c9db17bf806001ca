"""What is worth waking somebody for: one file for each part, one runbook for each alert."""

from datetime import datetime

from supmessenger_operator.desired.alerts import (
    availability,
    backups,
    events,
    monitoring,
    postgres,
    rabbitmq,
    redis,
    services,
    storage,
)
from supmessenger_operator.desired.alerts.alert import Alert, Rule
from supmessenger_operator.desired.yaml_text import dump_yaml
from supmessenger_operator.model import Messenger

__all__ = ["Alert", "build_groups", "build_rules_file"]


def build_groups(messenger: Messenger) -> dict[str, tuple[Alert, ...]]:
    """Return the alerts of an instance by group; none about what it does not have."""
    spec = messenger.spec
    groups = {
        "availability": availability.build_alerts(messenger),
        "services": services.ALERTS,
        "postgres": postgres.build_alerts(messenger),
        "redis": redis.ALERTS,
        "rabbitmq": rabbitmq.ALERTS if spec.rabbitmq.embedded is not None else (),
        "storage": storage.ALERTS,
        "events": events.ALERTS if spec.sends_events else (),
        "backups": backups.build_alerts(messenger),
        "monitoring": monitoring.build_alerts(messenger),
    }
    return {name: alerts for name, alerts in groups.items() if alerts}


def build_rules_file(messenger: Messenger, newest_backup: datetime | None = None) -> str:
    """Return the rules as Prometheus reads them."""
    records = {"backups": backups.build_records(newest_backup)}
    groups: list[Rule] = [
        {
            "name": name,
            "rules": [*records.get(name, ()), *(alert.build_rule() for alert in alerts)],
        }
        for name, alerts in build_groups(messenger).items()
    ]
    return dump_yaml({"groups": groups})
