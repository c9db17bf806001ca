"""An ACME server's part in a world of one instance: certificates by the world's clock."""

from __future__ import annotations

from support.world import World

from supmessenger_operator.cluster.acme import AcmeFailure, AcmeOrder, Issued
from supmessenger_operator.cluster.acme_orders import CertificateOrders
from supmessenger_operator.cluster.certificates import make_authority, make_certificate
from supmessenger_operator.cluster.secrets import decode

SERVER = "https://acme.example/dir"
ACME = {"acme": {"server": SERVER}}


class Authority:
    """Gives certificates, or fails in the words that it is told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.signer = make_authority("acme", now=world.clock.now)
        self.failure = ""
        self.orders: list[AcmeOrder] = []

    def obtain(self, order: AcmeOrder) -> Issued:
        """Keep the order, and give what was ordered."""
        self.orders.append(order)
        if self.failure:
            raise AcmeFailure(self.failure)
        made = make_certificate(self.signer, (order.domain,), now=self.world.clock.now)
        return Issued(chain=made.certificate.decode(), key=made.key.decode())


def make_authority_of(world: World) -> Authority:
    """Return the server of which the world's operator, started anew, orders."""
    made = Authority(world)
    world.orders = CertificateOrders(world.woken.append, obtain=made.obtain)
    world.start_operator()
    return made


def served(world: World) -> dict[str, str]:
    """Return what the edge serves."""
    return decode(world.cluster.objects[("Secret", "chat", "demo-tls")])


async def receive_first(world: World) -> str:
    """Ask for a certificate of the ACME server and return the one that is served then."""
    world.change(tls=ACME)
    await world.settle()
    await wait_for_order(world)
    return served(world)["tls.crt"]


async def wait_for_order(world: World) -> None:
    """Wait until what was ordered has come or failed, and the instance knows."""
    await world.orders.drain()
    await world.settle()
