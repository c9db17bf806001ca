"""The Secret of Kafka: address and login, whichever way Kafka is provided.

Events are no part of the core: a Secret that is missing degrades them alone.
"""

import base64
import secrets as random
from collections.abc import Mapping

from supmessenger_operator.cluster import generated
from supmessenger_operator.cluster.secrets import InstanceSecrets
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.realtime import KafkaExternal

Values = Mapping[str, str]

_KEYS = (
    "type",
    "bootstrap-servers",
    "security-protocol",
    "sasl-mechanism",
    "username",
    "password",
    "cluster-id",
)


async def ensure_event_connection(secrets: InstanceSecrets, messenger: Messenger) -> None:
    """Make or follow the connection, where the instance sends events."""
    kafka = messenger.spec.kafka
    if kafka is None or not messenger.spec.sends_events:
        return
    try:
        if kafka.external is not None:
            await _keep_external(secrets, kafka.external)
        else:
            await _ensure_embedded(secrets, messenger)
    except Stalled as stalled:
        secrets.problems["kafka"] = stalled.message
        await secrets.hold("kafka", ("bootstrap-servers", "security-protocol"))


async def _ensure_embedded(secrets: InstanceSecrets, messenger: Messenger) -> None:
    known = await secrets.recall("kafka")
    if known.get("provider") == "external":
        # It led elsewhere until now; what was there before is gone, but for the volume.
        await secrets.keep("kafka", make_kafka(messenger))
        return
    await secrets.ensure("kafka", _KEYS, lambda: make_kafka(messenger))


def make_kafka(messenger: Messenger) -> Values:
    """Address, a fresh password, and the identity that an empty volume is given."""
    return {
        "type": "kafka",
        "provider": "sup-operator",
        "bootstrap-servers": messenger.kafka_address,
        "security-protocol": "SASL_PLAINTEXT",  # within the namespace, guarded by network policies
        "sasl-mechanism": "PLAIN",
        "username": "sup",
        "password": generated.make_password(),
        "cluster-id": base64.urlsafe_b64encode(random.token_bytes(16)).decode().rstrip("="),
    }


async def _keep_external(secrets: InstanceSecrets, external: KafkaExternal) -> None:
    field = "spec.kafka.external"
    login: Values = {}
    if external.credentials_secret_ref is not None:
        login = await secrets.read(
            external.credentials_secret_ref,
            ("username", "password"),
            field=f"{field}.credentialsSecretRef",
        )
    transport = "SSL" if external.uses_tls else "PLAINTEXT"
    values = {
        "type": "kafka",
        "provider": "external",
        "bootstrap-servers": ",".join(external.bootstrap_servers),
        "security-protocol": (f"SASL_{transport}" if login else transport),
        "sasl-mechanism": external.sasl_mechanism,
        "username": login.get("username", ""),
        "password": login.get("password", ""),
    }
    if external.ca_secret_ref is not None:
        ref = external.ca_secret_ref
        key = ref.key or "ca.crt"
        found = await secrets.read(ref, (key,), field=f"{field}.caSecretRef")
        values["ca.crt"] = found[key]
    await secrets.keep("kafka", values)
