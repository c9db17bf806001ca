"""Connection Secrets of push: the key pair browsers know us by, and Firebase's service account.

Push is no part of the core: a service account that is missing degrades it alone, and what was in
force before goes on.
"""

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from supmessenger_operator.cluster.secrets import InstanceSecrets
from supmessenger_operator.model.features import Fcm
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.outcome import Stalled

Values = Mapping[str, str]

SERVICE_ACCOUNT = "service-account.json"
_PAIR = ("private-key", "public-key")


async def ensure_push_connections(secrets: InstanceSecrets, messenger: Messenger) -> None:
    """Make or follow the Secrets of push; what is wrong with them becomes a problem of theirs."""
    spec = messenger.spec
    if spec.has_web_push:
        pair = await secrets.ensure("web-push", _PAIR, make_web_push)
        values = {**pair, "type": "web-push", "subject": compute_subject(messenger)}
        # Push services write to the subject when something is wrong: it follows the resource.
        await secrets.keep("web-push", values)
        public = {"type": "web-push", "public-key": pair["public-key"]}
        await secrets.keep("web-push-public", public)
    fcm = spec.push.fcm if spec.push is not None else None
    if fcm is not None:
        try:
            await _keep_fcm(secrets, fcm)
        except Stalled as stalled:
            secrets.problems["push"] = stalled.message
            await secrets.hold("fcm", (SERVICE_ACCOUNT, "endpoint"))


def make_web_push() -> Values:
    """A fresh P-256 key pair (VAPID, RFC 8292); browsers take the public one as a bare point."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "private-key": pem.decode(),
        "public-key": base64.urlsafe_b64encode(point).rstrip(b"=").decode(),
    }


def compute_subject(messenger: Messenger) -> str:
    """Return whom push services may write to."""
    spec = messenger.spec
    return f"mailto:{spec.admin_email}" if spec.admin_email else f"https://{spec.domain}"


async def _keep_fcm(secrets: InstanceSecrets, fcm: Fcm) -> None:
    ref = fcm.service_account_secret_ref
    key = ref.key or SERVICE_ACCOUNT
    given = await secrets.read(ref, (key,), field="spec.push.fcm.serviceAccountSecretRef")
    values = {"type": "fcm", SERVICE_ACCOUNT: given[key], "endpoint": fcm.endpoint.rstrip("/")}
    await secrets.keep("fcm", values)
