"""What is worth waking somebody for: one file for each part, one runbook for each alert."""

from typing import Any

from supmessenger_operator.desired.alerts import (
    availability,
    monitoring,
    postgres,
    rabbitmq,
    redis,
    services,
    storage,
)
from supmessenger_operator.desired.alerts.alert import Alert
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
        "monitoring": monitoring.build_alerts(messenger),
    }
    return {name: alerts for name, alerts in groups.items() if alerts}


def build_rules_file(messenger: Messenger) -> str:
    """Return the rules as Prometheus reads them."""
    groups: list[dict[str, Any]] = [
        {"name": name, "rules": [alert.build_rule() for alert in alerts]}
        for name, alerts in build_groups(messenger).items()
    ]
    return dump_yaml({"groups": groups})
