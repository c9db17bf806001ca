"""Facts before building: Secrets made or read, certificates, images, the edge's address."""

from collections.abc import Mapping
from datetime import datetime

from supmessenger_operator.cluster.acme_orders import CertificateOrders
from supmessenger_operator.cluster.client import ClusterClient
from supmessenger_operator.cluster.connections import ensure_connections
from supmessenger_operator.cluster.reach import Reach
from supmessenger_operator.cluster.secrets import InstanceSecrets
from supmessenger_operator.cluster.tls import Surroundings, ensure_certificate
from supmessenger_operator.model.defaults import OperatorDefaults
from supmessenger_operator.model.images import compute_images
from supmessenger_operator.model.inputs import Inputs, PublicAddress
from supmessenger_operator.model.messenger import Messenger


async def gather_inputs(
    client: ClusterClient,
    messenger: Messenger,
    *,
    defaults: OperatorDefaults,
    reach: Reach,
    orders: CertificateOrders,
    edge_address: str,
    is_edge_up: bool,
    call_addresses: Mapping[str, PublicAddress],
    now: datetime,
) -> Inputs:
    """Return the facts of this pass; what is missing and can be made is made."""
    await reach.check_hosts(messenger.spec)
    secrets = InstanceSecrets(client, messenger)
    await secrets.load()
    await ensure_connections(secrets, messenger)
    around = Surroundings(
        edge_address=edge_address,
        is_edge_up=is_edge_up,
        turn_host=call_addresses["turn"].host,
        cluster_domain=defaults.cluster_domain,
        now=now,
    )
    certificate = await ensure_certificate(secrets, messenger, orders, around)
    return Inputs(
        version=messenger.spec.version or defaults.version,
        images=compute_images(
            defaults.images, messenger.spec.images, version=messenger.spec.version
        ),
        secrets=secrets.facts,
        made_secrets=tuple(secrets.made),
        ca_certificate=certificate.authority,
        certificate=certificate.fact,
        acme_thumbprint=certificate.thumbprint,
        edge_address=edge_address,
        livekit_address=call_addresses["livekit"],
        turn_address=call_addresses["turn"],
        problems=secrets.problems,
        domain_addresses=await reach.resolve(messenger.spec.domain),
        bucket_prefix=messenger.bucket_prefix,
        cluster_domain=defaults.cluster_domain,
        operator_namespace=defaults.operator_namespace,
        release=defaults.release,
        agents_namespace=defaults.agents_namespace,
    )
