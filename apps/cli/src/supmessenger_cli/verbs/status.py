"""`kubectl sup status`: how an instance is, part by part."""

import textwrap
from typing import Any

from supmessenger_cli.health import Health, parse_health
from supmessenger_cli.options import Context, Format, Name, Namespace, Output
from supmessenger_cli.scope import open_scope
from supmessenger_cli.terminal import DONE, FAILED, print_document, print_rows, run_verb

EXAMPLES = (
    "Exit code 0 when it is Ready, 1 when not. "
    "Examples: kubectl sup status demo -n chat · kubectl sup status demo -n chat -o json"
)


def status(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Output = Format.TABLE,
) -> None:
    """Show how an instance is: every part, every condition that matters, where it is reached."""
    run_verb(_status(context, namespace, name, output))


async def _status(
    context: str | None, namespace: str | None, name: str | None, output: Format
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    health = parse_health(await scope.resource())
    if output is Format.TABLE:
        print_health(health)
    else:
        print_document(build_document(health), output)
    return DONE if health.is_ready else FAILED


def print_health(health: Health) -> None:
    """Print for people."""
    print(f"{health.namespace}/{health.name}   {health.phase}   {health.domain}")
    print(textwrap.fill(health.message, 100))
    print()
    rows = [
        (
            part.name,
            part.state,
            f"{part.ready}/{part.desired}" if part.desired or part.ready else "-",
            part.version or "-",
            part.mode,
            textwrap.shorten(part.message, 90, placeholder=" …"),
        )
        for part in health.parts
    ]
    print_rows(("PART", "STATE", "PODS", "VERSION", "MODE", "MESSAGE"), rows)
    told = [health.conditions[kind] for kind in _TOLD if kind in health.conditions]
    print()
    print_rows(
        ("CONDITION", "STATUS", "REASON", "MESSAGE"),
        [(one.type, one.status, one.reason, one.message) for one in told],
    )
    if health.endpoints:
        print()
        print_rows(("REACHED AT", "URL"), list(health.endpoints.items()))


# The rest are the parts' own, told in the table of parts.
_TOLD = ("Ready", "Hibernated", "Stalled", "Degraded", "Reconciling", "Migrated", "BackupHealthy")


def build_document(health: Health) -> dict[str, Any]:
    """Return the same for scripts; names stay as they are."""
    return {
        "namespace": health.namespace,
        "name": health.name,
        "ready": health.is_ready,
        "phase": health.phase,
        "version": health.version,
        "schemaVersion": health.schema_version,
        "domain": health.domain,
        "message": health.message,
        "endpoints": dict(health.endpoints),
        "components": [vars(part) for part in health.parts],
        "conditions": [vars(one) for one in health.conditions.values()],
    }
