"""Images of single static programs, written as archives without any builder or base image."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from supnode.catalogue import compute_key
from supnode.failure import Failure

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# No wget: a static busybox of glibc crashes on looking up names.
APPLETS = ("sh", "sleep", "mkdir", "rm", "chmod", "cat", "ls", "echo", "test", "true", "nc")


@dataclass(frozen=True)
class StaticImage:
    """An image of one program: its reference, where the program lies, how it is called."""

    reference: str
    program: Path
    inside: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    def file_name(self) -> str:
        """Return the name of the image's archive."""
        return self.reference.replace("/", "_").replace(":", "_") + ".tar"


def build_reference(name: str, *, key: str) -> str:
    """Return the reference of an image of ours; the host part keeps it from being pulled."""
    return f"localhost/sup-node/{name}:{key}"


def build_config(image: StaticImage, *, layer_digest: str, machine: str) -> bytes:
    """Return the image's configuration document."""
    document = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {
            "Entrypoint": list(image.entrypoint) or None,
            "Cmd": list(image.command) or None,
            "Env": ["PATH=/bin"],
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created_by": "sup-node"}],
    }
    return json.dumps(document, sort_keys=True).encode()


def build_layer(image: StaticImage, program: bytes) -> bytes:
    """Return the image's one layer: the program, its links and an empty /tmp."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        _add_file(archive, image.inside.lstrip("/"), program, mode=0o755)
        # Go programs look a user id up; the file keeps that lookup quiet.
        passwd = b"root:x:0:0::/:/bin/sh\nnonroot:x:65532:65532::/tmp:/bin/sh\n"
        _add_file(archive, "etc/passwd", passwd, mode=0o644)
        for link in image.links:
            entry = tarfile.TarInfo(f"bin/{link}")
            entry.type, entry.linkname = tarfile.SYMTYPE, image.inside
            archive.addfile(entry)
    return buffer.getvalue()


def write_archive(image: StaticImage, folder: Path) -> Path:
    """Write the image as an archive that `ctr images import` reads; return its path."""
    target = folder / image.file_name()
    if target.exists():
        return target
    try:
        program = image.program.read_bytes()
    except FileNotFoundError as error:
        raise Failure(f"{image.program} is missing", cure="python3 hack/node up") from error
    layer = build_layer(image, program)
    digest = hashlib.sha256(layer).hexdigest()
    config = build_config(image, layer_digest=digest, machine=platform.machine())
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [image.reference], "Layers": ["layer.tar"]}]
    folder.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    with tarfile.open(draft, mode="w") as archive:
        _add_file(archive, config_name, config, mode=0o644)
        _add_file(archive, "layer.tar", layer, mode=0o644)
        _add_file(archive, "manifest.json", json.dumps(manifest).encode(), mode=0o644)
    draft.replace(target)
    return target


def build_images(*, bin_folder: Path, key: str, busybox: Path) -> dict[str, StaticImage]:
    """Return the images that the node itself needs, by the name its manifests use."""

    def of_program(name: str) -> StaticImage:
        inside = f"/bin/{name}"
        reference = build_reference(name, key=key)
        return StaticImage(reference, bin_folder / name, inside, entrypoint=(inside,))

    def of_busybox(name: str, command: Sequence[str]) -> StaticImage:
        reference = build_reference(name, key=compute_key({}, flags=repr((APPLETS, command))))
        inside = "/bin/busybox"
        return StaticImage(reference, busybox, inside, command=tuple(command), links=APPLETS)

    return {
        "coredns_image": of_program("coredns"),
        "local_path_image": of_program("local-path-provisioner"),
        "metallb_image": of_program("metallb-controller"),
        "busybox_image": of_busybox("busybox", ["/bin/sh"]),
        # The pause image holds a pod's namespaces open; it only has to sleep.
        "pause_image": of_busybox("pause", ["/bin/busybox", "sleep", "2147483647"]),
    }


def _add_file(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
