"""The user by which Redis is watched: its passwords at the servers, and what the exporter reads.

The servers' Secret is there with and without monitoring, so that switching it restarts no data.
"""

import json
from collections.abc import Mapping

from supmessenger_operator.cluster.generated import make_password
from supmessenger_operator.cluster.secrets import InstanceSecrets
from supmessenger_operator.model.messenger import Messenger

MONITOR = "sup_monitor"
_COMPONENTS = ("redis-cache", "redis-state")
_USERS = "redis-users"
_FILE = "passwords.json"


async def ensure_redis_users(secrets: InstanceSecrets, messenger: Messenger) -> None:
    """Make the password of the watching user at each Redis of our own, once."""
    if messenger.spec.redis.external is not None:
        return
    known = await _recall(secrets)
    made = await secrets.ensure(
        _USERS, (), lambda: {one: known.get(one) or make_password() for one in _COMPONENTS}
    )
    missing = {one: make_password() for one in _COMPONENTS if not made.get(one)}
    if missing:
        # A person's own Secret: watching is no reason to refuse it.
        await secrets.keep(_USERS, {**made, **missing})


async def keep_redis_passwords(secrets: InstanceSecrets, messenger: Messenger) -> None:
    """Keep the one file with the password of each address that the exporter may be asked for."""
    users = await secrets.recall(_USERS)
    is_external = messenger.spec.redis.external is not None
    passwords: dict[str, str] = {}
    for component in _COMPONENTS:
        connection = await secrets.recall(component)
        address = f"{connection['host']}:{connection['port']}"
        password = connection["password"] if is_external else users[component]
        passwords[f"redis://{address}"] = password
        if not is_external:
            # Newer exporters look it up with the user in the address.
            passwords[_build_key(address)] = password
    await secrets.keep("redis-monitor", {_FILE: json.dumps(passwords, sort_keys=True)})


async def _recall(secrets: InstanceSecrets) -> Mapping[str, str]:
    """Return what the exporter uses, when the servers' own Secret is gone."""
    if await secrets.recall(_USERS):
        return {}
    try:
        passwords = json.loads((await secrets.recall("redis-monitor")).get(_FILE, "{}"))
    except ValueError:
        passwords = None
    if not isinstance(passwords, dict):
        return {}  # edited by hand: it is made anew
    recalled: dict[str, str] = {}
    for component in _COMPONENTS:
        connection = await secrets.recall(component)
        password = passwords.get(_build_key(f"{connection['host']}:{connection['port']}"))
        if isinstance(password, str):
            recalled[component] = password
    return recalled


def _build_key(address: str) -> str:
    return f"redis://{MONITOR}@{address}"
