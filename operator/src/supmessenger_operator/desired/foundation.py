"""What an instance stands on: an identity without a token, and whom its clients trust."""

from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import SERVICE_ACCOUNT
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave

COMPONENT = "foundation"
AUTHORITY = "ca"


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return the ServiceAccount (no pod talks to the API server) and the public authority."""
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.CONFIGURATION)
    account = kinds.build(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": kinds.build_metadata(name=messenger.object_name(SERVICE_ACCOUNT)),
            "automountServiceAccountToken": False,
        }
    )
    if not inputs.ca_certificate:
        return (account,)
    authority = kinds.build(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": kinds.build_metadata(name=messenger.object_name(AUTHORITY)),
            "data": {"ca.crt": inputs.ca_certificate},
        }
    )
    return (account, authority)
