"""Object storage: one S3 server of our own on a volume, and the Job that makes its buckets."""

from supmessenger_operator.desired.container import Container, build_binding, build_claim
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.desired.probe import build_http_check, build_probes
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.scalars import parse_quantity

COMPONENT = "object-storage"
SETUP = "object-storage-setup"
S3_PORT = 9000
CONSOLE_PORT = 9001
_ROOT = "/bindings/object-storage"
_USERS = ("media", "worker", "backup")
# Go keeps its heap below this part of the pod's memory instead of being killed above all of it.
_HEAP_SHARE = 0.8


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return Service, StatefulSet and setup Job, or nothing when S3 is run elsewhere."""
    embedded = messenger.spec.object_storage.embedded
    if embedded is None:
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.DATA)
    amounts = messenger.effective.object_storage
    server = _build_minio(messenger, inputs)
    pod = Pod(
        component=COMPONENT,
        containers=(server,),
        grace_seconds=60,
        block=embedded,
        block_path="spec.objectStorage.embedded",
    )
    return (
        kinds.build_service({"s3": (S3_PORT, "s3"), "console": (CONSOLE_PORT, "console")}),
        kinds.build_stateful_set(pod, storage=amounts),
        _build_setup_job(messenger, inputs),
    )


def compute_server_command(image: str) -> str:
    """Return the program of a MinIO image: its living fork calls it `silo`."""
    repository = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return "silo" if "silo" in repository else "minio"


def _build_minio(messenger: Messenger, inputs: Inputs) -> Container:
    image = inputs.images["minio"]
    amounts = messenger.effective.object_storage
    heap = int(float(parse_quantity(amounts.limits.memory)) * _HEAP_SHARE)
    return Container(
        name="minio",
        image=image,
        command=(
            compute_server_command(image),
            "server",
            # A folder of its own: a volume's root may hold what is not ours.
            "/data/objects",
            "--address",
            f":{S3_PORT}",
            "--console-address",
            f":{CONSOLE_PORT}",
        ),
        amounts=amounts,
        env={
            "GOMEMLIMIT": str(heap),
            "MINIO_ROOT_USER_FILE": f"{_ROOT}/access-key-id",
            "MINIO_ROOT_PASSWORD_FILE": f"{_ROOT}/secret-access-key",
            "MINIO_PROMETHEUS_AUTH_TYPE": "public",
            "MINIO_UPDATE": "off",
        },
        ports={"s3": S3_PORT, "console": CONSOLE_PORT},
        mounts=(
            build_binding(inputs.secrets["object-storage-root"], "object-storage"),
            build_claim("data", "/data"),
        ),
        probes=build_probes(
            startup=build_http_check("/minio/health/cluster", "s3"),
            startup_seconds=600,
            # `ready` always says yes; `cluster` asks for the quorum of the drives.
            readiness=build_http_check("/minio/health/cluster", "s3"),
            liveness=build_http_check("/minio/health/live", "s3"),
        ),
    )


def _build_setup_job(messenger: Messenger, inputs: Inputs) -> DesiredObject:
    users = tuple(
        build_binding(inputs.secrets[f"object-storage-{user}"], f"object-storage-{user}")
        for user in _USERS
    )
    kinds = Kinds(messenger=messenger, inputs=inputs, component=SETUP, wave=Wave.MIGRATIONS)
    pod = Pod(
        component=SETUP,
        containers=(
            Container(
                name="setup",
                image=inputs.images["worker"],
                command=("sup-object-storage-setup",),
                amounts=messenger.effective.job,
                env={"SUP_INSTANCE": messenger.name, "SUP_DOMAIN": messenger.spec.domain},
                mounts=(
                    build_binding(inputs.secrets["object-storage-root"], "object-storage"),
                    *users,
                ),
            ),
        ),
        restart_policy="Never",
    )
    # It gives the users their keys, so a rotated key is another run.
    return kinds.build_job(pod, attempts=4, deadline_seconds=900, follows_secrets=True)
