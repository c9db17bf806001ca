"""One run: compute keys, look at what is there, build and push what is not."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from supimages.artifacts import fetch_uv, gather_artifact, write_context
from supimages.buildah import Build, Buildah
from supimages.catalogue import Image
from supimages.content import compute_key, gather_files
from supimages.failure import Failure
from supimages.paths import REPOSITORY, Cache
from supimages.plan import Action, Facts, compute_actions, compute_keys, find_ready
from supimages.records import Record, Records
from supimages.registry import probe_answering, probe_manifest, read_size
from supimages.steps import Steps

# The machines this is made for have two cores.
_BUILDS_AT_ONCE = 2
_KEPT_PER_IMAGE = 3
_TRIES_WHILE_EDITED = 3


@dataclass(frozen=True)
class Request:
    """What a run is asked for; without a registry nothing is pushed."""

    images: tuple[Image, ...]
    cache: Cache
    records: Records
    registry: str | None


def build_tag(name: str, key: str) -> str:
    """The local name of an image with this content."""
    return f"localhost/sup/{name}:{key}"


def run_build(request: Request, steps: Steps) -> dict[str, str]:
    """Build and push what is needed; return the reference of each published image."""
    if request.registry and not probe_answering(request.registry):
        raise Failure(f"no registry answers at {request.registry}: run `make up`, or --no-push")
    with _only_run(request.cache):
        buildah = Buildah(request.cache)
        try:
            return _Run(request, steps, buildah).run()
        finally:
            buildah.release()


def save_images(references: Mapping[str, str], folder: Path, cache: Cache) -> list[Path]:
    """Write local images as archives, those that are there left alone; return all archives."""
    folder.mkdir(parents=True, exist_ok=True)
    archives = [
        folder / f"{tag.rpartition('/')[2].replace(':', '-')}.tar" for tag in references.values()
    ]
    with _only_run(cache):
        buildah = Buildah(cache)
        try:
            for tag, archive in zip(references.values(), archives, strict=True):
                if not archive.is_file():
                    draft = archive.with_name(f".{archive.name}.{os.getpid()}")
                    buildah.save(tag, draft, cache.images / "logs" / f"save-{archive.stem}.log")
                    draft.replace(archive)
        finally:
            buildah.release()
    for stale in set(folder.glob("*.tar")) - set(archives):
        stale.unlink()
    return archives


def clean(cache: Cache) -> None:
    """Remove the storage, the records and the logs; waits for a run that is under way."""
    if cache.images.is_dir():
        with _only_run(cache):
            if cache.storage.is_dir():
                Buildah(cache).release()
            shutil.rmtree(cache.images)


class _Run:
    def __init__(self, request: Request, steps: Steps, buildah: Buildah) -> None:
        self._request = request
        self._steps = steps
        self._buildah = buildah
        self._keys: dict[str, str] = {}
        self._logs = request.cache.images / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)

    def run(self) -> dict[str, str]:
        images = self._request.images
        with self._steps.step("compare inputs with what was built"):
            self._keys = compute_keys(images, self._gather_key)
            push = self._request.registry is not None
            actions = compute_actions(images, self._gather_facts(), push=push)
        changed = [image for image in images if actions[image.name] is not Action.NOTHING]
        try:
            self._work(changed, actions)
        finally:
            # What succeeded counts, also when another image failed.
            references = self._build_references()
            if self._request.registry:
                self._request.records.update_index(references)
        if changed:
            self._remove_old()
        return references

    def _gather_key(self, image: Image, parent_key: str | None) -> str:
        inputs = (image.dockerfile, *image.inputs)
        return compute_key(
            files=gather_files(REPOSITORY, inputs),
            arguments=image.arguments,
            parent_key=parent_key,
            artifact=gather_artifact(image, self._request.cache),
        )

    def _gather_facts(self) -> dict[str, Facts]:
        tags = self._buildah.read_tags()
        facts = {}
        for image in self._request.images:
            key = self._keys[image.name]
            record = self._request.records.read(image.name, key)
            registry = self._request.registry
            facts[image.name] = Facts(
                in_storage=build_tag(image.name, key) in tags,
                in_registry=record is not None
                and registry is not None
                and probe_manifest(registry, f"sup/{image.name}", record.digest),
            )
        return facts

    def _work(self, images: Sequence[Image], actions: dict[str, Action]) -> None:
        started: frozenset[str] = frozenset()
        finished: frozenset[str] = frozenset()
        running: dict[Future[None], str] = {}
        with ThreadPoolExecutor(_BUILDS_AT_ONCE) as pool:
            while len(finished) < len(images):
                for image in find_ready(images, finished, started):
                    running[pool.submit(self._do, image, actions[image.name])] = image.name
                    started |= {image.name}
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    finished |= {running.pop(future)}
                    self._stop_on_failure(future, running)

    def _stop_on_failure(self, future: Future[None], running: dict[Future[None], str]) -> None:
        if future.exception() is not None:
            for other in running:
                other.cancel()
            future.result()

    def _do(self, image: Image, action: Action) -> None:
        if action is Action.BUILD:
            with self._steps.step(f"build {image.name}"):
                self._build_settled(image)
        tag = build_tag(image.name, self._keys[image.name])
        if self._request.registry and image.published:
            with self._steps.step(f"push {image.name}"):
                self._push(image, tag, self._request.registry)

    def _build_settled(self, image: Image) -> None:
        """Build until the files stood still meanwhile, or a key would name other content."""
        parent_key = self._keys[image.parent] if image.parent else None
        for _ in range(_TRIES_WHILE_EDITED):
            tag = build_tag(image.name, self._keys[image.name])
            self._build(image, tag)
            key = self._gather_key(image, parent_key)
            if key == self._keys[image.name]:
                return
            self._buildah.remove([tag])
            if not image.published:
                break  # the keys of all that stands on it would be wrong
            self._keys[image.name] = key
        raise Failure(f"the files of {image.name} changed while it was built: run this again")

    def _build(self, image: Image, tag: str) -> None:
        arguments = list(image.arguments)
        if image.parent:
            arguments.append(("BASE", build_tag(image.parent, self._keys[image.parent])))
        self._buildah.build(
            Build(
                dockerfile=REPOSITORY / image.dockerfile,
                context=write_context(image, self._request.cache, self._keys[image.name]),
                tag=tag,
                arguments=tuple(arguments),
                uv=fetch_uv(self._request.cache) if image.needs_uv else None,
                log=self._logs / f"build-{image.name}.log",
            )
        )

    def _push(self, image: Image, tag: str, registry: str) -> None:
        key = self._keys[image.name]
        with tempfile.TemporaryDirectory(dir=self._request.cache.scratch) as folder:
            digest = self._buildah.push(
                tag,
                f"{registry}/sup/{image.name}:{key}",
                Path(folder) / "digest",
                self._logs / f"push-{image.name}.log",
            )
        size = read_size(registry, f"sup/{image.name}", digest)
        self._request.records.write(Record(image.name, key, digest, size))

    def _build_references(self) -> dict[str, str]:
        references = {}
        for image in self._request.images:
            key = self._keys[image.name]
            if not image.published:
                continue
            if self._request.registry is None:
                references[image.name] = build_tag(image.name, key)
            elif record := self._request.records.read(image.name, key):
                where = f"{self._request.registry}/sup/{image.name}"
                references[image.name] = f"{where}@{record.digest}"
        return references

    def _remove_old(self) -> None:
        current = {build_tag(image.name, self._keys[image.name]) for image in self._request.images}
        tags = self._buildah.read_tags()
        for image in self._request.images:
            prefix = build_tag(image.name, "")
            old = [tag for tag in tags if tag.startswith(prefix) and tag not in current]
            newest_first = sorted(old, key=self._probe_age)
            self._buildah.remove(newest_first[_KEPT_PER_IMAGE - 1 :])

    def _probe_age(self, tag: str) -> float:
        name, key = tag.rpartition("/")[2].split(":")
        return -self._request.records.probe_written(name, key)


@contextmanager
def _only_run(cache: Cache) -> Iterator[None]:
    cache.images.mkdir(parents=True, exist_ok=True)
    with (cache.images / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
