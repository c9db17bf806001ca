"""Connection Secrets of calls: LiveKit's keys and the relay's shared secret.

Calls are no part of the core: a Secret that is missing or incomplete degrades them alone, and what
was in force before goes on.
"""

import secrets as randomness
from collections.abc import Mapping

from supmessenger_operator.cluster.generated import make_password
from supmessenger_operator.cluster.secrets import InstanceSecrets
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.realtime import LivekitExternal, TurnExternal

Values = Mapping[str, str]

LIVEKIT_KEYS = ("api-key", "api-secret")
TURN_KEY = "shared-secret"
_OWN = "sup-operator"
_EXTERNAL = "external"


async def ensure_call_connections(secrets: InstanceSecrets, messenger: Messenger) -> None:
    """Make or follow the Secrets of calls; what is wrong with them becomes a problem of theirs."""
    spec = messenger.spec
    if spec.has_livekit:
        external = spec.livekit.external if spec.livekit is not None else None
        try:
            if external is None:
                await _ensure_livekit(secrets, messenger)
            else:
                await _keep_external_livekit(secrets, external)
        except Stalled as stalled:
            secrets.problems["livekit"] = stalled.message
            await secrets.hold("livekit", ("url", "public-url", *LIVEKIT_KEYS))
    if spec.has_turn:
        relay = spec.turn.external if spec.turn is not None else None
        try:
            if relay is None:
                await _ensure_turn(secrets)
            else:
                await _keep_external_turn(secrets, relay)
        except Stalled as stalled:
            secrets.problems["turn"] = stalled.message
            await secrets.hold("turn", (TURN_KEY,))


def build_livekit(messenger: Messenger, *, key: str, secret: str) -> Values:
    """Connection to the embedded LiveKit: `url` for services, `public-url` for clients."""
    scheme = "ws" if messenger.spec.tls.mode == "disabled" else "wss"
    return {
        "type": "livekit",
        "provider": _OWN,
        "url": f"ws://{messenger.object_name('livekit')}:7880",
        "public-url": f"{scheme}://{messenger.spec.domain}/livekit",
        "api-key": key,
        "api-secret": secret,
    }


async def _ensure_livekit(secrets: InstanceSecrets, messenger: Messenger) -> None:
    def make() -> Values:
        key = f"API{randomness.token_hex(6)}"
        return build_livekit(messenger, key=key, secret=make_password())

    known = await secrets.recall("livekit")
    if known.get("provider", _OWN) != _OWN:
        # It held the keys of a server that is run elsewhere.
        await secrets.keep("livekit", make())
        return
    values = await secrets.ensure("livekit", LIVEKIT_KEYS, make)
    wanted = build_livekit(messenger, key=values["api-key"], secret=values["api-secret"])
    await secrets.keep("livekit", wanted)


async def _keep_external_livekit(secrets: InstanceSecrets, external: LivekitExternal) -> None:
    field = "spec.livekit.external.credentialsSecretRef"
    given = await secrets.read(external.credentials_secret_ref, LIVEKIT_KEYS, field=field)
    await secrets.keep(
        "livekit",
        {
            "type": "livekit",
            "provider": _EXTERNAL,
            "url": external.url,
            "public-url": external.url,
            "api-key": given["api-key"],
            "api-secret": given["api-secret"],
        },
    )


async def _ensure_turn(secrets: InstanceSecrets) -> None:
    def make() -> Values:
        return {"type": "turn", "provider": _OWN, TURN_KEY: make_password()}

    known = await secrets.recall("turn")
    if known.get("provider", _OWN) != _OWN:
        await secrets.keep("turn", make())
        return
    await secrets.ensure("turn", (TURN_KEY,), make)


async def _keep_external_turn(secrets: InstanceSecrets, external: TurnExternal) -> None:
    ref = external.shared_secret_ref
    key = ref.key or TURN_KEY
    given = await secrets.read(ref, (key,), field="spec.turn.external.sharedSecretRef")
    await secrets.keep("turn", {"type": "turn", "provider": _EXTERNAL, TURN_KEY: given[key]})
