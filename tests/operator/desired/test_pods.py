"""Rules that hold for every pod of the platform."""

from support.deployables import Deployable


def test_a_pod_meets_the_restricted_standard(deployable: Deployable) -> None:
    security = deployable.pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["runAsGroup"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
        assert forbidden not in deployable.pod
    for volume in deployable.pod["volumes"]:
        kinds = set(volume) - {"name"}
        assert kinds <= {"configMap", "emptyDir", "secret", "persistentVolumeClaim"}
    for container in deployable.containers:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        # Coturn's file carries this capability upstream, and does not start where it is taken.
        kept = {"add": ["NET_BIND_SERVICE"]} if deployable.component == "turn" else {}
        assert own["capabilities"] == {"drop": ["ALL"], **kept}
        assert own["readOnlyRootFilesystem"] is True


def test_volumes_belong_to_the_group_of_the_pod(deployable: Deployable) -> None:
    security = deployable.pod["securityContext"]
    assert security["fsGroup"] == security["runAsGroup"]
    assert security["fsGroupChangePolicy"] == "OnRootMismatch"


def test_a_pod_has_no_way_to_the_api_server(deployable: Deployable) -> None:
    assert deployable.pod["enableServiceLinks"] is False
    if deployable.component == "prometheus":
        # It alone asks which pods there are, with an account and a role of its own.
        assert deployable.pod["serviceAccountName"] == deployable.name
        return
    assert deployable.pod["automountServiceAccountToken"] is False
    assert deployable.pod["serviceAccountName"].endswith("-pods")


def test_a_container_says_what_it_needs_and_may_use(deployable: Deployable) -> None:
    for container in deployable.containers:
        for amount in ("requests", "limits"):
            assert set(container["resources"][amount]) == {"cpu", "memory"}


def test_a_container_relies_on_nothing_of_its_image(deployable: Deployable) -> None:
    for container in deployable.containers:
        env = {one["name"]: one.get("value", "") for one in container["env"]}
        mounts = {one["mountPath"] for one in container["volumeMounts"]}
        assert container["command"]
        assert {"/usr/lib/postgresql/16/bin", "/opt/rabbitmq/sbin", "/usr/sbin"} <= set(
            env["PATH"].split(":")
        )
        assert env["HOME"] in mounts
        assert "/tmp" in mounts


def test_a_variable_is_set_once(deployable: Deployable) -> None:
    for container in deployable.containers:
        names = [one["name"] for one in container["env"]]
        assert len(names) == len(set(names))


def test_a_server_is_asked_whether_it_started_and_is_ready(deployable: Deployable) -> None:
    if deployable.kind in ("Job", "CronJob"):
        assert deployable.pod["restartPolicy"] == "Never"
        return
    for container in deployable.pod["containers"]:
        if (deployable.component, container["name"]) == ("edge", "exporter"):
            # What only counts must never take clients away from what serves them.
            assert not {"startupProbe", "readinessProbe", "livenessProbe"} & set(container)
            continue
        assert "startupProbe" in container
        assert "readinessProbe" in container
        # RabbitMQ has no liveness on purpose: each call of its command line joins the cluster.
        assert ("livenessProbe" in container) is (deployable.component != "rabbitmq")


def test_a_probe_asks_a_port_that_the_container_has(deployable: Deployable) -> None:
    for container in deployable.pod["containers"]:
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            for action in ("httpGet", "tcpSocket"):
                if action in container.get(probe, {}):
                    assert container[probe][action]["port"] in ports


def test_no_image_floats(deployable: Deployable) -> None:
    for container in deployable.containers:
        repository, _, tag = container["image"].rpartition(":")
        assert repository
        assert tag not in ("", "latest")


def test_pods_of_a_server_spread_over_nodes(deployable: Deployable) -> None:
    if deployable.kind in ("Job", "CronJob"):
        return
    spread = deployable.pod["topologySpreadConstraints"]
    assert {one["topologyKey"] for one in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    for one in spread:
        assert one["labelSelector"]["matchLabels"].items() <= (
            deployable.template["metadata"]["labels"].items()
        )


def test_a_pod_has_the_time_to_finish_what_it_began(deployable: Deployable) -> None:
    env = {one["name"]: one.get("value") for one in deployable.pod["containers"][0]["env"]}
    drain = float(env.get("SUP_DRAIN_SECONDS") or 0)
    assert deployable.pod["terminationGracePeriodSeconds"] > drain


def test_a_failed_container_leaves_its_last_words(deployable: Deployable) -> None:
    for container in deployable.containers:
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
