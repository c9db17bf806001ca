"""PostgreSQL: one primary of our own on a volume."""

import re
from dataclasses import replace

from supmessenger_operator.desired.container import (
    Container,
    Mount,
    build_claim,
    build_config_mount,
    build_scratch,
    build_secret_mount,
)
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.pod import POD_UID, Pod
from supmessenger_operator.desired.probe import build_probes, build_shell_check
from supmessenger_operator.desired.templates import build_file
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Stalled, Wave
from supmessenger_operator.model.scalars import parse_quantity
from supmessenger_operator.model.workload import PodBlock

COMPONENT = "postgres"
PORT = 5432
SOCKETS = "/var/run/postgresql"
VOLUME = "/var/lib/postgresql/data"
_CONFIG = "/etc/sup-postgres"
_SECRETS = "/secrets/postgres-roles"
_ENV = {"LANG": "C.UTF-8", "VOLUME": VOLUME, "CONFIG": _CONFIG}
_PARAMETERS_PATH = "spec.postgres.embedded.parameters"

# What the pod stands on; another value would break probes, passwords or the volume.
_FIXED = {
    "listen_addresses": "*",
    "port": str(PORT),
    "unix_socket_directories": SOCKETS,
    "password_encryption": "scram-sha-256",
    "ssl": "off",
    "archive_mode": "off",
    "log_destination": "stderr",
    "logging_collector": "off",
    # A huge page that the pod's limit forbids is a SIGBUS.
    "huge_pages": "off",
}
_RESERVED = {
    *_FIXED,
    "config_file",
    "hba_file",
    "ident_file",
    "data_directory",
    "external_pid_file",
    "include",
    "include_dir",
    "include_if_exists",
}
_DEFAULTS = {
    "shared_preload_libraries": "pg_stat_statements",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_lock_waits": "on",
    "tcp_keepalives_idle": "60",
    "wal_compression": "on",
    # Short statements only: compiling them costs more than it saves.
    "jit": "off",
}


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return ConfigMap, Service and StatefulSet, or nothing when PostgreSQL is run elsewhere."""
    embedded = messenger.spec.postgres.embedded
    if embedded is None:
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.DATA)
    files = _build_files(messenger)
    return (
        kinds.build_config_map(files),
        kinds.build_service({"postgres": (PORT, "postgres")}),
        kinds.build_stateful_set(
            _build_pod(messenger, inputs, block=embedded, files=files),
            storage=messenger.effective.postgres,
        ),
    )


def compute_parameters(messenger: Messenger) -> dict[str, str]:
    """Return the settings of postgresql.conf; a reserved or malformed one stalls."""
    chosen = messenger.effective.postgres_parameters
    for name, value in chosen.items():
        path = f"{_PARAMETERS_PATH}.{name}"
        if name in _RESERVED:
            raise Stalled("the operator sets this parameter itself; remove it", field=path)
        if re.fullmatch(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?", name) is None:
            raise Stalled("is not a name of a PostgreSQL parameter", field=path)
        if "\n" in value:
            raise Stalled("must be one line", field=path)
    # The log ahead of the data may take a quarter of the volume, but not more than is usual.
    megabytes = int(parse_quantity(messenger.effective.postgres.storage)) // 4 // 2**20
    log_size = {"max_wal_size": f"{max(128, min(1024, megabytes))}MB"}
    return {**_FIXED, **_DEFAULTS, **log_size, **dict(sorted(chosen.items()))}


def _build_files(messenger: Messenger) -> dict[str, str]:
    ids = {"uid": POD_UID, "gid": POD_UID}
    return {
        "bootstrap.sh": build_file("postgres-bootstrap.sh"),
        "run.sh": build_file("postgres-run.sh"),
        "roles.sql": build_file("postgres-roles.sql"),
        "pg_hba.conf": build_file("pg_hba.conf"),
        "postgresql.conf": build_file(
            "postgresql.conf.j2", {"parameters": list(compute_parameters(messenger).items())}
        ),
        "passwd": build_file("passwd", ids),
        "group": build_file("group", ids),
    }


def _build_pod(
    messenger: Messenger, inputs: Inputs, *, block: PodBlock, files: dict[str, str]
) -> Pod:
    amounts = messenger.effective.postgres
    shared = _build_mounts(messenger)
    roles = build_secret_mount(inputs.secrets["postgres-roles"], name="roles", path=_SECRETS)
    select = f"psql -qAtX -h {SOCKETS} -U postgres -d sup -c 'select 1' >/dev/null"
    return Pod(
        component=COMPONENT,
        init_containers=(
            Container(
                name="bootstrap",
                image=inputs.images["postgres"],
                command=("bash", f"{_CONFIG}/bootstrap.sh"),
                amounts=amounts,
                env={**_ENV, "SECRETS": _SECRETS},
                mounts=(*shared, roles),
            ),
        ),
        containers=(
            Container(
                name=COMPONENT,
                image=inputs.images["postgres"],
                command=("bash", f"{_CONFIG}/run.sh"),
                amounts=amounts,
                env={**_ENV, "PGHOST": SOCKETS, "PGUSER": "postgres"},
                ports={"postgres": PORT},
                mounts=(
                    *shared,
                    build_scratch("sockets", SOCKETS),
                    # Parallel queries share memory there; the runtime's own is 64 MiB.
                    build_scratch("shm", "/dev/shm", in_memory=True, limit="256Mi"),  # noqa: S108
                ),
                probes=build_probes(
                    # Recovery after a crash may take long; ending it would only begin it anew.
                    startup=build_shell_check(select),
                    startup_seconds=3600,
                    readiness=build_shell_check(f"pg_isready -q -h {SOCKETS} && {select}"),
                    # 2 is no answer at all; refusing (1) while it recovers is alive.
                    liveness=build_shell_check(f"pg_isready -q -h {SOCKETS}; test $? -ne 2"),
                ),
                # SIGTERM alone waits for every client to leave.
                pre_stop=("pg_ctl", "stop", "-D", f"{VOLUME}/pgdata", "-m", "fast", "--no-wait"),
            ),
        ),
        config=files,
        grace_seconds=120,
        block=block,
        block_path="spec.postgres.embedded",
    )


def _build_mounts(messenger: Messenger) -> tuple[Mount, ...]:
    config = build_config_mount(messenger.object_name(COMPONENT), _CONFIG)
    # initdb and peer authentication want a name for the UID; no image knows ours.
    accounts = tuple(
        replace(config, path=f"/etc/{file}", sub_path=file) for file in ("passwd", "group")
    )
    return (config, *accounts, build_claim("data", VOLUME))
