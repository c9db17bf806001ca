"""Pure judgement: what a pass has learned becomes the status, one file per condition."""

from collections.abc import Mapping, Sequence

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.status import BackupStatus, Endpoints, Status
from supmessenger_operator.status.backup_healthy import judge_backup_healthy
from supmessenger_operator.status.component_ready import judge_component
from supmessenger_operator.status.components import build_components, count_ready
from supmessenger_operator.status.degraded import judge_degraded
from supmessenger_operator.status.endpoints import build_dns_records, build_endpoints, build_tls
from supmessenger_operator.status.hibernated import judge_hibernated
from supmessenger_operator.status.migrated import judge_migrated
from supmessenger_operator.status.phase import compute_phase
from supmessenger_operator.status.ready import judge_ready
from supmessenger_operator.status.reconciling import judge_reconciling
from supmessenger_operator.status.stalled import judge_stalled
from supmessenger_operator.status.verdict import Verdict, build_condition


def compute_status(facts: Facts) -> Status:
    """Judge everything and return the whole status."""
    components = tuple(judge_component(component, facts) for component in facts.components)
    verdicts = _judge_whole(facts, components)
    version = _compute_version(facts, verdicts)
    return Status(
        observed_generation=facts.generation,
        phase=compute_phase(verdicts, is_installed=bool(version)),
        version=version,
        schema_version=_compute_schema_version(facts),
        endpoints=_build_endpoints(facts),
        tls=build_tls(facts),
        dns_records=build_dns_records(facts),
        components=build_components(facts, components),
        components_ready=count_ready(components) or facts.previous.components_ready,
        backup=_build_backup(facts),
        effective=facts.messenger.effective if facts.messenger is not None else None,
        message=_pick_message(facts, verdicts),
        conditions=tuple(
            build_condition(
                verdict, previous=facts.previous, generation=facts.generation, now=facts.now
            )
            for verdict in verdicts.values()
        ),
    )


def _build_endpoints(facts: Facts) -> Endpoints:
    if facts.messenger is None:
        return Endpoints()
    endpoints = build_endpoints(facts.messenger, facts.inputs)
    if facts.inputs is None and facts.messenger.spec.has_turn and not endpoints.turn:
        # This pass has not looked for addresses: what was known stays.
        return endpoints.model_copy(update={"turn": facts.previous.endpoints.turn})
    return endpoints


def build_deleting(previous: Status) -> Status:
    """Return the status of a resource that is on its way out; Kubernetes deletes its objects."""
    message = (
        "its objects are being deleted; with deletionPolicy Retain volumes and Secrets stay for a"
        " resource of the same name"
    )
    return previous.model_copy(update={"phase": "Deleting", "message": message})


def _judge_whole(facts: Facts, components: Sequence[Verdict]) -> Mapping[str, Verdict]:
    stalled = judge_stalled(facts)
    reconciling = judge_reconciling(facts, components)
    backup = judge_backup_healthy(facts)
    hibernated = judge_hibernated(facts, components)
    ready = judge_ready(facts, components, stalled=stalled, reconciling=reconciling)
    is_asleep = hibernated is not None and hibernated.is_true
    verdicts = (
        # Asleep it is neither ready nor on its way to it.
        *(() if is_asleep else (ready,)),
        *((hibernated,) if hibernated is not None else ()),
        reconciling,
        stalled,
        judge_degraded(facts, components),
        judge_migrated(facts),
        *((backup,) if backup is not None else ()),
        *components,
    )
    return {verdict.type: verdict for verdict in verdicts}


def _compute_version(facts: Facts, verdicts: Mapping[str, Verdict]) -> str:
    """The release that runs: the wanted one only once everything of it is in place."""
    if facts.inputs is not None and not facts.pending and _is_true(verdicts, "Ready"):
        return facts.inputs.version
    return facts.previous.version


def _compute_schema_version(facts: Facts) -> str:
    if facts.migration is None or not facts.migration.is_ready:
        return facts.previous.schema_version
    return facts.migration_message.schema_version or facts.previous.schema_version


def _build_backup(facts: Facts) -> BackupStatus:
    schedule = facts.find_object("CronJob", "backup")
    if facts.messenger is None or schedule is None:
        return facts.previous.backup if facts.messenger is None else BackupStatus()
    backup = facts.messenger.spec.backup
    return BackupStatus(
        last_success=schedule.last_success, next=f"{backup.schedule} {backup.time_zone}"
    )


def _pick_message(facts: Facts, verdicts: Mapping[str, Verdict]) -> str:
    if facts.outcome.paused:
        return verdicts["Reconciling"].message
    for name in ("Stalled", "Degraded", "Reconciling"):
        if verdicts[name].is_true:
            return verdicts[name].message
    return verdicts["Hibernated" if _is_true(verdicts, "Hibernated") else "Ready"].message


def _is_true(verdicts: Mapping[str, Verdict], name: str) -> bool:
    return name in verdicts and verdicts[name].is_true
