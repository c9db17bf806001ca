"""The one order, and what a rollout waits for."""

from support.deployables import build_all
from support.messengers import make_messenger

from supmessenger_operator.model import Messenger, Wave


def test_objects_come_in_the_one_order(sample: Messenger) -> None:
    waves = [built.wave for built in build_all(sample)]
    assert waves == sorted(waves)


def test_components_come_in_the_one_order() -> None:
    components = list(dict.fromkeys(built.component for built in build_all(make_messenger())))
    assert components == [
        "foundation",
        "policies",
        "signalling",
        "calls",
        "postgres",
        "redis-cache",
        "redis-state",
        "rabbitmq",
        "object-storage",
        "object-storage-setup",
        "migrations",
        "worker",
        "api",
        "websocket",
        "media",
        "edge",
        "backup",
        "livekit",
        "turn",
        "exporters",
        "prometheus",
        "grafana",
        "loki",
    ]


def test_jobs_come_after_the_data_they_work_on_and_before_the_services() -> None:
    jobs = [built for built in build_all(make_messenger()) if built.kind == "Job"]
    assert {built.wave for built in jobs} == {Wave.MIGRATIONS}


def test_a_configuration_comes_before_the_pods_that_mount_it(sample: Messenger) -> None:
    objects = build_all(sample)
    for index, built in enumerate(objects):
        if built.kind == "ConfigMap":
            rest = [later.kind for later in objects[index:] if later.component == built.component]
            assert {"Deployment", "StatefulSet"} & set(rest)


def test_external_services_leave_only_what_is_ours(sample: Messenger) -> None:
    components = {built.component for built in build_all(sample)}
    spec = sample.spec
    assert ("postgres" in components) is (spec.postgres.embedded is not None)
    assert ("redis-cache" in components) is (spec.redis.embedded is not None)
    assert ("rabbitmq" in components) is (spec.rabbitmq.embedded is not None)
    assert ("object-storage-setup" in components) is (spec.object_storage.embedded is not None)
    assert {"migrations", "worker", "api", "websocket", "media", "edge"} <= components


def test_backups_that_are_off_leave_no_schedule() -> None:
    messenger = make_messenger(spec={"backup": {"enabled": False}})
    assert "backup" not in {built.component for built in build_all(messenger)}
