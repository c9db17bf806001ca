"""Backups: a volume, and a CronJob that puts an archive of database and files on it."""

from supmessenger_operator.desired.container import (
    Container,
    build_binding,
    build_claim,
    build_scratch,
)
from supmessenger_operator.desired.kinds import Kinds, build_claim_spec
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave

COMPONENT = "backup"
CLAIM = "backups"
_DUMP = "/scratch/database.dump"
# What libpq needs comes from the binding's files, in the shell and not in the pod's spec.
_DUMP_SCRIPT = f"""\
set -eu
umask 0077
value() {{ cat "/bindings/postgres/$1"; }}
export PGHOST="$(value host)" PGPORT="$(value port)" PGDATABASE="$(value database)"
export PGUSER="$(value username)" PGPASSWORD="$(value password)" PGSSLMODE="$(value sslmode)"
if [ -s /bindings/postgres/ca.crt ]; then export PGSSLROOTCERT=/bindings/postgres/ca.crt; fi
exec pg_dump --format=custom --no-password --file={_DUMP}
"""


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return volume claim and CronJob, or nothing when backups are off or go to a bucket."""
    backup = messenger.spec.backup
    if not backup.enabled or backup.destination.s3 is not None:
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.BACKUP)
    claim = kinds.build(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": kinds.build_metadata(
                name=messenger.object_name(CLAIM),
                owned=messenger.spec.deletion_policy == "Delete",
            ),
            "spec": build_claim_spec(messenger.effective.backup),
        }
    )
    return (
        claim,
        kinds.build_cron_job(
            _build_pod(messenger, inputs),
            schedule=backup.schedule,
            time_zone=backup.time_zone,
            deadline_seconds=6 * 3600,
        ),
    )


def _build_pod(messenger: Messenger, inputs: Inputs) -> Pod:
    amounts = messenger.effective.backup
    database = build_binding(inputs.secrets["postgres-owner"], "postgres")
    objects = build_binding(inputs.secrets["object-storage-backup"], "object-storage")
    scratch = build_scratch("scratch", "/scratch")
    return Pod(
        component=COMPONENT,
        init_containers=(
            Container(
                name="dump",
                image=inputs.images["postgres"],
                command=("sh", "-c", _DUMP_SCRIPT),
                amounts=amounts,
                mounts=(database, scratch),
            ),
        ),
        containers=(
            Container(
                name=COMPONENT,
                image=inputs.images["worker"],
                command=("sup-backup", "create"),
                args=(
                    "--dump",
                    _DUMP,
                    "--destination",
                    "/backups",
                    "--keep",
                    str(messenger.spec.backup.retention.keep_last),
                ),
                amounts=amounts,
                env={"SUP_INSTANCE": messenger.name, "SUP_DOMAIN": messenger.spec.domain},
                mounts=(
                    database,
                    objects,
                    scratch,
                    build_claim("backups", "/backups", messenger.object_name(CLAIM)),
                ),
            ),
        ),
        restart_policy="Never",
    )
