"""The whole path of a pass on the fake cluster: from a resource to a platform, and back."""

from support.world import KEY, World

from supmessenger_operator.model.outcome import Next


async def test_the_first_pass_makes_secrets_and_the_data_tier_and_waits(world: World) -> None:
    result = await world.reconcile()

    assert result.backoff
    assert "demo-postgres-roles" in world.cluster.names("Secret")
    assert len(world.cluster.find("StatefulSet")) == 5
    assert world.cluster.find("Job") == []
    assert world.cluster.find("Deployment") == []
    assert world.condition("Reconciling")["reason"] == "WaitingForPostgres"
    assert world.status()["phase"] == "Installing"


async def test_waves_follow_one_another_until_ready(world: World) -> None:
    seen: list[str] = []
    for _ in range(12):
        await world.reconcile()
        for name in sorted(world.cluster.names("Job") | world.cluster.names("Deployment")):
            if name not in seen:
                seen.append(name)
        world.make_ready()

    order = [name.split("-")[1] for name in seen]
    assert order.index("migrations") < order.index("worker") < order.index("api")
    assert order.index("media") < order.index("edge")
    assert world.condition("Ready")["status"] == "True"
    assert world.status()["phase"] == "Ready"
    assert world.status()["version"] == "1.0"
    assert "demo-backup" in world.cluster.names("CronJob")


async def test_a_settled_instance_is_left_alone_also_by_a_new_operator(world: World) -> None:
    await world.settle()
    before = list(world.cluster.writes)

    assert await world.reconcile() == Next()
    world.start_operator()
    await world.reconcile()

    assert world.cluster.writes == before


async def test_generated_secrets_are_made_once_and_adopted(world: World) -> None:
    await world.settle()
    name = ("Secret", "chat", "demo-postgres-roles")
    before = world.cluster.objects[name]["data"]
    world.start_operator()

    await world.reconcile()

    assert world.cluster.objects[name]["data"] == before
    assert not world.cluster.objects[name]["metadata"].get("ownerReferences")


async def test_a_secret_that_had_to_be_made_again_is_told(world: World) -> None:
    await world.settle()
    assert not any(event["reason"] == "SecretMade" for event in world.cluster.find("Event"))
    world.cluster.remove("Secret", "chat", "demo-credentials")

    await world.reconcile()

    (event,) = [e for e in world.cluster.find("Event") if e["reason"] == "SecretMade"]
    assert event["type"] == "Warning"
    assert "Secret demo-credentials was not there" in event["message"]


async def test_secrets_follow_the_deletion_policy(world: World) -> None:
    await world.settle()
    before = world.cluster.objects[("Secret", "chat", "demo-credentials")]["data"]
    world.change(deletionPolicy="Delete")
    await world.reconcile()
    secret = world.cluster.objects[("Secret", "chat", "demo-credentials")]
    assert secret["metadata"]["ownerReferences"][0]["name"] == "demo"
    assert secret["data"] == before

    world.change(deletionPolicy="Retain")
    await world.reconcile()

    secret = world.cluster.objects[("Secret", "chat", "demo-credentials")]
    assert not secret["metadata"].get("ownerReferences")
    assert secret["data"] == before


async def test_switching_a_part_off_removes_it_and_keeps_its_data(world: World) -> None:
    await world.settle()
    world.change(backup={"enabled": False})
    await world.settle()

    assert "demo-backup" not in world.cluster.names("CronJob")
    assert "demo-backups" in world.cluster.names("PersistentVolumeClaim")
    assert all(item["type"] != "BackupHealthy" for item in world.status()["conditions"])


async def test_a_failing_check_turns_ready_off_and_degraded_on(world: World) -> None:
    await world.settle()
    world.checkers.failing["redis-state"] = "LOADING"
    world.checkers.forget(KEY)

    await world.reconcile()

    assert world.condition("RedisStateReady")["status"] == "False"
    assert world.condition("Ready")["status"] == "False"
    assert world.condition("Degraded")["status"] == "True"
    assert "LOADING" in world.status()["message"]


async def test_a_rollout_names_the_fields_that_changed(world: World) -> None:
    await world.settle()
    world.change(api={"replicas": 3})
    await world.settle()

    messages = [event["message"] for event in world.cluster.find("Event")]
    assert any("api is rolled out: Deployment/demo-api spec.replicas" in text for text in messages)
    assert any("Deployment/demo-api spec.replicas" in text for text in messages)


async def test_a_volume_grows_with_its_claim_and_the_pods_go_on(world: World) -> None:
    await world.settle()
    await world.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data-demo-postgres-0", "namespace": "chat"},
            "spec": {"resources": {"requests": {"storage": "2Gi"}}},
        }
    )
    before = world.cluster.objects[("StatefulSet", "chat", "demo-postgres")]
    world.change(postgres={"embedded": {"storage": {"size": "9Gi"}}})
    await world.settle()

    claim = world.cluster.objects[("PersistentVolumeClaim", "chat", "data-demo-postgres-0")]
    after = world.cluster.objects[("StatefulSet", "chat", "demo-postgres")]
    assert claim["spec"]["resources"]["requests"]["storage"] == "9Gi"
    assert "9Gi" in str(after["spec"]["volumeClaimTemplates"])
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert world.condition("Ready")["status"] == "True"


async def test_a_refused_change_beside_a_larger_volume_leaves_the_set_alone(world: World) -> None:
    await world.settle()
    identity = ("StatefulSet", "chat", "demo-postgres")
    before = world.cluster.objects[identity]["metadata"]["uid"]
    world.cluster.refused[("StatefulSet", "demo-postgres")] = "no such field"
    world.change(postgres={"embedded": {"storage": {"size": "9Gi"}}})

    await world.reconcile()

    assert world.condition("Stalled")["status"] == "True"
    assert world.cluster.objects[identity]["metadata"]["uid"] == before


async def test_a_smaller_volume_is_refused_with_the_field_and_the_cure(world: World) -> None:
    await world.settle()
    world.change(postgres={"embedded": {"storage": {"size": "1Gi"}}})
    await world.reconcile()

    message = world.condition("Stalled")["message"]
    assert message.startswith("spec.postgres.embedded.storage.size: ")
    assert "set it to 2Gi" in message

    world.change(
        postgres={"embedded": {"storage": {"size": "2Gi"}}},
        backup={"destination": {"volume": {"size": "1Gi"}}},
    )
    await world.reconcile()

    message = world.condition("Stalled")["message"]
    assert message.startswith("spec.backup.destination.volume.size: ")
    assert "set it to 5Gi" in message


async def test_a_resource_that_waits_for_its_objects_to_go_says_so(world: World) -> None:
    await world.settle()
    world.cluster.edit("SupMessenger", *KEY, metadata={"deletionTimestamp": "2026-01-02T00:00:00Z"})
    world.cluster.remove("Service", "chat", "demo-api")

    await world.reconcile()

    assert world.status()["phase"] == "Deleting"
    assert "demo-api" not in world.cluster.names("Service")
    assert world.status()["message"].startswith("its objects are being deleted")


async def test_deleting_the_resource_takes_its_objects_and_leaves_secrets(world: World) -> None:
    await world.settle()
    world.cluster.remove("SupMessenger", *KEY)

    assert await world.reconcile() == Next(is_gone=True)
    assert world.cluster.find("Deployment") == []
    assert world.cluster.find("ControllerRevision") == []
    assert "demo-postgres-roles" in world.cluster.names("Secret")


async def test_old_revisions_are_removed(world: World) -> None:
    await world.settle()
    for replicas in (2, 3, 4):
        world.change(api={"replicas": replicas})
        await world.settle()

    revisions = [
        live["revision"]
        for live in world.cluster.find("ControllerRevision")
        if live["metadata"]["labels"]["app.kubernetes.io/component"] == "api"
    ]
    assert sorted(revisions) == [3, 4]
