"""Text with a form of its own: quantities, durations, schedules, references to Secrets."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.config import JsonDict

from supmessenger_operator.model.base import Model, build_rule

QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
DURATION_PATTERN = r"^([0-9]+(ms|s|m|h|d))+$"
CRON_PATTERN = r"^([0-9A-Za-z*/,?-]+ ){4}[0-9A-Za-z*/,?-]+$"
DOMAIN_PATTERN = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
SECRET_NAME_PATTERN = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"  # noqa: S105 - a pattern of names
# Parts of larger patterns. Network policies name the ports: one that is none would stop them all.
HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
# Of printable ASCII: what counts as a blank beyond it differs between regular expressions.
URL_PATH = r"(/[!-\"$->@-~]*)?"
URL_QUERY = r"(\?[!-\"$-~]*)?"
IPV6_HOST = r"\[[0-9A-Fa-f:.]+\]"
PORT = r"(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"

_MULTIPLIERS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}
_DURATION_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) else value


Quantity = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(pattern=QUANTITY_PATTERN),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY_PATTERN,
            "maxLength": 32,
            # The pattern is about text alone.
            "minimum": 0,
        }
    ),
]
# Text only: the rule that a volume can't shrink needs a bounded type to stay within the budget.
StorageSize = Annotated[str, Field(pattern=QUANTITY_PATTERN, max_length=32)]
Duration = Annotated[str, Field(pattern=DURATION_PATTERN, max_length=32)]
CronSchedule = Annotated[str, Field(pattern=CRON_PATTERN, max_length=100)]


def build_duration_rule(*, least: str, most: str, message: str) -> JsonDict:
    """Return the rule of a duration between two others; the sum is in milliseconds."""
    factors = (("d", 86_400_000), ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1000))
    terms = "".join(
        f"p.endsWith('{unit}') ? int(p.replace('{unit}', '')) * {factor} : "
        for unit, factor in factors
    )
    total = f"self.findAll('[0-9]+(ms|s|m|h|d)').map(p, {terms}0).sum()"
    bounds = [int(parse_duration(text) * 1000) for text in (least, most)]
    # Numbers that long are out of bounds anyway, and would not fit.
    short = "!self.matches('[0-9]{11}')"
    within = f"{total} >= {bounds[0]} && {total} <= {bounds[1]}"
    return {"x-kubernetes-validations": [build_rule(f"{short} && {within}", message)]}


class SecretRef(Model):
    """A Secret of the same namespace."""

    name: str = Field(
        description="Name of a Secret in the same namespace.",
        pattern=SECRET_NAME_PATTERN,
        max_length=253,
    )
    key: str = Field(
        default="",
        description="Key inside the Secret; default: the key that the field's own page names.",
        max_length=253,
    )


def parse_quantity(text: str) -> Decimal:
    """Return a Kubernetes quantity as a plain number: bytes, cores or a count."""
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", text)
    if match is None or match[2] not in _MULTIPLIERS:
        raise ValueError(f"{text!r} is not a Kubernetes quantity")
    return Decimal(match[1]) * _MULTIPLIERS[match[2]]


def parse_duration(text: str) -> float:
    """Return a Go-style duration such as `1h30m` in seconds."""
    if re.fullmatch(DURATION_PATTERN, text) is None:
        raise ValueError(f"{text!r} is not a duration such as 30s or 1h30m")
    parts = re.findall(r"([0-9]+)(ms|s|m|h|d)", text)
    return sum(int(amount) * _DURATION_SECONDS[unit] for amount, unit in parts)
