"""RabbitMQ: one node of our own on a volume."""

from supmessenger_operator.desired.container import (
    Container,
    Mount,
    build_claim,
    build_scratch,
    build_secret_mount,
)
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_probes, build_tcp_check
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.scalars import parse_quantity

COMPONENT = "rabbitmq"
AMQP_PORT = 5672
MANAGEMENT_PORT = 15672
METRICS_PORT = 15692
_PORTS = {"amqp": AMQP_PORT, "management": MANAGEMENT_PORT, "metrics": METRICS_PORT}
_CONF = "10-sup.conf"
_RUN = "run.sh"
_PLUGINS = "enabled_plugins"
# Part of the pod's memory at which publishers are slowed down.
_MEMORY_SHARE = 0.6
_DISK_FREE_LIMIT = 128 * 2**20


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return ConfigMap, Service and StatefulSet, or nothing when RabbitMQ is run elsewhere."""
    embedded = messenger.spec.rabbitmq.embedded
    if embedded is None:
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.DATA)
    amounts = messenger.effective.rabbitmq
    memory = float(parse_quantity(amounts.limits.memory))
    files = {
        _RUN: build_file("rabbitmq-run.sh"),
        _PLUGINS: "[rabbitmq_management,rabbitmq_prometheus].\n",
        _CONF: build_file(
            "rabbitmq.conf.j2",
            {
                "memory_high_watermark": int(memory * _MEMORY_SHARE),
                "disk_free_limit": _DISK_FREE_LIMIT,
            },
        ),
    }
    pod = Pod(
        component=COMPONENT,
        containers=(_build_container(messenger, inputs, config_map=kinds.name),),
        config=files,
        grace_seconds=120,
        block=embedded,
        block_path="spec.rabbitmq.embedded",
    )
    return (
        kinds.build_config_map(files),
        kinds.build_service({name: (port, name) for name, port in _PORTS.items()}),
        kinds.build_stateful_set(pod, storage=amounts),
    )


def _build_container(messenger: Messenger, inputs: Inputs, *, config_map: str) -> Container:
    return Container(
        name=COMPONENT,
        image=inputs.images["rabbitmq"],
        command=("sh", "/etc/sup-rabbitmq/run.sh"),
        amounts=messenger.effective.rabbitmq,
        env={
            "LANG": "C.UTF-8",
            # Makes the Erlang machine process 1, so that it gets the signals.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"/etc/sup-rabbitmq/{_PLUGINS}",
            # One node alone: a name that never changes with the pod, and no port for peers.
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        },
        ports=_PORTS,
        mounts=(
            _build_config_mount(config_map, "config", "/etc/sup-rabbitmq", _RUN, _PLUGINS),
            # The image's own folder is covered whole: it opens guest to the network.
            _build_config_mount(config_map, "conf-d", "/etc/rabbitmq/conf.d", _CONF),
            build_secret_mount(
                inputs.secrets["rabbitmq-admin"], name="admin", path="/secrets/rabbitmq-admin"
            ),
            build_scratch("run", "/run/rabbitmq", in_memory=True, limit="1Mi"),
            build_scratch("logs", "/var/log/rabbitmq", limit="256Mi"),
            build_claim("data", "/var/lib/rabbitmq"),
        ),
        # No liveness: each call of the command line joins the cluster, and a check that waits
        # for a full boot would end a node that is still recovering its queues.
        probes=build_probes(
            startup=build_tcp_check("amqp"),
            startup_seconds=1800,
            readiness=build_tcp_check("amqp"),
            liveness=None,
        ),
    )


def _build_config_mount(config_map: str, name: str, path: str, *files: str) -> Mount:
    items = [{"key": file, "path": file} for file in files]
    return Mount(name=name, path=path, source={"configMap": {"name": config_map, "items": items}})
