"""What all pods of an instance stand on: an identity without a token."""

from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import SERVICE_ACCOUNT
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave

COMPONENT = "foundation"


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return the ServiceAccount; no pod of the platform talks to the API server."""
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.CONFIGURATION)
    return (
        kinds.build(
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": kinds.build_metadata(name=messenger.object_name(SERVICE_ACCOUNT)),
                "automountServiceAccountToken": False,
            }
        ),
    )
