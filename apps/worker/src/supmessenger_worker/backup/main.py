"""`sup-backup create|verify|extract|put-objects`: exit 0 done, 1 failed, 2 wrong call or set-up."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import urllib3
from minio.error import MinioException

from supmessenger_common.bindings import BindingError, read_object_storage, read_postgres
from supmessenger_common.database import fetch_schema_version, open_connection
from supmessenger_common.termination import build_line, write_termination
from supmessenger_worker.backup.create import DumpError, Request, create_archive
from supmessenger_worker.backup.destination import DestinationError
from supmessenger_worker.backup.manifest import Manifest, ManifestError
from supmessenger_worker.backup.objects import ObjectsError, open_store
from supmessenger_worker.backup.reader import BrokenError, verify_archive
from supmessenger_worker.backup.restore import CallError, extract_to_empty, put_objects

DONE, FAILED, MISUSED = 0, 1, 2

Say = Callable[[str], None]
Outcome = Mapping[str, object]


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="sup-backup", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    create = verbs.add_parser("create", help="write an archive of a database dump and all objects")
    create.add_argument("--dump", type=Path, required=True, help="of pg_dump --format=custom")
    create.add_argument("--destination", type=Path, required=True, help="folder of the archives")
    create.add_argument("--keep", type=int, default=7, help="archives to keep (default: 7)")
    create.set_defaults(run=run_create)
    verify = verbs.add_parser("verify", help="read an archive and check everything in it")
    verify.add_argument("file", type=Path)
    verify.set_defaults(run=run_verify)
    extract = verbs.add_parser("extract", help="unpack an archive into an empty folder, checked")
    extract.add_argument("file", type=Path)
    extract.add_argument("folder", type=Path)
    extract.set_defaults(run=run_extract)
    put = verbs.add_parser("put-objects", help="upload the objects of an unpacked archive")
    put.add_argument("folder", type=Path)
    put.add_argument("--bucket-prefix", help="of the buckets (default: the binding's)")
    put.set_defaults(run=run_put_objects)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; its last line, and the pod's termination message, is one line of JSON."""
    options = build_parser().parse_args(arguments)
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - begun:7.2f} s] {line}", flush=True)

    try:
        outcome: Outcome = options.run(options, say)
    except (BindingError, CallError) as error:
        return _fail(MISUSED, str(error))
    except (DumpError, DestinationError, BrokenError, ManifestError, ObjectsError) as error:
        return _fail(FAILED, str(error))
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        return _fail(FAILED, f"the object store failed: {error}")
    except (asyncpg.PostgresError, OSError) as error:
        return _fail(FAILED, str(error) or type(error).__name__)
    outcome = {**outcome, "seconds": round(time.monotonic() - begun, 2)}
    print(build_line(outcome), flush=True)
    write_termination(outcome)
    return DONE


def _fail(code: int, message: str) -> int:
    print(f"sup-backup: {message}", file=sys.stderr)
    write_termination({"message": message})
    return code


def _find_bindings() -> Path:
    return Path(os.environ.get("SERVICE_BINDING_ROOT") or "/bindings")


def run_create(options: argparse.Namespace, say: Say) -> Outcome:
    """Write an archive; old ones go only after it is whole."""
    if options.keep < 1:
        raise CallError("--keep must be at least 1")
    root = _find_bindings()
    request = Request(
        instance=os.environ.get("SUP_INSTANCE") or "sup",
        dump=options.dump,
        destination=options.destination,
        keep=options.keep,
        schema_version=asyncio.run(_fetch_schema_version(root)),
        now=datetime.now(UTC).replace(microsecond=0),
    )
    created = create_archive(request, open_store(read_object_storage(root)), say=say)
    return {
        "archive": str(created.path),
        "bytes": created.size,
        "sha256": created.sha256,
        "removed": list(created.removed),
        **_describe(created.manifest),
    }


async def _fetch_schema_version(root: Path) -> str | None:
    connection = await open_connection(read_postgres(root), application_name="sup-backup")
    try:
        return await fetch_schema_version(connection)
    finally:
        await connection.close()


def run_verify(options: argparse.Namespace, say: Say) -> Outcome:
    """Check an archive from the first to the last byte."""
    manifest = verify_archive(options.file)
    say(f"{options.file.name} is whole")
    return {"archive": str(options.file), **_describe(manifest)}


def run_extract(options: argparse.Namespace, say: Say) -> Outcome:
    """Unpack an archive."""
    manifest = extract_to_empty(options.file, options.folder)
    say(f"{options.file.name} unpacked to {options.folder}")
    return {"folder": str(options.folder), **_describe(manifest)}


def run_put_objects(options: argparse.Namespace, say: Say) -> Outcome:
    """Upload the objects of an unpacked archive to the buckets of the bound store."""
    binding = read_object_storage(_find_bindings())
    if options.bucket_prefix is not None:
        binding = replace(binding, bucket_prefix=options.bucket_prefix)
    if not binding.bucket_prefix:
        raise CallError("the binding names no bucket-prefix: give --bucket-prefix, such as demo-")
    count = put_objects(options.folder, open_store(binding), say=say)
    say(f"{count} objects put into {binding.endpoint}")
    return {"objects": count}


def _describe(manifest: Manifest) -> Outcome:
    return {
        "instance": manifest.instance,
        "createdAt": manifest.created_at.isoformat(),
        "schemaVersion": manifest.schema_version,
        "objects": manifest.count_objects(),
        "contentBytes": manifest.compute_size(),
    }


if __name__ == "__main__":
    sys.exit(main())
