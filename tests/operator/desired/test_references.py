"""What objects name must be there: Secrets, ConfigMaps, volumes, ports, labels."""

import re

import pytest
from support.deployables import build_all, list_deployables, to_plain
from support.messengers import make_inputs, make_messenger

from supmessenger_operator.cluster.kinds import CHILD_KINDS
from supmessenger_operator.model import Messenger


def test_every_mounted_secret_is_one_of_the_contract(sample: Messenger) -> None:
    known = {fact.name for fact in make_inputs(sample).secrets.values()}
    for one in list_deployables(build_all(sample)):
        mounted = {v["secret"]["secretName"] for v in one.pod["volumes"] if "secret" in v}
        assert mounted <= known
        for volume in one.pod["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440


def test_every_file_that_a_pod_reads_from_a_secret_is_a_key_of_it(sample: Messenger) -> None:
    objects = build_all(sample)
    keys = {fact.name: set(fact.keys) for fact in make_inputs(sample).secrets.values()}
    texts = [value for built in objects for value in to_plain(built).get("data", {}).values()]
    for one in list_deployables(objects):
        secrets = {
            v["name"]: v["secret"]["secretName"] for v in one.pod["volumes"] if "secret" in v
        }
        for container in one.containers:
            said = " ".join([*texts, str(container)])
            for mount in container["volumeMounts"]:
                if mount["name"] in secrets:
                    read = set(re.findall(rf"{mount['mountPath']}/([a-z][a-z._-]*[a-z])", said))
                    assert read <= keys[secrets[mount["name"]]] | {"ca.crt"}


def test_every_mounted_config_map_and_file_is_built(sample: Messenger) -> None:
    objects = build_all(sample)
    files = {
        built.name: set(to_plain(built)["data"]) for built in objects if built.kind == "ConfigMap"
    }
    for one in list_deployables(objects):
        volumes = {v["name"]: v["configMap"] for v in one.pod["volumes"] if "configMap" in v}
        for source in volumes.values():
            assert {item["key"] for item in source.get("items", [])} <= files[source["name"]]
        for container in one.containers:
            for mount in container["volumeMounts"]:
                if mount["name"] in volumes and "subPath" in mount:
                    assert mount["subPath"] in files[volumes[mount["name"]]["name"]]


def test_every_mount_has_a_volume_and_every_path_one_mount(sample: Messenger) -> None:
    for one in list_deployables(build_all(sample)):
        templates = one.body["spec"].get("volumeClaimTemplates", [])
        volumes = {volume["name"] for volume in one.pod["volumes"]} | {
            template["metadata"]["name"] for template in templates
        }
        assert volumes == {
            mount["name"] for container in one.containers for mount in container["volumeMounts"]
        }
        for container in one.containers:
            paths = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert len(paths) == len(set(paths))


def test_every_service_finds_its_pods_and_their_ports(sample: Messenger) -> None:
    objects = build_all(sample)
    deployables = list_deployables(objects)
    for service in (to_plain(built) for built in objects if built.kind == "Service"):
        selector = service["spec"]["selector"]
        found = [
            one
            for one in deployables
            if selector.items() <= one.template["metadata"]["labels"].items()
        ]
        assert len(found) == 1
        main, *others = found[0].pod["containers"]
        # A relay has a port for each caller, and a container no names for so many.
        targets = {
            port["targetPort"]
            for port in service["spec"]["ports"]
            if not port["name"].startswith("relay-")
        }
        if found[0].component not in ("livekit", "turn"):
            # Those have Services for what is inside and for what is outside.
            names = {port["name"] for port in main["ports"]}
            # Everybody reaches the edge, and its figures are for Prometheus alone.
            assert names - ({"metrics"} if found[0].component == "edge" else set()) <= targets
            assert found[0].component != "edge" or "metrics" not in targets
        known = {port["name"] for one in (main, *others) for port in one.get("ports", ())}
        assert targets <= known


def test_every_selector_matches_the_template_of_its_object(sample: Messenger) -> None:
    for one in list_deployables(build_all(sample)):
        if one.kind in ("Deployment", "StatefulSet"):
            selector = one.body["spec"]["selector"]["matchLabels"]
            assert selector.items() <= one.template["metadata"]["labels"].items()
            assert set(selector) == {
                f"app.kubernetes.io/{key}" for key in ("name", "instance", "component")
            }


def test_every_name_and_label_fits(sample: Messenger) -> None:
    for built in build_all(sample):
        # A CronJob adds eleven characters to its Jobs' names, a StatefulSet as many to a label.
        longest = {"CronJob": 52, "StatefulSet": 52}.get(built.kind, 63)
        assert len(built.name) <= longest
        labels = to_plain(built)["metadata"]["labels"]
        assert all(len(value) <= 63 for value in labels.values())
        assert labels["app.kubernetes.io/part-of"] == "sup-messenger"
        assert labels["app.kubernetes.io/managed-by"] == "sup-operator"


def test_two_instances_in_a_namespace_share_nothing() -> None:
    first, second = make_messenger(name="one"), make_messenger(name="two")
    names = [
        {(built.kind, built.name) for built in build_all(messenger)}
        for messenger in (first, second)
    ]
    assert names[0].isdisjoint(names[1])
    labels = [
        one.template["metadata"]["labels"]
        for messenger in (first, second)
        for one in list_deployables(build_all(messenger))
    ]
    for built in build_all(first):
        if built.kind == "Service":
            selector = to_plain(built)["spec"]["selector"]
            chosen = [one for one in labels if selector.items() <= one.items()]
            assert {one["app.kubernetes.io/instance"] for one in chosen} == {"one"}


@pytest.mark.parametrize("deletion", ["Retain", "Delete"])
def test_data_outlives_the_resource_unless_it_shall_not(deletion: str) -> None:
    messenger = make_messenger(spec={"deletionPolicy": deletion})
    for built in build_all(messenger):
        body = to_plain(built)
        owned = "ownerReferences" in body["metadata"]
        if built.kind == "PersistentVolumeClaim":
            assert owned is (deletion == "Delete")
        else:
            assert owned
        if "volumeClaimTemplates" in body["spec"] if "spec" in body else False:
            policy = body["spec"]["persistentVolumeClaimRetentionPolicy"]
            assert policy == {"whenDeleted": deletion, "whenScaled": "Retain"}


def test_the_operator_can_apply_every_kind_that_is_built(sample: Messenger) -> None:
    assert {built.kind for built in build_all(sample)} <= set(CHILD_KINDS)
