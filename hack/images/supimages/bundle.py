"""One archive with everything that a cluster without internet needs."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from supimages.content import compute_file_checksum
from supimages.failure import Failure
from supimages.paths import REPOSITORY
from supimages.steps import Steps

CHARTS = ("sup-operator", "sup-messenger")
KUBE_VERSION = "1.34.0"  # what `helm template` assumes, as it asks no cluster
# Stands for the registry in install.yaml until `load` is told which it is.
PLACEHOLDER = "registry.invalid"
_PATIENCE_SECONDS = 900
# Of the chart itself, so the operator's catalogue does not have them.
_AGENTS = ("promtail", "node-exporter")
_IMAGE = re.compile(r"^\s*(?:- )?image: (\S+)$", re.MULTILINE)
_CATALOGUE = re.compile(r"^\s*images\.json: (\".*\")$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One image of the bundle: its name there, and its reference without a registry."""

    name: str
    source: str

    @property
    def repository(self) -> str:
        """The path below a registry."""
        return remove_host(self.source).partition("@")[0].partition(":")[0]

    @property
    def tag(self) -> str:
        """The tag to push to; one that is known by its digest alone gets a tag made of it."""
        tag = remove_host(self.source).partition("@")[0].partition(":")[2]
        return tag or self.source.rpartition("sha256:")[2][:16]

    @property
    def pinned(self) -> str:
        """The digest in the reference, or nothing."""
        return self.source.partition("@")[2]


def remove_host(reference: str) -> str:
    """A reference without its registry, by Docker's rule of what a host is."""
    first, slash, rest = reference.partition("/")
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return rest if has_host else reference


def remove_hosts(values: Mapping[str, object]) -> dict[str, object]:
    """The chart's values with images that name no registry: the key `registry` has the say."""
    components = values.get("components")
    image = values.get("image")
    changed = dict(values)
    if isinstance(components, Mapping):
        changed["components"] = {name: remove_host(str(ref)) for name, ref in components.items()}
    if isinstance(image, Mapping):
        changed["image"] = {**image, "repository": remove_host(str(image["repository"]))}
    return changed


def parse_references(rendered: str) -> list[str]:
    """Every image that the operator's chart names: of its pods, and of the instances' parts."""
    found = set(_IMAGE.findall(rendered))
    found |= set(parse_catalogue(rendered).values())
    # An empty reference says that a part can't be had.
    return sorted(reference.strip('"') for reference in found if reference.strip('"'))


def build_entries(references: list[str]) -> list[Entry]:
    """Name each image by its path, so that two of one name keep apart."""
    entries = []
    for reference in references:
        bare = remove_host(reference)
        name = re.sub(r"[^a-z0-9.]+", "-", bare.partition("@")[0].lower())
        entries.append(Entry(name=name, source=reference))
    names = [entry.name for entry in entries]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise Failure(f"two images would be called {', '.join(doubled)} in the bundle")
    return entries


def parse_catalogue(rendered: str) -> dict[str, str]:
    """Component → image, as the operator's chart gives them to the operator."""
    (catalogue,) = _CATALOGUE.findall(rendered)
    components: dict[str, str] = json.loads(json.loads(catalogue))["components"]
    return components


def build_values(references: Mapping[str, str], *, known: Collection[str]) -> dict[str, object]:
    """The chart's values for images that were built here; known parts that were not are empty.

    What the chart does not know is left out: images for tests, and those of earlier releases.
    """
    repository, _, digest = references["operator"].partition("@")
    wanted = {**dict.fromkeys(known, ""), **references}
    components = {name: wanted[name] for name in (*known, *_AGENTS) if name in wanted}
    return {"image": {"repository": repository, "digest": digest}, "components": components}


def build_list(entries: list[Entry], digests: Mapping[str, str]) -> str:
    """The text of images.txt: name, path with tag, digest."""
    rows = [f"{e.name} {e.repository}:{e.tag} {digests[e.name]}" for e in entries]
    return "\n".join(rows) + "\n"


class Bundle:
    """Puts the archive together with helm and crane."""

    def __init__(self, programs: Path, steps: Steps, *, platform: str) -> None:
        self._programs = programs
        self._steps = steps
        self._platform = platform

    def render(self, values: Mapping[str, object], *, registry: str) -> str:
        """The operator's chart with these values, as plain manifests."""
        chart = REPOSITORY / "charts" / "sup-operator"
        words = ("template", "sup-operator", str(chart), "--namespace", "sup-system")
        flags = ("--no-hooks", "--kube-version", KUBE_VERSION, "--values", "-")
        document = json.dumps({**values, "registry": registry})
        return self._run("helm", *words, *flags, stdin=document)

    def build_values(self, references: Mapping[str, str]) -> dict[str, object]:
        """The values for images that were built here, and which parts the chart has beyond."""
        return build_values(references, known=parse_catalogue(self.render({}, registry="")))

    def write(self, values: Mapping[str, object], target: Path) -> list[Entry]:
        """Write the archive; return what is in it."""
        entries = build_entries(parse_references(self.render(values, registry="")))
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bundle-") as scratch:
            folder = Path(scratch) / target.stem
            folder.mkdir()
            digests = {entry.name: self._pull(entry, folder) for entry in entries}
            with self._steps.step("charts, manifests, list"):
                self._write_texts(values, entries, digests, folder)
            with self._steps.step("checksums and archive"):
                write_checksums(folder)
                draft = Path(scratch) / target.name
                with tarfile.open(draft, "w") as archive:
                    archive.add(folder, arcname=folder.name)
                draft.replace(target)
        digest = compute_file_checksum(target)
        target.with_name(f"{target.name}.sha256").write_text(f"{digest}  {target.name}\n")
        return entries

    def _pull(self, entry: Entry, folder: Path) -> str:
        """Bring an image into a folder of its own; what others hold already is linked."""
        layout = folder / "images" / entry.name
        layout.parent.mkdir(exist_ok=True)
        # What is known by its digest keeps all its platforms, or the digest would be another.
        chosen = () if entry.pinned else ("--platform", self._platform)
        with self._steps.step(f"pull {entry.name}"):
            self._run("crane", "pull", "--format", "oci", *chosen, entry.source, str(layout))
        blobs = folder / "images"
        for blob in sorted((layout / "blobs" / "sha256").iterdir()):
            for other in blobs.glob(f"*/blobs/sha256/{blob.name}"):
                if other.parent != blob.parent:
                    blob.unlink()
                    os.link(other, blob)
                    break
        (manifest,) = json.loads((layout / "index.json").read_text())["manifests"]
        digest = str(manifest["digest"])
        if entry.pinned not in {"", digest}:
            raise Failure(f"{entry.source} came as {digest}")
        return digest

    def _write_texts(
        self,
        values: Mapping[str, object],
        entries: list[Entry],
        digests: Mapping[str, str],
        folder: Path,
    ) -> None:
        (folder / "images.txt").write_text(build_list(entries, digests))
        bare = remove_hosts(values)
        text = json.dumps(bare, indent=1, sort_keys=True)
        (folder / "values.json").write_text(text + "\n")
        for chart in CHARTS:
            source = str(REPOSITORY / "charts" / chart)
            self._run("helm", "package", source, "--destination", str(folder / "charts"))
        namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: sup-system}\n"
        rendered = self.render(bare, registry=PLACEHOLDER)
        (folder / "install.yaml").write_text(namespace + rendered)
        (folder / "bin").mkdir()
        shutil.copy(self._programs / "crane", folder / "bin" / "crane")
        shutil.copy(REPOSITORY / "hack/images/bundle/load", folder / "load")
        shutil.copy(REPOSITORY / "docs/air-gap.md", folder / "README.md")

    def _run(self, program: str, *words: str, stdin: str = "") -> str:
        path = self._programs / program
        if not path.exists():
            raise Failure(f"{program} is missing: run `python3 hack/node tools helm crane` first")
        done = subprocess.run(
            [str(path), *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
        )
        if done.returncode != 0:
            raise Failure(f"{program} {words[0]}: {done.stderr.strip()[-1500:]}")
        return done.stdout


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS of every file; blobs that several images share are read once."""
    known: dict[int, str] = {}
    rows = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        inode = path.stat().st_ino
        if inode not in known:
            known[inode] = compute_file_checksum(path)
        rows.append(f"{known[inode]}  {path.relative_to(folder)}")
    (folder / "SHA256SUMS").write_text("\n".join(rows) + "\n")


def read_version() -> str:
    """The release: the version of the operator's chart."""
    text = (REPOSITORY / "charts" / "sup-operator" / "Chart.yaml").read_text()
    found = re.search(r"^version: (\S+)$", text, re.MULTILINE)
    if found is None:
        raise Failure("charts/sup-operator/Chart.yaml names no version")
    return found.group(1)


def find_programs() -> Path:
    """The folder of the programs that hack/node built."""
    command = [sys.executable, str(REPOSITORY / "hack" / "node"), "bin-dir"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise Failure(f"hack/node bin-dir: {done.stderr.strip()}")
    return Path(done.stdout.strip())
