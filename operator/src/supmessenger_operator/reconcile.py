"""One pass over one instance, from top to bottom."""

from dataclasses import replace

from supmessenger_operator.cluster.write_status import write_status
from supmessenger_operator.findings import announce, collect_facts
from supmessenger_operator.hibernation import fall_asleep
from supmessenger_operator.model.messenger import KIND, check_messenger, parse_messenger
from supmessenger_operator.model.outcome import Key, Next, Outcome, Stalled, Waiting
from supmessenger_operator.model.status import Status, read_status
from supmessenger_operator.rollout import build, gather, prune, repair, roll_out
from supmessenger_operator.run import Context, Run, start_run
from supmessenger_operator.status import build_deleting, compute_status

# A person acts outside the resource: makes a Secret, starts a host, deletes a failed Job.
OUTSIDE_RECHECK_SECONDS = 60.0
LASTING_RECHECK_SECONDS = 60.0
# What is further away is found by the queue's resync.
LONGEST_LOOK_SECONDS = 600.0


async def reconcile_messenger(key: Key, context: Context) -> Next:
    """Bring one instance closer to what its resource says, and say how it is."""
    body = await context.client.get(KIND, *key)
    if body is None:
        context.checkers.forget(key)
        context.orders.forget(key)
        return Next(is_gone=True)
    if body["metadata"].get("deletionTimestamp"):
        previous = read_status(body)
        await write_status(context.client, body, build_deleting(previous))
        return Next()

    outcome, run = Outcome(), await start_run(body, context)  # live objects, release pointers
    try:
        await repair(run)  # what is released, whatever else is wrong
        run.messenger = parse_messenger(body)
        check_messenger(run.messenger)
        if run.messenger.is_paused:
            outcome = Outcome(paused=True)
        else:
            run.inputs = await gather(run, run.messenger)  # Secrets, certificates, addresses
            build(run, run.messenger)  # what can't work of optional parts stays as it was
            if run.messenger.is_hibernated:
                await fall_asleep(run, run.messenger)  # the waves backwards, without Jobs
            else:
                await roll_out(run, run.messenger)  # gate and apply, wave by wave
            await prune(run, run.messenger)
    except Stalled as stalled:
        outcome = Outcome(stalled=stalled)
    except Waiting as waiting:
        outcome = Outcome(waiting=waiting)

    status = compute_status(await collect_facts(run, outcome))
    await write_status(context.client, body, status)
    await announce(run, status)
    return compute_next(outcome, status, look_again=_find_look_again(run))


def _find_look_again(run: Run) -> float | None:
    """Return the seconds until the certificate wants to be looked at, if it ever does."""
    moment = run.inputs.certificate.look_again if run.inputs is not None else None
    return max(1.0, (moment - run.context.clock()).total_seconds()) if moment else None


def compute_next(outcome: Outcome, status: Status, *, look_again: float | None = None) -> Next:
    """Say when to look again, should no event come first."""
    following = _compute_next(outcome, status)
    if look_again is None or look_again > LONGEST_LOOK_SECONDS or following.backoff:
        return following
    delay = look_again if following.delay is None else min(look_again, following.delay)
    return replace(following, delay=delay)


def _compute_next(outcome: Outcome, status: Status) -> Next:
    if outcome.stalled is not None:
        return Next(delay=OUTSIDE_RECHECK_SECONDS if outcome.stalled.is_outside else None)
    is_settled = any(
        found is not None and found.status == "True"
        for found in (status.find_condition("Ready"), status.find_condition("Hibernated"))
    )
    if outcome.waiting is not None:
        return Next(backoff=True, delay=outcome.waiting.recheck)
    # What lasts has to be told as lasting in time, whether or not an event comes.
    return Next() if is_settled else Next(backoff=True, delay=LASTING_RECHECK_SECONDS)
