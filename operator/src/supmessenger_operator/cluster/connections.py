"""Connection Secrets: whatever the mode, services find the same keys."""

from collections.abc import Mapping
from functools import partial

from supmessenger_operator.cluster import generated
from supmessenger_operator.cluster.call_connections import ensure_call_connections
from supmessenger_operator.cluster.event_connections import ensure_event_connection
from supmessenger_operator.cluster.monitoring_connections import ensure_monitoring_connections
from supmessenger_operator.cluster.push_connections import ensure_push_connections
from supmessenger_operator.cluster.redis_users import ensure_redis_users
from supmessenger_operator.cluster.secrets import InstanceSecrets
from supmessenger_operator.model.backing import (
    ObjectStorageExternal,
    PostgresExternal,
    RabbitmqExternal,
    RedisAddress,
)
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.scalars import SecretRef

Values = Mapping[str, str]

_REDIS_KEYS = ("type", "host", "port", "password")
_S3_KEYS = ("type", "endpoint", "region", "access-key-id", "secret-access-key")


async def ensure_connections(secrets: InstanceSecrets, messenger: Messenger) -> None:
    """Make or follow every connection Secret of the instance."""
    await _ensure_postgres(secrets, messenger)
    await _ensure_redis(secrets, messenger)
    await ensure_redis_users(secrets, messenger)
    await _ensure_rabbitmq(secrets, messenger)
    await _ensure_object_storage(secrets, messenger)
    await _ensure_credentials(secrets, messenger)
    await _keep_smtp(secrets, messenger)
    await ensure_call_connections(secrets, messenger)
    await ensure_push_connections(secrets, messenger)
    await ensure_event_connection(secrets, messenger)
    await ensure_monitoring_connections(secrets, messenger)


async def _ensure_postgres(secrets: InstanceSecrets, messenger: Messenger) -> None:
    external = messenger.spec.postgres.external
    if external is not None:
        await _keep_external_postgres(secrets, external)
        return
    connections = {
        "postgres": "sup_user",
        "postgres-owner": "sup_owner",
        "postgres-monitor": generated.POSTGRES_MONITOR,
    }
    known = await _recall_passwords(secrets, server="postgres-roles", connections=connections)
    roles = await secrets.ensure(
        "postgres-roles",
        generated.POSTGRES_ROLES,
        lambda: {**generated.make_postgres_roles(), **known},
    )
    if not roles.get(generated.POSTGRES_MONITOR):
        # Made by a release that had no such role yet.
        roles = {**roles, generated.POSTGRES_MONITOR: generated.make_password()}
        await secrets.keep("postgres-roles", roles)
    for component, role in connections.items():
        values = generated.build_postgres(messenger, username=role, password=roles[role])
        await secrets.keep(component, values)


async def _recall_passwords(
    secrets: InstanceSecrets, *, server: str, connections: Mapping[str, str]
) -> Values:
    """Return what connections use, by the server's key, when the server's own Secret is gone.

    Clients and server then go on agreeing, whichever of the Secrets a person has deleted.
    """
    if await secrets.recall(server):
        return {}
    recalled = {
        key: (await secrets.recall(component)).get("password", "")
        for component, key in connections.items()
    }
    return {key: password for key, password in recalled.items() if password}


async def _keep_external_postgres(secrets: InstanceSecrets, external: PostgresExternal) -> None:
    field = "spec.postgres.external.credentialsSecretRef"
    given = await secrets.read(
        external.credentials_secret_ref, ("username", "password"), field=field
    )
    base = {
        "type": "postgresql",
        "provider": "external",
        "host": external.host,
        "port": str(external.port),
        "database": external.database,
        "sslmode": external.ssl_mode,
        **await _read_ca(secrets, external.ca_secret_ref, "spec.postgres.external.caSecretRef"),
    }
    user = {"username": given["username"], "password": given["password"]}
    owner = {
        "username": given.get("owner-username", given["username"]),
        "password": given.get("owner-password", given["password"]),
    }
    monitor = {
        "username": given.get("monitor-username", given["username"]),
        "password": given.get("monitor-password", given["password"]),
    }
    await secrets.keep("postgres", base | user)
    await secrets.keep("postgres-owner", base | owner)
    await secrets.keep("postgres-monitor", base | monitor)


async def _ensure_redis(secrets: InstanceSecrets, messenger: Messenger) -> None:
    external = messenger.spec.redis.external
    for part in ("cache", "state"):
        component = f"redis-{part}"
        if external is None:
            make = partial(generated.make_redis, messenger, component)
            await secrets.ensure(component, _REDIS_KEYS, make)
        else:
            address: RedisAddress = getattr(external, part)
            await _keep_external_redis(secrets, component, address)


async def _keep_external_redis(
    secrets: InstanceSecrets, component: str, address: RedisAddress
) -> None:
    field = f"spec.redis.external.{component.removeprefix('redis-')}"
    values = {
        "type": "redis",
        "host": address.host,
        "port": str(address.port),
        "password": "",
    }
    if address.credentials_secret_ref is not None:
        given = await secrets.read(
            address.credentials_secret_ref, ("password",), field=f"{field}.credentialsSecretRef"
        )
        values["password"] = given["password"]
    await secrets.keep(component, values)


async def _ensure_rabbitmq(secrets: InstanceSecrets, messenger: Messenger) -> None:
    external = messenger.spec.rabbitmq.external
    if external is not None:
        await _keep_external_rabbitmq(secrets, external)
        return
    known = await _recall_passwords(
        secrets, server="rabbitmq-admin", connections={"rabbitmq": "sup"}
    )
    admin = await secrets.ensure(
        "rabbitmq-admin",
        ("username", "password", "erlang-cookie", "sup", "sup_b"),
        lambda: {**generated.make_rabbitmq_admin(), **known},
    )
    await secrets.keep("rabbitmq", generated.build_rabbitmq(messenger, password=admin["sup"]))


async def _keep_external_rabbitmq(secrets: InstanceSecrets, external: RabbitmqExternal) -> None:
    field = "spec.rabbitmq.external"
    given = await secrets.read(
        external.credentials_secret_ref,
        ("username", "password"),
        field=f"{field}.credentialsSecretRef",
    )
    await secrets.keep(
        "rabbitmq",
        {
            "type": "rabbitmq",
            "provider": "external",
            "host": external.host,
            "port": str(external.port),
            "username": given["username"],
            "password": given["password"],
            "vhost": external.vhost,
        },
    )


async def _ensure_object_storage(secrets: InstanceSecrets, messenger: Messenger) -> None:
    external = messenger.spec.object_storage.external
    if external is not None:
        await _keep_external_object_storage(secrets, messenger, external)
        return
    await secrets.ensure(
        "object-storage-root", _S3_KEYS, lambda: generated.make_object_storage_root(messenger)
    )
    for service in ("media", "worker", "backup"):
        await secrets.ensure(
            f"object-storage-{service}",
            (*_S3_KEYS, "bucket-prefix"),
            lambda: generated.make_object_storage_user(messenger),
        )


async def _keep_external_object_storage(
    secrets: InstanceSecrets, messenger: Messenger, external: ObjectStorageExternal
) -> None:
    field = "spec.objectStorage.external"
    given = await secrets.read(
        external.credentials_secret_ref,
        ("access-key-id", "secret-access-key"),
        field=f"{field}.credentialsSecretRef",
    )
    values = {
        "type": "s3",
        "provider": "external",
        "endpoint": external.endpoint,
        "region": external.region,
        "access-key-id": given["access-key-id"],
        "secret-access-key": given["secret-access-key"],
        "bucket-prefix": messenger.bucket_prefix,
        **await _read_ca(secrets, external.ca_secret_ref, f"{field}.caSecretRef"),
    }
    for service in ("root", "media", "worker", "backup"):
        await secrets.keep(f"object-storage-{service}", values)


async def _ensure_credentials(secrets: InstanceSecrets, messenger: Messenger) -> None:
    chosen = messenger.spec.credentials
    refs = (
        ("jwt-secret", "jwtSecretRef", chosen.jwt_secret_ref),
        ("session-secret", "sessionSecretRef", chosen.session_secret_ref),
        ("encryption-key", "encryptionSecretRef", chosen.encryption_secret_ref),
    )
    brought: dict[str, str] = {}
    for key, field, ref in refs:
        if ref is not None:
            source = ref.key or key
            path = f"spec.credentials.{field}"
            brought[key] = (await secrets.read(ref, (source,), field=path))[source]
    made = await secrets.ensure(
        "credentials",
        tuple(key for key, _, _ in refs),
        lambda: {
            "jwt-secret": generated.make_jwt_secret(),
            "session-secret": generated.make_session_secret(),
            "encryption-key": generated.make_encryption_key(),
            **brought,
        },
    )
    if any(made[key] != value for key, value in brought.items()):
        await secrets.keep("credentials", {**made, **brought})


async def _keep_smtp(secrets: InstanceSecrets, messenger: Messenger) -> None:
    smtp = messenger.spec.smtp
    if smtp is None:
        return
    values = {
        "type": "smtp",
        "host": smtp.host,
        "port": str(smtp.port),
        "security": smtp.security,
        "from": smtp.from_,
    }
    if smtp.credentials_secret_ref is not None:
        given = await secrets.read(
            smtp.credentials_secret_ref,
            ("username", "password"),
            field="spec.smtp.credentialsSecretRef",
        )
        values |= {"username": given["username"], "password": given["password"]}
    await secrets.keep("smtp", values)


async def _read_ca(secrets: InstanceSecrets, ref: SecretRef | None, field: str) -> dict[str, str]:
    if ref is None:
        return {}
    key = ref.key or "ca.crt"
    return {"ca.crt": (await secrets.read(ref, (key,), field=field))[key]}
