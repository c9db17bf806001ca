"""A second instance lives beside the first in one namespace; its data outlives it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.instance import Instance, make_tiny, wait_until

from supmessenger_cli.conversation import hold_conversation

pytestmark = [pytest.mark.node, pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def second() -> AsyncIterator[Instance]:
    """Another tiny instance in demo's namespace, removed with its data afterwards."""
    instance = Instance("second")
    await instance.apply(make_tiny("second"))
    await instance.wait_until_ready()
    yield instance
    await instance.remove_with_data()


async def test_two_instances_work_side_by_side(demo: Instance, second: Instance) -> None:
    # Without SMTP its accounts are active at once, so no mailbox is read.
    steps = await hold_conversation(await second.target(), mailbox=None, report=lambda _: None)
    assert steps
    assert await demo.is_ready()
    assert (await demo.target()).address != (await second.target()).address


async def test_a_deleted_instance_leaves_its_data(demo: Instance, second: Instance) -> None:
    await second.kubectl.run("delete", "sup", "second", "-n", second.namespace)

    async def has_no_pods() -> bool:
        return not await second.pods()

    await wait_until(has_no_pods, timeout=120, what="the pods to be gone")
    kept = await second.kubectl.get("pvc,secret", "-n", second.namespace, "-l", second.selector)
    names = {item["metadata"]["name"] for item in kept["items"]}
    assert {"second-postgres", "second-credentials", "second-postgres-roles"} <= names
    assert any(item["kind"] == "PersistentVolumeClaim" for item in kept["items"])
    assert await demo.is_ready()
    # What was kept is adopted: the same instance comes back with its data.
    await second.apply(make_tiny("second"))
    await second.wait_until_ready()
