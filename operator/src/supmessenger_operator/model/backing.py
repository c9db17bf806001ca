"""Backing services in the resource: each is exactly one of embedded, delegated or external."""

from typing import Literal

from pydantic import ConfigDict, Field

from supmessenger_operator.model.base import Model, build_rule
from supmessenger_operator.model.scalars import Quantity, SecretRef
from supmessenger_operator.model.unions import build_union_rules
from supmessenger_operator.model.workload import DataWorkload, Storage


class PostgresEmbedded(DataWorkload):
    """One PostgreSQL primary on a volume."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "self.version == oldSelf.version",
                    "the PostgreSQL major of a live instance can't change: make a new"
                    " SupMessenger with the version you want and restore a backup into it",
                )
            ]
        }
    )
    version: Literal["16"] = Field(
        default="16", description="PostgreSQL major, fixed once made; default: 16."
    )
    parameters: dict[str, str] = Field(
        default={},
        max_length=100,
        description="Settings of postgresql.conf, over our defaults (max_connections 200,"
        " shared_buffers 256MB, effective_cache_size 1GB).",
    )


class CloudNativePG(Model):
    """A Cluster of CloudNativePG."""

    instances: int = Field(default=3, ge=1, le=9, description="Number of instances; default: 3.")
    storage: Storage = Field(default=Storage(), description="Volume of each instance.")


class PostgresExternal(Model):
    """A PostgreSQL that is run elsewhere."""

    host: str = Field(description="Host name or address.", min_length=1, max_length=253)
    port: int = Field(default=5432, ge=1, le=65535, description="TCP port; default: 5432.")
    database: str = Field(
        default="sup", min_length=1, max_length=63, description="Database; default: sup."
    )
    ssl_mode: Literal["disable", "require", "verify-ca", "verify-full"] = Field(
        default="verify-full", description="How TLS is checked; default: verify-full."
    )
    ca_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the authority, key ca.crt; default: the system's."
    )
    credentials_secret_ref: SecretRef = Field(
        description="Secret with username and password, and owner-username and owner-password"
        " where migrations and backups shall use another role."
    )


class Postgres(Model):
    """The database."""

    model_config = build_union_rules("postgres", "embedded", "cloudNativePG", "external")
    embedded: PostgresEmbedded | None = Field(
        default=None, description="One primary of our own on a volume; this is the default."
    )
    cloud_native_pg: CloudNativePG | None = Field(
        default=None, alias="cloudNativePG", description="A Cluster of CloudNativePG; default: off."
    )
    external: PostgresExternal | None = Field(
        default=None, description="A PostgreSQL that is run elsewhere; default: off."
    )


class RedisEmbedded(DataWorkload):
    """A cache and a state store of our own."""

    max_memory: Quantity | None = Field(
        default=None, description="Bytes the cache may hold; default: what size gives."
    )
    max_memory_policy: Literal[
        "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu"
    ] = Field(default="allkeys-lru", description="What the cache evicts; default: allkeys-lru.")


class RedisAddress(Model):
    """One Redis database."""

    host: str = Field(description="Host name or address.", min_length=1, max_length=253)
    port: int = Field(default=6379, ge=1, le=65535, description="TCP port; default: 6379.")
    database: int = Field(default=0, ge=0, le=255, description="Database number; default: 0.")
    tls: bool = Field(default=False, description="Speak TLS; default: false.")
    credentials_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the key password; default: no password."
    )
    ca_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the authority, key ca.crt; default: the system's."
    )


class RedisExternal(Model):
    """Redis that is run elsewhere."""

    cache: RedisAddress = Field(description="For what can be rebuilt; evicts.")
    state: RedisAddress = Field(description="For rate limits and lockouts; never evicts.")


class Redis(Model):
    """The cache and the state store."""

    model_config = build_union_rules("redis", "embedded", "external")
    embedded: RedisEmbedded | None = Field(
        default=None, description="Two instances of our own; this is the default."
    )
    external: RedisExternal | None = Field(
        default=None, description="Redis that is run elsewhere; default: off."
    )


class RabbitmqEmbedded(DataWorkload):
    """One RabbitMQ node on a volume."""


class ClusterOperator(Model):
    """A RabbitmqCluster of the RabbitMQ Cluster Operator."""

    replicas: int = Field(default=3, ge=1, le=9, description="Number of nodes; default: 3.")
    storage: Storage = Field(default=Storage(), description="Volume of each node.")


class RabbitmqExternal(Model):
    """A RabbitMQ that is run elsewhere."""

    host: str = Field(description="Host name or address.", min_length=1, max_length=253)
    port: int = Field(default=5672, ge=1, le=65535, description="TCP port; default: 5672.")
    vhost: str = Field(default="/", max_length=255, description="Virtual host; default: /.")
    tls: bool = Field(default=False, description="Speak TLS; default: false.")
    credentials_secret_ref: SecretRef = Field(description="Secret with username and password.")
    ca_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the authority, key ca.crt; default: the system's."
    )


class Rabbitmq(Model):
    """The job queue."""

    model_config = build_union_rules("rabbitmq", "embedded", "clusterOperator", "external")
    embedded: RabbitmqEmbedded | None = Field(
        default=None, description="One node of our own; this is the default."
    )
    cluster_operator: ClusterOperator | None = Field(
        default=None, description="A RabbitmqCluster of the Cluster Operator; default: off."
    )
    external: RabbitmqExternal | None = Field(
        default=None, description="A RabbitMQ that is run elsewhere; default: off."
    )


class ObjectStorageEmbedded(DataWorkload):
    """An object store of our own on a volume."""

    engine: Literal["minio", "versity"] = Field(
        default="minio", description="Program that serves S3; default: minio."
    )


class ObjectStorageExternal(Model):
    """An S3 endpoint that is run elsewhere."""

    endpoint: str = Field(
        description="URL of the endpoint.", pattern=r"^https?://[^/]+/?$", max_length=2048
    )
    region: str = Field(
        default="us-east-1", max_length=64, description="Region; default: us-east-1."
    )
    bucket_prefix: str = Field(
        default="",
        max_length=40,
        pattern=r"^[a-z0-9.-]*$",
        description="Put before media and exports; default: the resource's name and a dash.",
    )
    credentials_secret_ref: SecretRef = Field(
        description="Secret with access-key-id and secret-access-key."
    )
    ca_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the authority, key ca.crt; default: the system's."
    )


class ObjectStorage(Model):
    """The store of files."""

    model_config = build_union_rules("objectStorage", "embedded", "external")
    embedded: ObjectStorageEmbedded | None = Field(
        default=None, description="An object store of our own; this is the default."
    )
    external: ObjectStorageExternal | None = Field(
        default=None, description="An S3 endpoint that is run elsewhere; default: off."
    )
