"""Everything that judging the state of an instance may look at."""

from dataclasses import dataclass
from datetime import datetime

from supmessenger_operator.model.checks import CheckReport
from supmessenger_operator.model.components import (
    OPTIONAL_PARTS,
    Component,
    compute_components,
)
from supmessenger_operator.model.inputs import Inputs
from supmessenger_operator.model.job_message import JobMessage
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.observed import ObservedObject
from supmessenger_operator.model.outcome import Outcome
from supmessenger_operator.model.status import Status

NO_MESSAGE = JobMessage()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What one pass has learned; `messenger` is missing when the resource can't be read."""

    generation: int
    now: datetime
    previous: Status
    outcome: Outcome
    messenger: Messenger | None = None
    inputs: Inputs | None = None
    observed: tuple[ObservedObject, ...] = ()
    report: CheckReport | None = None
    pending: tuple[str, ...] = ()  # components whose release is still to be moved
    migration: ObservedObject | None = None
    migration_message: JobMessage = NO_MESSAGE
    lacking: frozenset[str] = frozenset()  # images that can't be had here

    @property
    def components(self) -> tuple[Component, ...]:
        """The parts that are on."""
        if self.messenger is None:
            return ()
        listed = compute_components(self.messenger.spec, lacking=self.lacking)
        names = {component.name for component in listed}
        # Set aside for a bad field, so that the spec reads as if it was off.
        asked = tuple(
            Component(name=part.name, mode="embedded", workload=part.workload)
            for part in OPTIONAL_PARTS
            if part.name in self.messenger.problems and part.name not in names
        )
        return (*listed, *asked)

    @property
    def is_installed(self) -> bool:
        """Whether this instance was complete before."""
        return bool(self.previous.version)

    @property
    def is_hibernated(self) -> bool:
        """Whether a person has asked for sleep."""
        return self.messenger is not None and self.messenger.is_hibernated

    @property
    def is_waking(self) -> bool:
        """Whether it slept, or was about to, and is not complete again."""
        return not self.is_hibernated and self.previous.find_condition("Hibernated") is not None

    @property
    def fresh_report(self) -> CheckReport | None:
        """The checker's report unless it is too old."""
        if self.report is None or self.report.is_stale(self.now):
            return None
        return self.report

    def find_workload(self, component: Component) -> ObservedObject | None:
        """Return the live workload of a part."""
        if self.messenger is None:
            return None
        name = self.messenger.object_name(component.name)
        return next(
            (
                item
                for item in self.observed
                if item.kind == component.workload and item.name == name
            ),
            None,
        )

    def find_object(self, kind: str, component: str) -> ObservedObject | None:
        """Return a live object of a component by its kind."""
        return next(
            (item for item in self.observed if item.kind == kind and item.component == component),
            None,
        )
