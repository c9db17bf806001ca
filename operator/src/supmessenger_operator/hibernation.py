"""Sleep: the waves backwards, each one's pods gone before the next; all data is kept.

Jobs are neither started nor judged. Waking is an ordinary rollout: the release of every workload
differs from what is desired again, so the waves follow one another with all their gates.
"""

from supmessenger_operator.cluster.observe import find_living_pods
from supmessenger_operator.model.desired_object import Wave
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.outcome import Waiting
from supmessenger_operator.rollout import find_pending, release_wave, tell_refused
from supmessenger_operator.run import Run

# Pods are not watched: nobody tells when the last one has ended.
RECHECK_SECONDS = 3.0


async def fall_asleep(run: Run, messenger: Messenger) -> None:
    """Scale every workload to zero, from what people see down to the data."""
    run.pending = find_pending(run)
    for wave in reversed(Wave):
        await release_wave(run, messenger, wave)
        await _require_ended(run, wave)
    tell_refused(run)


async def _require_ended(run: Run, wave: Wave) -> None:
    """Go on only when the wave has no pods: a service drains while what it needs still runs."""
    components = frozenset(item.component for item in run.desired if item.wave == wave)
    living = await find_living_pods(run.context.client, *run.key, components=components)
    if living:
        raise Waiting(
            f"waiting for {', '.join(living)} to end",
            reason="FallingAsleep",
            recheck=RECHECK_SECONDS,
        )
