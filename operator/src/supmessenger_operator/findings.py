"""What a pass found out: the facts for judging, and the Events for people."""

from supmessenger_operator.events import Happening, find_transitions
from supmessenger_operator.model.availability import find_unavailable
from supmessenger_operator.model.checks import CheckReport
from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.images import find_lacking
from supmessenger_operator.model.job_message import JobMessage
from supmessenger_operator.model.observed import ObservedObject
from supmessenger_operator.model.outcome import Outcome, Waiting
from supmessenger_operator.model.status import Status
from supmessenger_operator.rollout import WORKLOADS, read_ended_job
from supmessenger_operator.run import Run

# Events come in bursts; the checker is not asked again for each of them.
PROBE_MEMORY_SECONDS = 2.0


async def collect_facts(run: Run, outcome: Outcome) -> Facts:
    """Ask the checker and put together all that judging looks at."""
    migration = find_migration(run)
    return Facts(
        generation=run.body["metadata"].get("generation", 0),
        now=run.context.clock(),
        previous=run.previous,
        outcome=outcome,
        messenger=run.messenger,
        inputs=run.inputs,
        observed=tuple(run.observed),
        report=await probe(run),
        pending=run.pending,
        migration=migration,
        migration_message=await read_migration_message(run, migration),
        lacking=find_lacking(run.context.defaults.images, run.messenger.spec.images)
        if run.messenger is not None
        else frozenset(),
    )


async def probe(run: Run) -> CheckReport | None:
    """Ask the checker, if its pod is ready; make it check now when the news may be old."""
    checkers, worker = run.context.checkers, f"{run.key[1]}-worker"
    live = run.observed.find("Deployment", worker)
    if live is None or live.ready == 0:
        return None
    known = checkers.recall(run.key)
    is_bad = known is None or not all(check.ok for check in known.checks)
    is_rolled_out = all(item.is_ready for item in run.observed if item.kind in WORKLOADS)
    return await checkers.probe(
        run.key, max_age=PROBE_MEMORY_SECONDS, run_now=is_bad and is_rolled_out
    )


def find_migration(run: Run) -> ObservedObject | None:
    """Return the migration Job of what is desired, or else the newest one there is."""
    wanted = {item.name for item in run.desired if item.component == "migrations"}
    jobs = [item for item in run.observed if item.kind == "Job" and item.component == "migrations"]
    if wanted:
        return next((job for job in jobs if job.name in wanted), None)
    return max(jobs, key=lambda job: job.created, default=None)


async def read_migration_message(run: Run, job: ObservedObject | None) -> JobMessage:
    """Return what the migration Job left behind, once it has ended."""
    if job is None or not (job.is_ready or job.is_stuck):
        return JobMessage()
    try:
        return await read_ended_job(run, job)
    except Waiting:
        return JobMessage()  # the Job's own condition says enough


async def announce(run: Run, status: Status) -> None:
    """Write Events about transitions, and about wishes that have no effect yet."""
    happenings = [*find_transitions(run.previous, status), *_find_wishes(run, status)]
    for happening in happenings:
        await run.context.recorder.record(run.body, happening)


def _find_wishes(run: Run, status: Status) -> list[Happening]:
    """Return what was asked for in so many words and has no effect; once a generation."""
    if run.messenger is None:
        return []
    is_new = status.observed_generation != run.previous.observed_generation
    known = {item.name for item in run.previous.components if item.mode == "unavailable"}
    asked = find_unavailable(run.messenger.spec, run.messenger.metadata.annotations)
    return [
        Happening(reason="NotYetAvailable", message=part.message, type="Warning")
        for part in asked
        if part.is_explicit and not part.cure and (is_new or part.component not in known)
    ]
