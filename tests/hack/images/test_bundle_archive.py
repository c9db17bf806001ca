"""The bundle is written from one registry and loaded into another, digest by digest."""

import io
import json
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.control_plane import ROOT, find_binary, free_ports
from support.messengers import make_inputs, make_messenger

from supimages.bundle import Bundle, build_entries, parse_catalogue, parse_references, remove_host
from supimages.steps import Steps
from supmessenger_operator.desired import build_objects
from supmessenger_operator.model.features import Images
from supmessenger_operator.model.images import compute_images

pytestmark = [pytest.mark.control_plane, pytest.mark.timeout(180)]

PARTS = ("postgres", "redis", "rabbitmq", "minio", "nginx", "api", "websocket", "media", "worker")
# Every part that can be on at once.
EVERYTHING = {
    "domain": "chat.example.org",
    "kafka": {"enabled": True},
    "livekit": {"enabled": True},
    "turn": {"enabled": True},
    "monitoring": {"enabled": True},
}


@contextmanager
def run_registry(folder: Path) -> Iterator[str]:
    """Run a registry of our own on the loopback interface; gives its address."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    folder.mkdir()
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    config = {"version": 0.1, "log": {"level": "error"}, "storage": storage}
    file = folder / "config.yaml"
    file.write_text(json.dumps({**config, "http": {"addr": address}}))
    with subprocess.Popen([find_binary("registry"), "serve", file]) as process:
        try:
            wait_for(address)
            yield address
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/v2/", timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, "the registry does not answer"
            time.sleep(0.1)


def run_crane(*words: str) -> str:
    command = [str(find_binary("crane")), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def push_image(reference: str, content: str, folder: Path) -> str:
    """Push an image of one small file; return its digest."""
    layer = folder / "layer.tar"
    with tarfile.open(layer, "w") as archive:
        entry = tarfile.TarInfo("content")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content.encode()))
    run_crane("append", "--new_layer", str(layer), "--new_tag", reference)
    return run_crane("digest", reference)


@pytest.fixture
def bundle() -> Iterator[Bundle]:
    steps = Steps(sys.stderr)
    yield Bundle(find_binary("crane").parent, steps, platform="linux/amd64")
    steps.close()


def load(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(folder / "load"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_bundle_fills_another_registry_with_the_same_images(
    bundle: Bundle, tmp_path: Path
) -> None:
    with run_registry(tmp_path / "here") as here, run_registry(tmp_path / "there") as there:
        components = {}
        for name in PARTS:
            digest = push_image(f"{here}/sup/{name}:1", name, tmp_path)
            # Known by a tag, and known by its digest.
            pinned = name in {"api", "worker"}
            components[name] = f"{here}/sup/{name}" + (f"@{digest}" if pinned else ":1")
        push_image(f"{here}/sup/operator:1", "operator", tmp_path)
        known = parse_catalogue(bundle.render({}, registry=""))
        agents = {"promtail": {"enabled": False}, "nodeExporter": {"enabled": False}}
        values = {
            "image": {"repository": f"{here}/sup/operator", "tag": "1"},
            "components": {**dict.fromkeys(known, ""), **components},
            "agents": agents,
        }
        archive = tmp_path / "dist" / "bundle.tar"
        entries = bundle.write(values, archive)
        assert {entry.source for entry in entries} == {
            *components.values(),
            f"{here}/sup/operator:1",
        }

        with tarfile.open(archive) as packed:
            packed.extractall(tmp_path, filter="data")
        folder = tmp_path / "bundle"
        done = load(folder, f"{there}/mirror")
        assert done.returncode == 0, done.stderr
        rows = [line.split() for line in (folder / "images.txt").read_text().splitlines()]
        for entry, (_, path, digest) in zip(entries, rows, strict=True):
            assert run_crane("digest", f"{there}/mirror/{path}") == digest
            assert run_crane("digest", entry.source) == digest
            # Under the very name that the operator will ask for.
            asked = f"{there}/mirror/{remove_host(entry.source)}"
            assert run_crane("digest", asked) == digest

        installed = (folder / "install.local.yaml").read_text()
        assert here not in installed
        assert f"image: {there}/mirror/sup/operator:1" in installed
        assert json.loads((folder / "registry.json").read_text()) == {"registry": f"{there}/mirror"}
        assert {path.name for path in (folder / "charts").iterdir()} == {
            "sup-operator-0.1.0.tgz",
            "sup-messenger-0.1.0.tgz",
        }

        blob = next((folder / "images").glob("*/blobs/sha256/*"))
        blob.write_bytes(blob.read_bytes() + b"damaged")
        damaged = load(folder, f"{there}/other")
        assert damaged.returncode == 1
        assert "files of this bundle are damaged; copy it again" in damaged.stderr


def test_load_without_a_registry_says_how_it_is_called(tmp_path: Path) -> None:
    for words in ((), ("--help",), ("a", "b")):
        done = load(ROOT / "hack" / "images" / "bundle", *words)
        assert done.returncode == 2
        assert "usage: ./load REGISTRY" in done.stderr


def test_every_image_of_every_part_is_listed_and_follows_the_registry_key(bundle: Bundle) -> None:
    registry = "mirror.example.org/sup"
    rendered = bundle.render({}, registry=registry)
    listed = {
        entry.source for entry in build_entries(parse_references(bundle.render({}, registry="")))
    }
    mirrored = {f"{registry}/{remove_host(reference)}" for reference in listed}

    # The operator's own pods, and the agents of each node.
    own = set(parse_references(rendered)) - set(parse_catalogue(rendered).values())
    assert own
    assert own <= mirrored

    images = compute_images(parse_catalogue(rendered), Images(registry=registry), version="")
    messenger = make_messenger(spec=EVERYTHING)
    wanted = set()
    inputs = make_inputs(messenger, images=images)
    for built in build_objects(messenger, inputs):
        wanted |= set(find_images(built.body))
    assert len(wanted) >= 15
    assert wanted <= mirrored


def find_images(node: object) -> Iterator[str]:
    """Every container's image in an object, wherever its pod template is."""
    if isinstance(node, dict):
        for key, child in node.items():
            if key in {"containers", "initContainers"} and isinstance(child, list):
                yield from (container["image"] for container in child)
            yield from find_images(child)
    elif isinstance(node, list):
        for child in node:
            yield from find_images(child)
