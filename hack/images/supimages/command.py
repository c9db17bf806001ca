"""The verbs of `python3 hack/images`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from supimages.failure import Failure
from supimages.paths import probe_cache
from supimages.postgres import fetch_postgres


def build_parser() -> argparse.ArgumentParser:
    """The command line, verb by verb."""
    parser = argparse.ArgumentParser(prog="hack/images", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    fetch = verbs.add_parser("fetch", help="place a tree of programs that also runs on this host")
    fetch.add_argument("what", choices=["postgres"])
    fetch.add_argument("--into", type=Path, help="parent folder (default: the cache)")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Run one verb; the exit code is 1 when something a person must act on is in the way."""
    options = build_parser().parse_args(arguments)
    try:
        print(fetch_postgres(probe_cache(), options.into))
    except Failure as failure:
        print(f"hack/images: {failure}", file=sys.stderr)
        return 1
    return 0
