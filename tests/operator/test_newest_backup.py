"""The age of the newest backup reaches Prometheus with its rules, and restarts nothing."""

from datetime import datetime

from support.world import World


def find_record(world: World) -> str:
    rules = world.cluster.objects[("ConfigMap", "chat", "demo-prometheus")]["data"]["rules.yml"]
    _, _, after = rules.partition("record: backup_newest_timestamp_seconds")
    return str(after.split("vector(")[1].split(")")[0]) if after else ""


async def test_a_good_backup_is_written_into_the_rules(world: World) -> None:
    await world.settle()
    pod = world.cluster.objects[("StatefulSet", "chat", "demo-prometheus")]["spec"]["template"]
    made = "2026-01-05T02:00:10Z"
    status = {"lastSuccessfulTime": made}
    world.cluster.edit("CronJob", "chat", "demo-backup", status=status)

    await world.settle()

    assert find_record(world) == str(int(datetime.fromisoformat(made).timestamp()))
    live = world.cluster.objects[("StatefulSet", "chat", "demo-prometheus")]
    assert live["spec"]["template"] == pod
    assert world.condition("Ready")["status"] == "True"
