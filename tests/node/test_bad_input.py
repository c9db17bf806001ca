"""What cannot work is refused with the field and the cure; what runs goes on untouched."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.instance import Instance, wait_until

from supmessenger_cli.target import ClusterError

pytestmark = pytest.mark.node


def make_resource(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "supmessenger.io/v1alpha1",
        "kind": "SupMessenger",
        "metadata": {"name": "wrong"},
        "spec": {"domain": "wrong.example.org", "size": "tiny", **spec},
    }


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"colour": "blue"}, "colour"),
        ({"domain": 7}, "domain"),
        ({"size": "huge"}, "size"),
        ({"domain": "not a domain"}, "domain"),
        ({"tls": {"disabled": {}, "selfSigned": {}}}, "tls"),
        ({"postgres": {"embedded": {"storage": {"size": "ten"}}}}, "size"),
        ({"backup": {"schedule": "sometimes"}}, "schedule"),
    ],
)
async def test_the_api_server_refuses_and_names_the_field(
    demo: Instance, spec: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClusterError, match=words):
        await demo.apply(make_resource(**spec), "--dry-run=server")


async def test_a_live_instance_keeps_its_domain(demo: Instance) -> None:
    with pytest.raises(ClusterError, match=r"domain.*(immutable|change)"):
        await demo.patch({"spec": {"domain": "other.example.org"}})


@pytest.fixture
async def unreachable(demo: Instance) -> AsyncIterator[Instance]:
    """An instance whose database is said to be where nobody listens."""
    instance = Instance("wrong", demo.namespace)
    credentials = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "wrong-database"},
        "stringData": {"username": "sup", "password": "none"},
    }
    await instance.apply(credentials)
    external = {
        "host": "nobody.chat.svc.cluster.local",
        "credentialsSecretRef": {"name": "wrong-database"},
    }
    await instance.apply(make_resource(postgres={"external": external}))
    yield instance
    await instance.kubectl.run(
        "delete", "sup/wrong", "secret/wrong-database", "-n", instance.namespace
    )


async def test_an_unreachable_host_stalls_with_its_field_and_an_event(
    demo: Instance, unreachable: Instance
) -> None:
    async def is_stalled() -> bool:
        condition = await unreachable.condition("Stalled")
        return bool(condition.get("status") == "True")

    await wait_until(is_stalled, timeout=60, what="Stalled")
    message = (await unreachable.condition("Stalled"))["message"]
    assert "spec.postgres.external" in message

    async def is_told() -> bool:
        events = await unreachable.kubectl.get(
            *("events", "-n", unreachable.namespace),
            *("--field-selector", "involvedObject.name=wrong,type=Warning"),
        )
        return any("spec.postgres.external" in event["message"] for event in events["items"])

    await wait_until(is_told, timeout=30, what="a warning with the field")
    assert await demo.is_ready()
