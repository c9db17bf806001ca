"""What images are made of beyond the repository: it is fetched or made before they are built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from supimages import postgres, rootfs
from supimages.catalogue import Context, Image
from supimages.content import compute_file_checksum
from supimages.failure import Failure
from supimages.packages import UV, fetch_tool
from supimages.paths import REPOSITORY, Cache


def gather_artifact(image: Image, cache: Cache) -> str | None:
    """What identifies the outside part of an image, without making it; None when it has none."""
    if image.context is Context.POSTGRES:
        return postgres.compute_recipe()
    if image.context is Context.MINIO:
        return compute_file_checksum(_find_minio(cache))
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
        case Context.ROOTFS:
            return rootfs.write_rootfs(cache.images / "rootfs" / key)
        case Context.MINIO:
            return _write_minio_context(cache)


def fetch_uv(cache: Cache) -> Path:
    """The uv program that runs inside of builds: a binary, where PATH may hold a launcher."""
    return fetch_tool(UV, cache) / "bin" / "uv"


def _write_minio_context(cache: Cache) -> Path:
    binary = _find_minio(cache)
    folder = cache.images / "minio"
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".minio.{os.getpid()}"
    shutil.copyfile(binary, draft)
    draft.chmod(0o755)
    draft.replace(folder / "minio")
    return folder


def _find_minio(cache: Cache) -> Path:
    command = [sys.executable, str(REPOSITORY / "hack" / "node"), "bin-dir"]
    environ = dict(os.environ, SUP_CACHE=str(cache.root))
    result = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    folders = result.stdout.strip().splitlines()
    binary = Path(folders[-1]) / "minio" if result.returncode == 0 and folders else None
    if binary is None or not binary.is_file():
        raise Failure("the minio binary is not there: run `python3 hack/node tools minio` first")
    return binary
