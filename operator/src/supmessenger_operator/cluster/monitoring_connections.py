"""Secrets of monitoring: logins of the exporters, of a store elsewhere, of Grafana.

Monitoring is no part of the core: a Secret that is missing or incomplete degrades it alone, and
what was in force before goes on.
"""

from supmessenger_operator.cluster.generated import make_password
from supmessenger_operator.cluster.redis_users import keep_redis_passwords
from supmessenger_operator.cluster.secrets import InstanceSecrets
from supmessenger_operator.model.features import RemoteWrite
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.outcome import Stalled

_GRAFANA_ADMIN = "spec.monitoring.grafana.adminSecretRef"
_OIDC_CLIENT = "spec.monitoring.grafana.oidc.clientSecretRef"


async def ensure_monitoring_connections(secrets: InstanceSecrets, messenger: Messenger) -> None:
    """Make or follow the Secrets of monitoring; those of the data must have been made."""
    spec, monitoring = messenger.spec, messenger.spec.monitoring
    if spec.has_prometheus:
        await keep_redis_passwords(secrets, messenger)
        external = monitoring.prometheus.external if monitoring is not None else None
        if external is not None:
            try:
                await _keep_remote_write(secrets, external)
            except Stalled as stalled:
                secrets.problems["prometheus"] = stalled.message
                await secrets.hold("remote-write", ("username", "password"))
    if spec.has_grafana:
        try:
            await _ensure_grafana(secrets, messenger)
        except Stalled as stalled:
            secrets.problems["grafana"] = stalled.message
            await secrets.hold("grafana", ("username", "password"))


async def _keep_remote_write(secrets: InstanceSecrets, external: RemoteWrite) -> None:
    if external.credentials_secret_ref is None:
        return
    given = await secrets.read(
        external.credentials_secret_ref,
        ("username", "password"),
        field="spec.monitoring.prometheus.external.credentialsSecretRef",
    )
    values = {key: given[key] for key in ("username", "password")}
    await secrets.keep("remote-write", values)


async def _ensure_grafana(secrets: InstanceSecrets, messenger: Messenger) -> None:
    made = await secrets.ensure(
        "grafana",
        ("username", "password"),
        lambda: {
            "username": "admin",
            "password": make_password(),
            # Grafana's own default is known to everybody.
            "secret-key": make_password(),
        },
    )
    wanted = {**made, "secret-key": made.get("secret-key") or make_password()}
    grafana = messenger.spec.monitoring.grafana if messenger.spec.monitoring is not None else None
    if grafana is not None and grafana.admin_secret_ref is not None:
        keys = ("username", "password")
        given = await secrets.read(grafana.admin_secret_ref, keys, field=_GRAFANA_ADMIN)
        wanted |= {key: given[key] for key in keys}
    if grafana is not None and grafana.oidc is not None:
        keys = ("client-id", "client-secret")
        given = await secrets.read(grafana.oidc.client_secret_ref, keys, field=_OIDC_CLIENT)
        wanted |= {key: given[key] for key in keys}
    if wanted != made:
        await secrets.keep("grafana", wanted)
