"""Kafka's jars from Maven Central: what a KRaft broker needs, each verified by checksum.

Maven fetches them as the machine's own settings say (mirror, proxy); no address is written here.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from supimages.content import compute_file_checksum
from supimages.failure import Failure
from supimages.paths import REPOSITORY, Cache

VERSION = "3.9.2"
FOLDER = REPOSITORY / "hack" / "images" / "kafka"
CHECKSUMS = "checksums.txt"
_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_STAMP = ".complete"
_PATIENCE_SECONDS = 600


def compute_recipe() -> str:
    """A hash of all that decides what the tree holds."""
    digest = hashlib.sha256()
    for name in ("pom.xml", CHECKSUMS):
        digest.update((FOLDER / name).read_bytes())
    return digest.hexdigest()


def fetch_kafka(cache: Cache, into: Path | None = None) -> Path:
    """Place the tree (libs) at `<cache>/kafka-3.9.2`, or below `into`; return it.

    Safe to call from several processes at once; a tree that is complete is left as it is.
    """
    parent = into or cache.root
    tree = parent / f"kafka-{VERSION}"
    recipe = compute_recipe()
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / f".{tree.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(tree, recipe):
            _build_tree(tree, recipe)
    return tree


def parse_checksums(text: str) -> dict[str, str]:
    """The sha256 of each jar, from lines as `sha256sum` prints them."""
    pairs = (line.split() for line in text.splitlines())
    return {name: checksum for checksum, name in pairs}


def find_differences(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """What is wrong with the fetched jars, a sentence each; nothing when all is well."""
    return [
        *(f"{name} is missing" for name in sorted(wanted.keys() - found.keys())),
        *(f"{name} is not in {CHECKSUMS}" for name in sorted(found.keys() - wanted.keys())),
        *(
            f"{name} has checksum {found[name]}, expected {wanted[name]}"
            for name in sorted(wanted.keys() & found.keys())
            if found[name] != wanted[name]
        ),
    ]


def _is_complete(tree: Path, recipe: str) -> bool:
    stamp = tree / _STAMP
    return stamp.is_file() and stamp.read_text() == recipe


def _build_tree(tree: Path, recipe: str) -> None:
    with tempfile.TemporaryDirectory(dir=tree.parent, prefix=".kafka-") as folder:
        fresh = Path(folder) / "tree"
        _run_maven(fresh / "libs", repository=Path(folder) / "repository")
        found = {path.name: compute_file_checksum(path) for path in (fresh / "libs").iterdir()}
        differences = find_differences(found, parse_checksums((FOLDER / CHECKSUMS).read_text()))
        if differences:
            raise Failure("Kafka's jars are not the expected ones: " + "; ".join(differences))
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        (fresh / _STAMP).write_text(recipe)
        shutil.rmtree(tree, ignore_errors=True)
        fresh.rename(tree)


def _run_maven(libs: Path, *, repository: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise Failure("Maven is missing: apt-get install --no-install-recommends maven")
    command = [maven, "--batch-mode", "--quiet", "--file", str(FOLDER / "pom.xml"), _GOAL]
    # Maven's own parts are not to stay in the user's home.
    command += [f"-DoutputDirectory={libs}", f"-Dmaven.repo.local={repository}"]
    result = subprocess.run(
        command, env=dict(os.environ), capture_output=True, text=True, timeout=_PATIENCE_SECONDS
    )
    if result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-8:])
        raise Failure(f"fetching Kafka's jars failed (mvn exited {result.returncode}):\n{tail}")
