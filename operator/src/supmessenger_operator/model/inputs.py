"""Facts gathered before building, so that building needs no clock, randomness or I/O."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from supmessenger_operator.model.messenger import GROUP


class SecretFact(BaseModel):
    """What a builder may know of a Secret: its name, its keys and a hash of its content."""

    model_config = ConfigDict(frozen=True)

    name: str
    keys: tuple[str, ...]
    hash: str


class CertificateFact(BaseModel):
    """What a builder and a judge may know of the edge's certificate.

    `problem` is a sentence; `is_usable` says whether clients can trust what is served meanwhile.
    """

    model_config = ConfigDict(frozen=True)

    problem: str = ""
    is_usable: bool = True
    is_pending: bool = False
    expires: datetime | None = None
    look_again: datetime | None = None


# On a workload: the address it was configured with, should its Service lose it.
ADDRESS_ANNOTATION = f"{GROUP}/public-address"


class PublicAddress(BaseModel):
    """Where clients reach a part with ports of its own.

    `host` is what clients are told, `ip` the IPv4 address behind it; both are empty until there
    is one, and those in force before stay while there is a `problem`: a sentence with the cure.
    """

    model_config = ConfigDict(frozen=True)

    host: str = ""
    ip: str = ""
    problem: str = ""

    def build_annotation(self) -> dict[str, str]:
        """Return the annotation by which the address is remembered."""
        return {ADDRESS_ANNOTATION: f"{self.host} {self.ip}"}


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
    certificate: CertificateFact = CertificateFact()
    acme_thumbprint: str = ""
    edge_address: str = ""
    domain_addresses: tuple[str, ...] = ()
    livekit_address: PublicAddress = PublicAddress()
    turn_address: PublicAddress = PublicAddress()
    # By optional part, why it can't be configured; such a part degrades, the core does not.
    problems: Mapping[str, str] = {}
    # When the newest good backup was made, or its schedule where there is none yet.
    newest_backup: datetime | None = None
    bucket_prefix: str
    cluster_domain: str = "cluster.local"
    operator_namespace: str = "sup-system"
    # Name of the operator's own objects, by which its node agents are found.
    release: str = "sup-operator"
    # Where the node's agents of the operator's chart run: the shipper of logs comes from there.
    agents_namespace: str = "sup-agents"

    def has_image(self, name: str) -> bool:
        """Whether a part's image is to be had; an empty reference says that it is not."""
        return bool(self.images.get(name))
