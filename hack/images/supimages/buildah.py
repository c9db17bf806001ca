"""The calls of buildah, on a storage of our own below the cache."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from supimages.failure import Failure
from supimages.paths import Cache
from supimages.registry import is_loopback

_PATIENCE_SECONDS = 1200
_HOST_CERTIFICATES = Path("/etc/ssl/certs")


@dataclass(frozen=True)
class Build:
    """One run of a Dockerfile."""

    dockerfile: Path
    context: Path
    tag: str
    arguments: tuple[tuple[str, str], ...]
    uv: Path | None
    log: Path


class Buildah:
    """Builds, pushes and removes images."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        for folder in (cache.storage, cache.runtime, cache.scratch):
            folder.mkdir(parents=True, exist_ok=True)

    def build(self, build: Build) -> None:
        """Run a Dockerfile; layers whose instructions and files are unchanged are reused."""
        options = ["--isolation", "chroot", "--network", "host", "--layers", "--pull-never"]
        options += ["--force-rm"]
        if build.uv is not None:
            options += ["-v", f"{build.uv}:/usr/local/bin/uv:ro"]
            # The machine may trust an authority that the image's own bundle does not know.
            options += ["-v", f"{_HOST_CERTIFICATES}:{_HOST_CERTIFICATES}:ro"]
        for key, value in build.arguments:
            options += ["--build-arg", f"{key}={value}"]
        target = ["-f", str(build.dockerfile), "-t", build.tag, str(build.context)]
        self._run(["bud", *options, *target], log=build.log)

    def push(self, tag: str, destination: str, digest_file: Path, log: Path) -> str:
        """Push a local image to a registry, with TLS unless it is loopback; return its digest."""
        verify = not is_loopback(destination.partition("/")[0])
        options = [f"--tls-verify={str(verify).lower()}", "--digestfile", str(digest_file)]
        self._run(["push", *options, tag, f"docker://{destination}"], log=log)
        return digest_file.read_text().strip()

    def save(self, tag: str, archive: Path, log: Path) -> None:
        """Write a local image as an archive that other engines load."""
        archive.unlink(missing_ok=True)
        self._run(["push", tag, f"docker-archive:{archive}:{tag}"], log=log)

    def read_tags(self) -> frozenset[str]:
        """The names with tags of all images in the storage."""
        text = self._run(["images", "--format", "{{.Name}}:{{.Tag}}"])
        return frozenset(line.strip() for line in text.splitlines())

    def remove(self, tags: Sequence[str]) -> None:
        """Take names away; the layers go with the last name that needs them."""
        if tags:
            self._run(["rmi", *tags])

    def release(self) -> None:
        """Leave no mount behind: neither a cut-off build's nor the overlay driver's own."""
        self._run(["rm", "--all"])
        overlay = str(self._cache.storage / "overlay")
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        if any(line.split()[1] == overlay for line in mounts):
            subprocess.run(["umount", overlay], capture_output=True)

    def _run(self, arguments: Sequence[str], log: Path | None = None) -> str:
        command = ["buildah", "--root", str(self._cache.storage)]
        command += ["--runroot", str(self._cache.runtime), *arguments]
        environ = dict(os.environ, TMPDIR=str(self._cache.scratch), BUILDAH_ISOLATION="chroot")
        try:
            result = subprocess.run(
                command, env=environ, capture_output=True, text=True, timeout=_PATIENCE_SECONDS
            )
        except FileNotFoundError as error:
            cure = "apt-get install --no-install-recommends buildah"
            raise Failure(f"buildah is missing: {cure}") from error
        if log is not None:
            log.write_text(f"$ {' '.join(command)}\n{result.stdout}{result.stderr}")
        if result.returncode != 0:
            tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
            where = f"\nthe whole output: {log}" if log else ""
            raise Failure(f"buildah {arguments[0]} exited {result.returncode}:\n{tail}{where}")
        return result.stdout
