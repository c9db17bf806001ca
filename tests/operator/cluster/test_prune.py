"""A part that is switched off leaves its volume behind, whatever becomes of the instance's."""

from __future__ import annotations

from support.world import World

KAFKA = ("StatefulSet", "chat", "demo-kafka")


def claim_of(world: World) -> dict[str, object]:
    """A volume claim as the StatefulSet's controller makes it, owned for as long as it says."""
    owner = {"kind": "StatefulSet", "uid": world.cluster.objects[KAFKA]["metadata"]["uid"]}
    labels = {"app.kubernetes.io/instance": "demo", "app.kubernetes.io/component": "kafka"}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data-demo-kafka-0",
            "namespace": "chat",
            "labels": labels,
            "ownerReferences": [owner],
        },
    }


async def test_a_part_is_deleted_only_once_its_volume_no_longer_goes_with_it(world: World) -> None:
    world.change(deletionPolicy="Delete", kafka={"enabled": True})
    await world.settle()
    claim = await world.cluster.create(claim_of(world))

    world.change(kafka={"enabled": False})
    await world.settle()

    kept = world.cluster.objects[KAFKA]["spec"]["persistentVolumeClaimRetentionPolicy"]
    assert kept["whenDeleted"] == "Retain"

    # What the controller does once the policy says so.
    world.cluster.edit(
        "PersistentVolumeClaim", "chat", claim["metadata"]["name"], metadata={"ownerReferences": []}
    )
    await world.settle()

    assert KAFKA not in world.cluster.objects
    assert ("PersistentVolumeClaim", "chat", "data-demo-kafka-0") in world.cluster.objects
