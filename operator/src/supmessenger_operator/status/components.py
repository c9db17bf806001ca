"""`status.components`: every part, also those that are off or not yet available."""

from collections.abc import Iterator, Mapping, Sequence

from supmessenger_operator.model.availability import find_unavailable
from supmessenger_operator.model.components import Component
from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.status import ComponentStatus
from supmessenger_operator.status.verdict import Verdict


def build_components(facts: Facts, verdicts: Sequence[Verdict]) -> tuple[ComponentStatus, ...]:
    """Return the list in the one order."""
    if facts.messenger is None:
        return facts.previous.components
    by_type = {verdict.type: verdict for verdict in verdicts}
    running = [_build_running(component, facts, by_type) for component in facts.components]
    listed = {item.name for item in running}
    return (*running, *(item for item in _build_others(facts) if item.name not in listed))


def count_ready(verdicts: Sequence[Verdict]) -> str:
    """Return how many of the parts that are on are ready, such as 9/10."""
    return f"{sum(verdict.is_true for verdict in verdicts)}/{len(verdicts)}" if verdicts else ""


def _build_running(
    component: Component, facts: Facts, verdicts: Mapping[str, Verdict]
) -> ComponentStatus:
    live, report = facts.find_workload(component), facts.fresh_report
    check = report.find(component.name) if report is not None else None
    verdict = verdicts[component.condition]
    known = next((c for c in facts.previous.components if c.name == component.name), None)
    return ComponentStatus(
        name=component.name,
        mode=component.mode,
        version=(check.version if check is not None else None)
        or (live.version if live is not None and component.workload == "Deployment" else "")
        or (known.version if known is not None else ""),
        ready=live.ready if live is not None else int(verdict.is_true),
        desired=live.desired if live is not None else 1,
        message="" if verdict.is_true else verdict.message,
    )


def _build_others(facts: Facts) -> Iterator[ComponentStatus]:
    if facts.messenger is None:
        return
    spec = facts.messenger.spec
    if not spec.backup.enabled:
        yield ComponentStatus(name="backup", mode="disabled")
    for name, part in (("livekit", spec.livekit), ("turn", spec.turn), ("kafka", spec.kafka)):
        if part is not None and not part.enabled:
            yield ComponentStatus(name=name, mode="disabled")
    if spec.turn is None and not spec.has_turn:
        yield ComponentStatus(name="turn", mode="disabled", message="there are no calls to relay")
    if spec.monitoring is not None and not spec.monitoring.enabled:
        yield ComponentStatus(name="monitoring", mode="disabled")
    for part_missing in find_unavailable(
        spec, facts.messenger.metadata.annotations, lacking=facts.lacking
    ):
        yield ComponentStatus(
            name=part_missing.component, mode="unavailable", message=part_missing.message
        )
