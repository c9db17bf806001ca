"""The Job that brings the schema up to date before the services roll out."""

from supmessenger_operator.desired.container import Container, build_binding
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave

COMPONENT = "migrations"


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return the Job; another image is another Job."""
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.MIGRATIONS)
    pod = Pod(
        component=COMPONENT,
        containers=(
            Container(
                name="migrate",
                # The migrations travel with the api that needs them.
                image=inputs.images["api"],
                command=("sup-migrate", "up"),
                amounts=messenger.effective.job,
                env={"SUP_INSTANCE": messenger.name, "SUP_DOMAIN": messenger.spec.domain},
                mounts=(build_binding(inputs.secrets["postgres-owner"], "postgres"),),
            ),
        ),
        restart_policy="Never",
    )
    return (kinds.build_job(pod, attempts=2, deadline_seconds=3600),)
