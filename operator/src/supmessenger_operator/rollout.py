"""Steps of a pass that write: repair, gather, roll out wave by wave in the one order, prune."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from supmessenger_operator.cluster.apply import (
    apply_objects,
    check_objects,
    refuse_taken_names,
    repair_released,
)
from supmessenger_operator.cluster.gather import gather_inputs
from supmessenger_operator.cluster.observe import read_job_message
from supmessenger_operator.cluster.prune import find_orphans, prune_orphans
from supmessenger_operator.cluster.public_address import gather_call_addresses
from supmessenger_operator.cluster.release import compute_release_hash
from supmessenger_operator.cluster.volumes import gather_judged, grow_volumes
from supmessenger_operator.desired import build_instance
from supmessenger_operator.events import Happening
from supmessenger_operator.model.backups import find_last_good
from supmessenger_operator.model.components import find_field, is_optional
from supmessenger_operator.model.desired_object import DesiredObject, Wave
from supmessenger_operator.model.difference import find_changed_fields
from supmessenger_operator.model.inputs import Inputs
from supmessenger_operator.model.job_message import JobMessage, parse_job_message
from supmessenger_operator.model.messenger import PAUSED_ANNOTATION, Messenger, is_set
from supmessenger_operator.model.observed import ObservedObject
from supmessenger_operator.model.outcome import Stalled, Waiting
from supmessenger_operator.model.parts import find_held, follow_whole
from supmessenger_operator.run import Run

WORKLOADS = ("StatefulSet", "Deployment")


async def repair(run: Run) -> None:
    """Put back what was deleted or edited, as it was released; no gate holds this.

    A pause lets edits be: it is how a person keeps an own one for a while.
    """
    context, releases = run.context, tuple(run.releases.current.values())
    gone = {
        (body["kind"], body["metadata"]["name"])
        for release in releases
        for body in release.objects
        if run.observed.find(body["kind"], body["metadata"]["name"]) is None
    }
    await repair_released(
        context.client,
        context.ledger,
        run.observed,
        releases,
        keeps_edits=is_set(run.body["metadata"].get("annotations") or {}, PAUSED_ANNOTATION),
    )
    for kind, name in sorted(gone):
        message = f"{kind} {name} was gone and was put back"
        await context.recorder.record(run.body, Happening(reason="Repaired", message=message))


async def gather(run: Run, messenger: Messenger) -> Inputs:
    """Collect the facts that building needs."""
    edge = run.observed.find("Service", messenger.object_name("edge"))
    doors = run.observed.find("Deployment", messenger.object_name("edge"))
    inputs = await gather_inputs(
        run.context.client,
        messenger,
        defaults=run.context.defaults,
        reach=run.context.reach,
        orders=run.context.orders,
        edge_address=edge.address if edge is not None else "",
        is_edge_up=doors is not None and doors.ready > 0 and not messenger.is_hibernated,
        call_addresses=await gather_call_addresses(
            messenger, run.observed, run.releases, run.context.reach
        ),
        now=run.context.clock(),
    )
    if run.previous.version:
        await _announce_made_secrets(run, inputs)
    return inputs.model_copy(update={"newest_backup": _find_newest_backup(run)})


def _find_newest_backup(run: Run) -> datetime | None:
    schedule = run.observed.find("CronJob", f"{run.key[1]}-backup")
    since = find_last_good(run.observed) or (schedule.created if schedule is not None else "")
    return datetime.fromisoformat(since) if since else None


def build(run: Run, messenger: Messenger) -> None:
    """Say what shall exist; an optional part that can't work stays as it is released."""
    if run.inputs is None:
        raise ValueError("facts are gathered before anything is built")
    held = find_held(messenger.problems, messenger.spec)
    built = build_instance(messenger, run.inputs, without=held)
    problems = {**run.inputs.problems, **built.problems, **messenger.problems}
    run.inputs = run.inputs.model_copy(update={"problems": problems})
    held |= frozenset(built.problems)
    run.desired = (
        *(item for item in built.objects if item.component not in held),
        *_list_released(run, held, messenger),
    )


def _list_released(
    run: Run, components: Iterable[str], messenger: Messenger
) -> Iterator[DesiredObject]:
    """Yield what is released of components, asleep or awake as the whole is."""
    keeps_volumes = messenger.spec.deletion_policy != "Delete"
    for component in sorted(components):
        release = run.releases.current.get(component)
        wave = Wave.CONFIGURATION if component in ("calls", "signalling") else Wave.EXTRAS
        for body in release.objects if release is not None else ():
            is_asleep = messenger.is_hibernated
            body = follow_whole(body, is_asleep=is_asleep, keeps_volumes=keeps_volumes)
            yield DesiredObject(component=component, wave=wave, body=body)


async def _announce_made_secrets(run: Run, inputs: Inputs) -> None:
    """A running instance rarely lacks a Secret, unless a person took it away."""
    for name in inputs.made_secrets:
        message = (
            f"Secret {name} was not there and was made; if somebody deleted it, what its old"
            " values protected (sessions, clients' trust) has to be renewed"
        )
        happening = Happening(reason="SecretMade", message=message, type="Warning")
        await run.context.recorder.record(run.body, happening)


async def roll_out(run: Run, messenger: Messenger) -> None:
    """Release each wave; the next one starts when this one is ready."""
    run.pending = find_pending(run)
    for wave in Wave:
        await release_wave(run, messenger, wave)
        await _start_jobs(run, wave)
        await _refuse_failed_jobs(run, messenger, wave)
        if _has_work_after(run, wave):
            _require_ready(run, wave)
    tell_refused(run)


async def prune(run: Run, messenger: Messenger) -> None:
    """Delete what is no longer desired; a Job's evidence stays until the next success."""
    jobs = [run.observed.find("Job", item.name) for item in _jobs(run.desired)]
    if not all(job is not None and job.is_ready for job in jobs):
        return
    context = run.context
    # Releases first: drift repair must not put back what is being deleted.
    await run.releases.forget(keep=frozenset(item.component for item in run.desired))
    orphans = find_orphans(messenger, run.observed, run.desired)
    pruned = await prune_orphans(
        context.client, context.ledger, run.observed, messenger=messenger, orphans=orphans
    )
    for orphan in pruned:
        happening = Happening(reason="Pruned", message=f"{orphan.kind} {orphan.name} was deleted")
        await context.recorder.record(run.body, happening)


def find_pending(run: Run) -> tuple[str, ...]:
    """Return the components whose release is not what is desired, in the one order."""
    current = run.releases.current
    pending: list[str] = []
    for component, items in _group(run.desired).items():
        released = current.get(component)
        if released is None or released.hash != compute_release_hash([i.body for i in items]):
            pending.append(component)
    return tuple(pending)


async def release_wave(run: Run, messenger: Messenger, wave: Wave) -> None:
    """Move the release of what differs in a wave, and apply it."""
    for component, items in _group(run.desired).items():
        if items[0].wave != wave or component not in run.pending:
            continue
        context, bodies = run.context, [item.body for item in items]
        before = run.releases.current.get(component)
        # Judged first, released second, applied third: what the API server refuses never becomes
        # the release, and a pass cut off after the second step is completed by drift repair.
        try:
            await _check_component(run, component, bodies)
        except Stalled as refused:
            if not is_optional(component):
                raise
            run.refuse(component, refused)
            continue
        await run.releases.move(messenger, component, bodies)
        await apply_objects(context.client, context.ledger, run.observed, bodies)
        run.pending = tuple(name for name in run.pending if name != component)
        if before is not None:
            fields = ", ".join(find_changed_fields(before.objects, bodies))
            message = f"{component} is rolled out: {fields}"
        else:
            message = f"{component} is installed"
        await context.recorder.record(
            run.body, Happening(reason="RollingOut" if before else "Installing", message=message)
        )


def tell_refused(run: Run) -> None:
    """End the pass with what was refused of optional parts, if anything was."""
    if run.refused:
        raise run.refused[0]


async def _check_component(run: Run, component: str, bodies: Sequence[Mapping[str, Any]]) -> None:
    """Let the API server judge; what it refuses comes from a field of the resource."""
    try:
        await refuse_taken_names(run.context.client, run.observed, bodies)
        judged = await gather_judged(run.context.client, bodies)
        await check_objects(run.context.client, judged)
        await grow_volumes(run.context.client, bodies)
    except Stalled as refused:
        if refused.field:
            raise
        raise Stalled(
            f"{refused.message}; correct it here and apply again",
            field=find_field(component),
            reason=refused.reason,
            is_outside=refused.is_outside,
        ) from refused


async def _start_jobs(run: Run, wave: Wave) -> None:
    context = run.context
    missing = [
        item.body
        for item in _jobs(run.desired)
        if item.wave == wave and run.observed.find("Job", item.name) is None
    ]
    await apply_objects(context.client, context.ledger, run.observed, missing)


def _has_work_after(run: Run, wave: Wave) -> bool:
    waves = {component: items[0].wave for component, items in _group(run.desired).items()}
    jobs = [item for item in _jobs(run.desired) if item.wave > wave]
    return any(waves[component] > wave for component in run.pending) or any(
        run.observed.find("Job", item.name) is None for item in jobs
    )


async def _refuse_failed_jobs(run: Run, messenger: Messenger, wave: Wave) -> None:
    """A failed Job needs a person, whether or not anything waits for it."""
    for item, live in _find_unready(run, wave):
        if item.kind == "Job" and live.is_stuck:
            error = (await read_ended_job(run, live)).text
            raise Stalled(
                f"{item.name} failed: {error or live.message}. Correct the cause, then delete the"
                f" Job to run it again: kubectl delete job {item.name} -n {messenger.namespace}",
                reason=f"{_camel(item.component)}Failed",
                is_outside=True,
            )


def _find_unready(run: Run, wave: Wave) -> list[tuple[DesiredObject, ObservedObject]]:
    return [
        (item, live)
        for item in run.desired
        if item.wave == wave and item.kind in (*WORKLOADS, "Job")
        if (live := run.observed.find(item.kind, item.name)) is not None and not live.is_ready
    ]


def _require_ready(run: Run, wave: Wave) -> None:
    """Go on only when the wave is ready."""
    unready = _find_unready(run, wave)
    if unready:
        first, live = unready[0]
        names = ", ".join(dict.fromkeys(item.component for item, _ in unready))
        raise Waiting(
            f"waiting for {names}" + (f": {live.message}" if live.message else ""),
            reason=f"WaitingFor{_camel(first.component)}",
        )


async def read_ended_job(run: Run, job: ObservedObject) -> JobMessage:
    """Return what an ended Job has left as its last words."""
    known = run.context.job_messages
    if job.uid not in known:
        raw = await read_job_message(run.context.client, run.key[0], job.name)
        known[job.uid] = parse_job_message(raw)
    return known[job.uid]


def _group(desired: Iterable[DesiredObject]) -> dict[str, list[DesiredObject]]:
    """Return the objects of each component's release; Jobs belong to none."""
    groups: dict[str, list[DesiredObject]] = {}
    for item in sorted(desired, key=lambda one: one.wave):
        if item.kind != "Job":
            groups.setdefault(item.component, []).append(item)
    return groups


def _jobs(desired: Iterable[DesiredObject]) -> list[DesiredObject]:
    return [item for item in desired if item.kind == "Job"]


def _camel(component: str) -> str:
    return "".join(word.capitalize() for word in component.split("-"))
