"""Facts gathered before building, so that building needs no clock, randomness or I/O."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class SecretFact(BaseModel):
    """What a builder may know of a Secret: its name, its keys and a hash of its content."""

    model_config = ConfigDict(frozen=True)

    name: str
    keys: tuple[str, ...]
    hash: str


class Inputs(BaseModel):
    """The facts of one pass.

    `images` has the final references by name: api, websocket, media, worker, postgres, redis,
    rabbitmq, minio, versity, nginx; overrides and re-homing are already in.

    `secrets` is keyed by the contract's name without the instance's: postgres, postgres-owner,
    postgres-roles, redis-cache, redis-state, rabbitmq, rabbitmq-admin, object-storage-root,
    object-storage-media, object-storage-worker, object-storage-backup, credentials, smtp, tls.
    A key is absent where the instance has no such Secret (no SMTP, external PostgreSQL has no
    roles). Connection Secrets exist in every mode. A pod template carries the hashes of the
    Secrets it mounts, so that a rotation rolls exactly the pods that use them. `made_secrets`
    names those that this pass had to make.
    """

    model_config = ConfigDict(frozen=True)

    version: str
    images: Mapping[str, str]
    secrets: Mapping[str, SecretFact]
    made_secrets: tuple[str, ...] = ()
    ca_certificate: str = ""
    edge_address: str = ""
    domain_addresses: tuple[str, ...] = ()
    bucket_prefix: str
    cluster_domain: str = "cluster.local"
    operator_namespace: str = "sup-system"

    def has_image(self, name: str) -> bool:
        """Whether a part's image is to be had; an empty reference says that it is not."""
        return bool(self.images.get(name))
