"""Every alert fires when it should, is silent when it should be, and names its cure."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.alert_cases import CASES, Series
from support.deployables import VARIATIONS
from support.messengers import make_messenger
from support.processes.binaries import ROOT, find_built

from supmessenger_operator.desired.alerts import Alert, build_groups, build_rules_file
from supmessenger_operator.model import Messenger

_RUNBOOKS = ROOT / "docs" / "runbooks"
_REMOTE = {"monitoring": {"prometheus": {"external": {"url": "https://metrics.example.org/write"}}}}
_NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
# Has every alert that there is.
WHOLE = make_messenger(spec={**_REMOTE, "kafka": {"enabled": True}})


def list_alerts(messenger: Messenger) -> list[Alert]:
    """Return all alerts of an instance."""
    return [alert for alerts in build_groups(messenger).values() for alert in alerts]


def test_every_alert_has_a_case_and_every_case_an_alert() -> None:
    assert [case.alert for case in CASES] == [alert.name for alert in list_alerts(WHOLE)]


@pytest.mark.parametrize("alert", list_alerts(WHOLE), ids=lambda alert: alert.name)
def test_an_alert_says_what_to_do_and_has_a_runbook(alert: Alert) -> None:
    rule = alert.build_rule()
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert len(alert.summary) <= 80
    assert alert.description.endswith(".")
    runbook = _RUNBOOKS / rule["annotations"]["runbook_url"].rpartition("/")[2]
    text = runbook.read_text()
    assert text.startswith(f"# {alert.name}\n")
    assert "## Cure" in text


def test_there_is_no_runbook_without_an_alert() -> None:
    named = {f"{alert.name}.md" for alert in list_alerts(WHOLE)}
    assert {path.name for path in _RUNBOOKS.glob("*.md")} - {"README.md"} == named


def test_nothing_is_said_of_parts_that_an_instance_does_not_have() -> None:
    spec: dict[str, Any] = {"livekit": {"enabled": False}}
    names = {alert.name for alert in list_alerts(make_messenger(spec=spec))}
    assert not {"LivekitDown", "TurnDown", "RemoteWriteFailing", "KafkaDown"} & names
    assert "BackupOverdue" in names
    off: dict[str, Any] = {"backup": {"enabled": False}}
    assert "BackupOverdue" not in {alert.name for alert in list_alerts(make_messenger(spec=off))}
    external = {
        "postgres": {"external": {"host": "db", "credentialsSecretRef": {"name": "db"}}},
    }
    names = {alert.name for alert in list_alerts(make_messenger(spec=external))}
    assert "PostgresVolumeFilling" not in names
    assert "PostgresDown" in names


def test_the_volume_s_own_size_decides() -> None:
    spec = {"postgres": {"embedded": {"storage": {"size": "100Gi"}}}}
    expr = next(
        alert.expr
        for alert in list_alerts(make_messenger(spec=spec))
        if alert.name == "PostgresVolumeFilling"
    )
    assert str(80 * 1024**3) in re.findall(r"\d+", expr)


@pytest.mark.parametrize(
    ("schedule", "hours"), [("0 2 * * *", 49), ("0 */6 * * *", 13), ("0 2 * * 0", 2 * 168 + 1)]
)
def test_the_schedule_decides_how_old_a_backup_may_be(schedule: str, hours: int) -> None:
    messenger = make_messenger(spec={"backup": {"schedule": schedule}})
    (overdue,) = (alert for alert in list_alerts(messenger) if alert.name == "BackupOverdue")
    assert overdue.expr.endswith(f"> {hours * 3600}")


@pytest.mark.services
def test_the_age_is_that_of_the_newest_backup(tmp_path: Path) -> None:
    """The series is a rule of the same file; time begins at zero here."""
    made = datetime(1970, 1, 1, 1, tzinfo=UTC)
    (tmp_path / "rules.yml").write_text(build_rules_file(make_messenger(), made))
    case = {
        "interval": "1m",
        "input_series": [{"series": "some", "values": "1"}],
        "promql_expr_test": [
            {
                "expr": "backup_newest_timestamp_seconds",
                "eval_time": "5m",
                "exp_samples": [{"labels": "backup_newest_timestamp_seconds", "value": 3600}],
            }
        ],
    }
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [case]}))
    run_promtool("test", "rules", str(path))


@pytest.mark.services
@pytest.mark.parametrize("variation", VARIATIONS)
def test_prometheus_takes_the_rules(variation: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(build_rules_file(make_messenger(spec=VARIATIONS[variation]), _NEWEST))
    run_promtool("check", "rules", str(path))


@pytest.mark.services
def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(build_rules_file(WHOLE))
    tests = [
        build_test(case.alert, series, minute=case.minute, fires=fires)
        for case in CASES
        for fires, series in ((True, case.firing), (False, case.silent))
    ]
    path = tmp_path / "tests.yml"
    path.write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests})
    )
    run_promtool("test", "rules", str(path))


def build_test(alert: str, series: Series, *, minute: int, fires: bool) -> dict[str, Any]:
    """Return a test of promtool: how often the alert is firing, whatever its labels."""
    count = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > bool 0 or vector(0)'
    return {
        "name": f"{alert} {'fires' if fires else 'is silent'}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": count,
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": "{}", "value": 1 if fires else 0}],
            }
        ],
    }


def run_promtool(*arguments: str) -> None:
    """Run promtool; what it complains about is the failure."""
    promtool = find_built("promtool")
    assert promtool is not None
    done = subprocess.run([promtool, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
