"""`kubectl sup backup`: archives of an instance, and the volume they are on."""

import json
from typing import Annotated, Any

import typer

from supmessenger_cli.doctor.kubelet import gather_volumes
from supmessenger_cli.jobs import build_job, build_name, run_job, wait_for_job
from supmessenger_cli.options import Context, Format, Name, Namespace, Output, Timeout
from supmessenger_cli.scope import Scope, open_scope
from supmessenger_cli.terminal import (
    VerbFailure,
    WrongUse,
    print_document,
    print_rows,
    run_verb,
)

EXAMPLES = "Examples: kubectl sup backup create demo -n chat · kubectl sup backup list demo -n chat"
LIST_SECONDS = 120.0
# Runs in the worker's image, beside the volume of the archives.
_LIST = """
import json, pathlib
found = sorted(pathlib.Path("/backups").glob("*.tar.zst"))
print(json.dumps([
    {"name": one.name, "bytes": one.stat().st_size, "modified": int(one.stat().st_mtime),
     "sha256": pathlib.Path(f"{one}.sha256").exists()} for one in found]))
"""

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Make backups, list and verify them."
)


@app.command(epilog="\b\nExamples:\n  kubectl sup backup create demo -n chat")
def create(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Output = Format.TABLE,
    timeout: Timeout = 3600,
) -> None:
    """Make a backup now, as the schedule does, and wait for its verified archive."""
    run_verb(_create(context, namespace, name, output, timeout))


async def _create(
    context: str | None, namespace: str | None, name: str | None, output: Format, timeout: float
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    await find_schedule(scope)
    job = build_name(scope, "backup")
    source = f"--from=cronjob/{scope.name}-backup"
    await scope.kubectl.run("create", "job", job, source, *scope.where)
    is_good = await wait_for_job(scope, job, timeout=timeout, tells=output is Format.TABLE)
    log = await scope.kubectl.run("logs", f"job/{job}", *scope.where, "--all-containers")
    if not is_good:
        raise VerbFailure(
            f"{job} failed: {find_last_line(log)}",
            cure=f"kubectl {scope.flags} logs job/{job} --all-containers",
        )
    summary = json.loads(find_last_line(log))
    if output is Format.TABLE:
        for key, value in summary.items():
            print(f"{key:<16} {value}")
    else:
        print_document(summary, output)
    return 0


@app.command("list", epilog="\b\nExamples:\n  kubectl sup backup list demo -n chat -o json")
def list_archives(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Output = Format.TABLE,
) -> None:
    """List the archives on the volume, newest last."""
    run_verb(_list(context, namespace, name, output))


async def _list(
    context: str | None, namespace: str | None, name: str | None, output: Format
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    archives = json.loads(
        find_last_line(await _run_beside_archives(scope, ["python3", "-c", _LIST]))
    )
    if output is not Format.TABLE:
        print_document(archives, output)
        return 0
    rows = [
        (one["name"], format_bytes(one["bytes"]), "yes" if one["sha256"] else "MISSING")
        for one in archives
    ]
    print_rows(("ARCHIVE", "SIZE", "CHECKSUM"), rows)
    return 0


@app.command(
    epilog="\b\nExamples:\n  kubectl sup backup verify demo sup-demo-20261122T020000Z.tar.zst"
    " -n chat"
)
def verify(
    name: Annotated[str, typer.Argument(help="Name of the SupMessenger.")],
    archive: Annotated[str, typer.Argument(help="Name of the archive, as `list` shows it.")],
    namespace: Namespace = None,
    context: Context = None,
    timeout: Timeout = 3600,
) -> None:
    """Read an archive whole and compare it with its manifest and checksum."""
    run_verb(_verify(context, namespace, name, archive, timeout))


async def _verify(
    context: str | None, namespace: str | None, name: str, archive: str, timeout: float
) -> int:
    if "/" in archive:
        raise WrongUse(f"{archive!r} is a path; give a name as `kubectl sup backup list` shows it")
    scope = await open_scope(context=context, namespace=namespace, name=name)
    command = ["sup-backup", "verify", f"/backups/{archive}"]
    print((await _run_beside_archives(scope, command, timeout=timeout)).rstrip())
    return 0


@app.command(epilog="\b\nExamples:\n  kubectl sup backup volume demo -n chat")
def volume(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Output = Format.TABLE,
) -> None:
    """Show the volume of the archives: claim, size, class, how full it is."""
    run_verb(_volume(context, namespace, name, output))


async def _volume(
    context: str | None, namespace: str | None, name: str | None, output: Format
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    claim = await scope.kubectl.find("persistentvolumeclaim", f"{scope.name}-backups", *scope.where)
    if claim is None:
        raise VerbFailure(
            f"{scope.name} has no volume of backups", cure="see spec.backup.destination"
        )
    usage = await gather_volumes(scope)
    document: dict[str, Any] = {
        "claim": claim["metadata"]["name"],
        "phase": claim["status"]["phase"],
        "size": (claim["status"].get("capacity") or {}).get("storage", "-"),
        "class": claim["spec"].get("storageClassName", "-"),
        "volume": claim["spec"].get("volumeName", "-"),
    }
    found = usage.get(claim["metadata"]["name"])
    if found is not None:
        document["used"] = f"{found.used_percent:.0f} %"
    if output is Format.TABLE:
        for key, value in document.items():
            print(f"{key:<8} {value}")
    else:
        print_document(document, output)
    return 0


async def find_schedule(scope: Scope) -> dict[str, Any]:
    """Return the CronJob of backups; VerbFailure when there is none."""
    schedule = await scope.kubectl.find("cronjob", f"{scope.name}-backup", *scope.where)
    if schedule is None:
        await scope.resource()
        raise VerbFailure(
            f"{scope.name} has no backup schedule",
            cure="spec.backup.enabled: true; it is made when the rollout is done",
        )
    return schedule


async def _run_beside_archives(
    scope: Scope, command: list[str], *, timeout: float = LIST_SECONDS
) -> str:
    """Run a command in a short pod that has the volume, as the backup's own pod has it."""
    schedule = await find_schedule(scope)
    source = {
        "metadata": {"namespace": scope.namespace},
        "spec": schedule["spec"]["jobTemplate"]["spec"],
    }
    job = build_job(source, name=build_name(scope, "archives"), command=command, container="backup")
    return await run_job(scope, job, timeout=timeout)


def find_last_line(log: str) -> str:
    """Return the last line that says something."""
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def format_bytes(count: float) -> str:
    """Return a size for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
