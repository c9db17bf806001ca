"""What images are made of beyond the repository: it is fetched or made before they are built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from supimages import kafka, postgres, rootfs
from supimages.catalogue import Context, Image
from supimages.content import compute_file_checksum
from supimages.failure import Failure
from supimages.packages import UV, fetch_tool
from supimages.paths import REPOSITORY, Cache


def gather_artifact(image: Image, cache: Cache) -> str | None:
    """What identifies the outside part of an image, without making it; None when it has none."""
    if image.context is Context.POSTGRES:
        return postgres.compute_recipe()
    if image.context is Context.KAFKA:
        return kafka.compute_recipe()
    if image.context is Context.BINARIES:
        return "+".join(compute_file_checksum(path) for path in _find_binaries(image, cache))
    return UV.sha256 if image.needs_uv else None


def write_context(image: Image, cache: Cache, key: str) -> Path:
    """The folder that the Dockerfile copies from, ready to be used."""
    match image.context:
        case Context.REPOSITORY:
            return REPOSITORY
        case Context.FOLDER:
            return (REPOSITORY / image.dockerfile).parent
        case Context.POSTGRES:
            return postgres.fetch_postgres(cache)
        case Context.KAFKA:
            return kafka.fetch_kafka(cache)
        case Context.ROOTFS:
            return rootfs.write_rootfs(cache.images / "rootfs" / key)
        case Context.BINARIES:
            return _write_binaries(image, cache)


def fetch_uv(cache: Cache) -> Path:
    """The uv program that runs inside of builds: a binary, where PATH may hold a launcher."""
    return fetch_tool(UV, cache) / "bin" / "uv"


def _write_binaries(image: Image, cache: Cache) -> Path:
    folder = cache.images / image.name
    folder.mkdir(parents=True, exist_ok=True)
    for binary in _find_binaries(image, cache):
        draft = folder / f".{binary.name}.{os.getpid()}"
        shutil.copyfile(binary, draft)
        draft.chmod(0o755)
        draft.replace(folder / binary.name)
    return folder


def _find_binaries(image: Image, cache: Cache) -> tuple[Path, ...]:
    command = [sys.executable, str(REPOSITORY / "hack" / "node"), "bin-dir"]
    environ = dict(os.environ, SUP_CACHE=str(cache.root))
    result = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    folders = result.stdout.strip().splitlines()
    if result.returncode != 0 or not folders:
        raise Failure("there are no programs of hack/node: run `python3 hack/node up` first")
    found = tuple(Path(folders[-1]) / name for name in image.binaries)
    missing = [path.name for path in found if not path.is_file()]
    if missing:
        names = " ".join(missing)
        raise Failure(f"not built yet: {names}: run `python3 hack/node tools {names}` first")
    return found
