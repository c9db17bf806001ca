"""`sup-object-storage-setup`: exit 0 done, 1 a person must act, 2 wrong call or set-up."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import urllib3
from minio.error import MinioException

from supmessenger_common.bindings import BindingError, read_object_storage
from supmessenger_common.termination import write_termination
from supmessenger_worker.object_storage_setup.plan import Plan, read_plan
from supmessenger_worker.object_storage_setup.store import (
    NotReadyError,
    VerificationError,
    apply_plan,
    verify_users,
    wait_for_store,
)

WAIT_SECONDS = 120.0
DONE, ACT, MISUSED = 0, 1, 2


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="sup-object-storage-setup", description=__doc__)
    parser.add_argument(
        "--wait",
        type=float,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help="how long to wait for the store (default: %(default)s)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Make buckets, policies and users, then use each user's keys once."""
    options = build_parser().parse_args(arguments)
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - begun:7.2f} s] {line}", flush=True)

    folder = Path(os.environ.get("SERVICE_BINDING_ROOT") or "/bindings")
    try:
        root = read_object_storage(folder)
        plan = read_plan(folder)
        wait_for_store(root, seconds=options.wait, say=say)
        apply_plan(root, plan, say=say)
        verify_users(plan, say=say)
    except BindingError as error:
        return _fail(MISUSED, str(error))
    except (NotReadyError, VerificationError, MinioException) as error:
        return _fail(ACT, str(error))
    except urllib3.exceptions.HTTPError as error:
        return _fail(ACT, f"{root.endpoint} stopped answering: {error}")
    write_termination(_build_outcome(plan))
    return DONE


def _build_outcome(plan: Plan) -> dict[str, object]:
    return {"buckets": list(plan.buckets), "users": [user.role for user in plan.users]}


def _fail(code: int, message: str) -> int:
    print(f"sup-object-storage-setup: {message}", file=sys.stderr)
    write_termination({"message": message})
    return code


if __name__ == "__main__":
    sys.exit(main())
