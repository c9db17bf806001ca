"""One instance on the fake cluster: its resource, its passes, and the controllers it lacks."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from support.fake_cluster import FakeCluster

from supmessenger_operator.cluster.acme_orders import CertificateOrders
from supmessenger_operator.cluster.reach import Reach
from supmessenger_operator.events import EventRecorder
from supmessenger_operator.model.checks import Check, CheckReport
from supmessenger_operator.model.defaults import OperatorDefaults
from supmessenger_operator.model.images import IMAGE_NAMES
from supmessenger_operator.model.outcome import Next
from supmessenger_operator.probes.checker import Checkers, Key
from supmessenger_operator.reconcile import reconcile_messenger
from supmessenger_operator.run import Context

KEY = ("chat", "demo")
WORKLOADS = ("StatefulSet", "Deployment")
ADDRESSES: Mapping[str, str] = {"demo-livekit-rtc": "198.51.100.11", "demo-turn": "198.51.100.12"}
PARTS = ("postgres", "redis-cache", "redis-state", "rabbitmq", "object-storage")


class Answers(Checkers):
    """A checker whose answer the test sets."""

    def __init__(self, clock: "Clock") -> None:
        super().__init__()
        self._clock = clock
        self.failing: dict[str, str] = {}

    async def _ask(self, key: Key, *, method: str) -> CheckReport | None:
        checks = tuple(
            Check(name=name, ok=name not in self.failing, message=self.failing.get(name, ""))
            for name in PARTS
        )
        return CheckReport(checked_at=self._clock.now, checks=checks)


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def resolve_nothing(_: str) -> tuple[str, ...]:
    """No test asks the internet."""
    return ()


class World:
    """One instance on a fake cluster, and the passes over it."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.clock = Clock()
        self.checkers = Answers(self.clock)
        self.woken: list[Key] = []
        self.addresses: Mapping[str, str] = ADDRESSES
        self.orders = CertificateOrders(self.woken.append)
        self.context = self.start_operator()

    def start_operator(self) -> Context:
        """Return the context of a freshly started operator: nothing is remembered."""
        self.context = Context(
            client=self.cluster,
            defaults=OperatorDefaults(
                version="1.0", images={name: f"example.org/{name}:1" for name in IMAGE_NAMES}
            ),
            recorder=EventRecorder(self.cluster, clock=self.clock),
            checkers=self.checkers,
            orders=self.orders,
            reach=Reach(lookup=resolve_nothing),
            clock=self.clock,
        )
        return self.context

    async def declare(self, **spec: Any) -> None:
        await self.cluster.create(
            {
                "apiVersion": "supmessenger.io/v1alpha1",
                "kind": "SupMessenger",
                "metadata": {"name": "demo", "namespace": "chat"},
                "spec": {"domain": "chat.example.org", "size": "tiny", **spec},
            }
        )

    def change(self, **spec: Any) -> None:
        self.cluster.edit("SupMessenger", *KEY, spec=spec)

    async def reconcile(self) -> Next:
        self.clock.now += timedelta(seconds=5)
        return await reconcile_messenger(KEY, self.context)

    async def settle(self, *, jobs: bool = True) -> None:
        """Play the controllers until a pass changes nothing."""
        for _ in range(20):
            before = len(self.cluster.writes)
            await self.reconcile()
            self.make_ready(jobs=jobs)
            if len(self.cluster.writes) == before:
                return
        raise AssertionError("it never settles")

    def make_ready(self, *, jobs: bool = True) -> None:
        for kind in WORKLOADS:
            for live in self.cluster.find(kind):
                count = live["spec"].get("replicas", 1)
                status = dict.fromkeys(
                    ("readyReplicas", "updatedReplicas", "availableReplicas"), count
                )
                status["observedGeneration"] = live["metadata"]["generation"]
                self.cluster.edit(kind, "chat", live["metadata"]["name"], status=status)
        self.give_addresses(self.addresses)
        if jobs:
            for live in self.cluster.find("Job"):
                self.end_job(live["metadata"]["name"])

    def give_addresses(self, addresses: Mapping[str, str]) -> None:
        """Play the cluster's load balancer, by Service, now and from now on.

        Several addresses of one are parted by blanks; "" takes them away.
        """
        self.addresses = {**self.addresses, **addresses}
        for service, given in self.addresses.items():
            live = self.cluster.objects.get(("Service", "chat", service))
            if live is None or live["spec"]["type"] != "LoadBalancer":
                continue
            ingress = [
                {"ip" if ":" in one or one[:1].isdigit() else "hostname": one}
                for one in given.split()
            ]
            status = {"loadBalancer": {"ingress": ingress}}
            self.cluster.edit("Service", "chat", service, status=status)

    def end_job(self, name: str, *, error: str = "") -> None:
        kind = "Failed" if error else "Complete"
        condition = {"type": kind, "status": "True", "message": error}
        self.cluster.edit("Job", "chat", name, status={"conditions": [condition]})

    def status(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.cluster.objects[("SupMessenger", *KEY)]["status"]
        return found

    def condition(self, kind: str) -> Mapping[str, Any]:
        return next(item for item in self.status()["conditions"] if item["type"] == kind)

    def image_of(self, name: str) -> str:
        live = self.cluster.objects[("Deployment", "chat", name)]
        return str(live["spec"]["template"]["spec"]["containers"][0]["image"])
