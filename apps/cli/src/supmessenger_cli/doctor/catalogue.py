"""Every line of the seed that the doctor answers, in the seed's order."""

from collections.abc import Callable
from dataclasses import dataclass

from supmessenger_cli.doctor.evidence import Evidence
from supmessenger_cli.doctor.exposure import (
    judge_cors,
    judge_firewall,
    judge_ports,
    judge_rate_limits,
    judge_tls,
)
from supmessenger_cli.doctor.finding import Finding
from supmessenger_cli.doctor.operations import (
    judge_backups,
    judge_log_rotation,
    judge_monitoring,
    judge_push,
    judge_smtp,
)
from supmessenger_cli.doctor.passwords import (
    VARIABLES,
    Variable,
    judge_jwt_secret,
    judge_passwords,
    judge_rabbitmq,
    judge_redis,
    judge_variable,
)
from supmessenger_cli.doctor.trouble import (
    judge_database,
    judge_disk,
    judge_memory,
    judge_starting,
)

Judge = Callable[[Evidence], Finding]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section of the seed."""

    title: str
    judges: tuple[Judge, ...]


def _judge(variable: Variable) -> Judge:
    return lambda evidence: judge_variable(variable, evidence)


SECTIONS = (
    Section(
        title="Security checklist",
        judges=(
            judge_passwords,
            judge_jwt_secret,
            judge_tls,
            judge_firewall,
            judge_backups,
            judge_rate_limits,
            judge_cors,
            judge_redis,
            judge_rabbitmq,
            judge_ports,
            judge_monitoring,
            judge_log_rotation,
            judge_smtp,
            judge_push,
        ),
    ),
    Section(title="Critical variables", judges=tuple(_judge(one) for one in VARIABLES)),
    Section(
        title="Troubleshooting",
        judges=(judge_starting, judge_database, judge_disk, judge_memory),
    ),
)
