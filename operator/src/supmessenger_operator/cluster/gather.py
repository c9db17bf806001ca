"""Facts before building: Secrets made or read, certificates, images, the edge's address."""

from datetime import datetime

from supmessenger_operator.cluster.client import ClusterClient
from supmessenger_operator.cluster.connections import ensure_connections
from supmessenger_operator.cluster.reach import Reach
from supmessenger_operator.cluster.secrets import InstanceSecrets
from supmessenger_operator.cluster.tls import ensure_certificate
from supmessenger_operator.model.defaults import OperatorDefaults
from supmessenger_operator.model.images import compute_images
from supmessenger_operator.model.inputs import Inputs
from supmessenger_operator.model.messenger import Messenger


async def gather_inputs(
    client: ClusterClient,
    messenger: Messenger,
    *,
    defaults: OperatorDefaults,
    reach: Reach,
    edge_address: str,
    now: datetime,
) -> Inputs:
    """Return the facts of this pass; what is missing and can be made is made."""
    await reach.check_hosts(messenger.spec)
    secrets = InstanceSecrets(client, messenger)
    await secrets.load()
    await ensure_connections(secrets, messenger)
    authority = await ensure_certificate(
        secrets,
        messenger,
        edge_address=edge_address,
        cluster_domain=defaults.cluster_domain,
        now=now,
    )
    return Inputs(
        version=messenger.spec.version or defaults.version,
        images=compute_images(
            defaults.images, messenger.spec.images, version=messenger.spec.version
        ),
        secrets=secrets.facts,
        made_secrets=tuple(secrets.made),
        ca_certificate=authority,
        edge_address=edge_address,
        domain_addresses=await reach.resolve(messenger.spec.domain),
        bucket_prefix=messenger.bucket_prefix,
        cluster_domain=defaults.cluster_domain,
        operator_namespace=defaults.operator_namespace,
    )
