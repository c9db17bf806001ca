"""Asks the relay as a caller does: a STUN binding, then an allocation that is given back."""

import asyncio
import base64
import hashlib
import hmac
import time

from aioice import stun
from aioice.turn import TurnClientUdpProtocol

from supmessenger_common.bindings import TurnBinding
from supmessenger_worker.checks.model import Answer, CheckFailedError

# The allocation ends by itself when giving it back fails.
LIFETIME_SECONDS = 60
CREDENTIAL_SECONDS = 60
_CHANNEL_SECONDS = 500
_CURES = {
    401: "it refuses our credentials: its static-auth-secret and the key shared-secret of the"
    " Secret differ (for external relays, spec.turn.external.sharedSecretRef)",
    403: "it forbids allocations",
    486: "too many allocations of the checker are open; they end within a minute",
    508: "all relay ports are taken: widen spec.turn.relayPorts",
}


async def probe_turn(address: str, binding: TurnBinding | None) -> Answer:
    """Ask `host:port` over UDP; without a binding only whether it answers at all."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    username, password = build_credentials(binding, "sup-check", now=time.time())
    transport, client = await loop.create_datagram_endpoint(
        lambda: TurnClientUdpProtocol(
            (host, int(port)),
            username=username,
            password=password,
            lifetime=LIFETIME_SECONDS,
            channel_refresh_time=_CHANNEL_SECONDS,
        ),
        remote_addr=(host, int(port)),
    )
    try:
        await _bind(client)
        if binding is None:
            return Answer()
        relayed = await _allocate(client)
    finally:
        transport.close()
    return Answer(message=f"relays from {relayed}")


def build_credentials(
    binding: TurnBinding | None, who: str, *, now: float
) -> tuple[str | None, str | None]:
    """Return name and password that end by themselves, as Coturn's use-auth-secret checks them."""
    if binding is None:
        return None, None
    username = f"{int(now) + CREDENTIAL_SECONDS}:{who}"
    digest = hmac.new(binding.shared_secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


async def _bind(client: TurnClientUdpProtocol) -> None:
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    response, _ = await client.request(request)
    if "XOR-MAPPED-ADDRESS" not in response.attributes:
        raise CheckFailedError("its answer to a STUN binding tells no address")


async def _allocate(client: TurnClientUdpProtocol) -> str:
    try:
        host, _ = await client.connect()
    except stun.TransactionFailed as error:
        code = error.response.error_code or 0
        raise CheckFailedError(_CURES.get(code, f"it answers an allocation with {code}")) from error
    await client.delete()
    return host
