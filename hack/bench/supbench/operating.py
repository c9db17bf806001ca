"""The operator's work: building an instance's objects, and a pass that finds all in order."""

from support.messengers import make_inputs, make_messenger
from support.world import World

from supbench.figures import Figure
from supbench.scenario import ROUNDS, Meter, Scenario
from supbench.stage import Stage
from supmessenger_operator.desired import build_objects

BUILDS = 40
PASSES = 20


async def measure(_: Stage) -> list[Figure]:
    """Build and reconcile a tiny instance in turn; no server is needed."""
    messenger = make_messenger()
    inputs = make_inputs(messenger)
    world = World()
    await world.declare()
    await world.settle()
    settled = len(world.cluster.writes)
    builds: list[float] = []
    passes: list[float] = []
    try:
        for _round in range(ROUNDS):
            with Meter() as meter:
                for _build in range(BUILDS):
                    build_objects(messenger, inputs)
            builds.append(meter.own_cpu * 1000 / BUILDS)
            with Meter() as meter:
                for _pass in range(PASSES):
                    await world.reconcile()
            passes.append(meter.own_cpu * 1000 / PASSES)
    finally:
        await world.checkers.close()
    written = {verb for verb, _kind, _name in world.cluster.writes[settled:]}
    # The resource's status is renewed now and then, also when nothing else changes.
    assert written <= {"status"}, f"the instance was not settled: {written}"
    return [
        Figure(name="objects of a tiny instance", unit="CPU-ms/build", samples=tuple(builds)),
        Figure(name="settled pass, fake cluster", unit="CPU-ms/pass", samples=tuple(passes)),
    ]


SCENARIO = Scenario(
    name="operator",
    method=f"`build_objects` of a tiny instance {BUILDS} times, and `reconcile_messenger` of the"
    f" same settled instance {PASSES} times on the in-memory API server of the tests, whose own"
    " copying is part of the figure; no pass changes an object.",
    measure=measure,
)
