"""Passwords and keys: the seed's checklist and its critical variables."""

from collections.abc import Callable
from dataclasses import dataclass

from supmessenger_cli.doctor.evidence import Evidence
from supmessenger_cli.doctor.finding import Finding, fail, ok, unknown

LEAST_PASSWORD = 16
LEAST_JWT_SECRET = 64
FORBIDDEN = "you may not read Secrets here"


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One of the seed's critical variables, and where it lives now."""

    name: str
    keys: tuple[tuple[str, str], ...]  # Secret's suffix and key
    least: int = LEAST_PASSWORD
    part: str = ""  # there only when this part runs
    is_identifier: bool = False  # a name, short by nature


VARIABLES = (
    Variable(name="DATABASE_PASSWORD", keys=(("postgres", "password"),)),
    Variable(name="JWT_SECRET", keys=(("credentials", "jwt-secret"),), least=LEAST_JWT_SECRET),
    Variable(name="SESSION_SECRET", keys=(("credentials", "session-secret"),), least=32),
    Variable(name="ENCRYPTION_KEY", keys=(("credentials", "encryption-key"),), least=32),
    Variable(
        name="REDIS_PASSWORD", keys=(("redis-cache", "password"), ("redis-state", "password"))
    ),
    Variable(name="RABBITMQ_PASSWORD", keys=(("rabbitmq", "password"),)),
    Variable(
        name="LIVEKIT_API_KEY", keys=(("livekit", "api-key"),), part="livekit", is_identifier=True
    ),
    Variable(name="LIVEKIT_API_SECRET", keys=(("livekit", "api-secret"),), part="livekit"),
)
# Every key that lets somebody in.
PASSWORD_KEYS = frozenset(
    {
        "password",
        "sup_owner",
        "sup_user",
        "sup_user_b",
        "postgres",
        "sup",
        "sup_b",
        "secret-access-key",
        "shared-secret",
        "api-secret",
        "sup_monitor",
    }
)


def judge_variable(variable: Variable, evidence: Evidence) -> Finding:
    """Judge one critical variable by length and randomness."""
    places = ", ".join(
        f"Secret {evidence.name}-{suffix}, key {key}" for suffix, key in variable.keys
    )
    if variable.part and not evidence.has_part(variable.part):
        return ok(variable.name, f"not needed: {variable.part} is off")
    if evidence.secrets is None:
        return unknown(variable.name, FORBIDDEN, "ask for the right to get secrets")
    faults = []
    for suffix, key in variable.keys:
        strength = evidence.secrets.get((suffix, key))
        if strength is None:
            return fail(variable.name, f"{places} is missing", _make_again(evidence))
        least_bits = 20.0 if variable.is_identifier else 100.0
        least = 8 if variable.is_identifier else variable.least
        fault = strength.find_fault(least_length=least, least_bits=least_bits)
        faults += [f"{suffix}/{key} {fault}"] if fault else []
    if faults:
        return fail(variable.name, "; ".join(faults), _replace(evidence))
    return ok(variable.name, places)


def judge_passwords(evidence: Evidence) -> Finding:
    """Judge every password there is: none may be a default, short or guessable."""
    check = "Change all default passwords"
    if evidence.secrets is None:
        return unknown(check, FORBIDDEN, "ask for the right to get secrets")
    found = {place: one for place, one in evidence.secrets.items() if place[1] in PASSWORD_KEYS}
    faults = [
        f"{suffix}/{key} {fault}"
        for (suffix, key), strength in sorted(found.items())
        if (fault := strength.find_fault(least_length=LEAST_PASSWORD))
    ]
    if faults:
        return fail(check, "; ".join(faults), _replace(evidence))
    return ok(
        check, f"{len(found)} passwords, each random and of {LEAST_PASSWORD} characters or more"
    )


def judge_jwt_secret(evidence: Evidence) -> Finding:
    """Judge the key that signs access tokens."""
    found = judge_variable(VARIABLES[1], evidence)
    return found._replace(check="Generate strong JWT_SECRET (64+ characters)")


def judge_redis(evidence: Evidence) -> Finding:
    """Judge the doors of Redis by knocking without a password."""
    return _judge_door(
        evidence,
        check="Set secure Redis password",
        parts=("redis-cache", "redis-state"),
        is_shut=lambda answer: "NOAUTH" in answer,
        what="answers without a password",
    )


def judge_rabbitmq(evidence: Evidence) -> Finding:
    """Judge the broker by trying the user it is shipped with."""
    return _judge_door(
        evidence,
        check="Update RabbitMQ credentials",
        parts=("rabbitmq",),
        is_shut=lambda answer: answer == "401",
        what="lets guest/guest in",
    )


def _judge_door(
    evidence: Evidence,
    *,
    check: str,
    parts: tuple[str, ...],
    is_shut: Callable[[str], bool],
    what: str,
) -> Finding:
    own = [part for part in parts if evidence.find_all("StatefulSet", component=part)]
    for part in own:
        answer = evidence.open_doors.get(part)
        if answer is not None and not is_shut(answer):
            return fail(check, f"{part} {what}", f"delete the pod {evidence.name}-{part}-0")
    secret = _judge_secrets(evidence, parts)
    if secret:
        return fail(check, secret, _replace(evidence))
    tried = [part for part in own if evidence.open_doors.get(part) is not None]
    if own and not tried:
        return unknown(check, "the pods could not be asked", "ask for the right to exec in pods")
    if not own:
        return ok(check, "runs elsewhere, with a password of its own")
    return ok(check, f"{', '.join(tried)} refused, password strong")


def _judge_secrets(evidence: Evidence, parts: tuple[str, ...]) -> str:
    for part in parts:
        strength = (evidence.secrets or {}).get((part, "password"))
        fault = strength.find_fault(least_length=LEAST_PASSWORD) if strength is not None else ""
        if fault:
            return f"the password of {part} {fault}"
    return ""


def _replace(evidence: Evidence) -> str:
    return (
        f"these Secrets were adopted, not generated: put a value of `openssl rand -base64 48` into"
        f" what you gave (kubectl edit secret {evidence.flags}); what uses it is rolled out"
    )


def _make_again(evidence: Evidence) -> str:
    return f"kubectl annotate sup {evidence.name} {evidence.flags} supmessenger.io/reconcile-at=now"
