"""The resource definitions of Argo CD and Flux, taken from their Go modules."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from supnode.catalogue import compute_key
from supnode.commands import build_environment
from supnode.failure import Failure
from supnode.toolchains import ensure_go

# Module and version → the files in it. The newest of each that our Go can read.
FILES = {
    "github.com/argoproj/argo-cd/v3@v3.5.7": (
        "manifests/crds/application-crd.yaml",
        "manifests/crds/appproject-crd.yaml",
    ),
    "github.com/fluxcd/kustomize-controller@v1.9.6": (
        "config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",
    ),
    "github.com/fluxcd/source-controller@v1.9.6": (
        "config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml",
        "config/crd/bases/source.toolkit.fluxcd.io_ocirepositories.yaml",
    ),
    "github.com/fluxcd/helm-controller@v1.6.1": (
        "config/crd/bases/helm.toolkit.fluxcd.io_helmreleases.yaml",
    ),
}


def compute_folder(cache: Path) -> Path:
    """Return the folder of the definitions once they are there."""
    return cache / "definitions" / compute_key({}, flags=repr(FILES))


def ensure_definitions(cache: Path) -> Path:
    """Return the folder of the definitions, fetching the modules unless they are there."""
    folder = compute_folder(cache)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        draft = Path(scratch) / "files"
        draft.mkdir()
        for module, files in FILES.items():
            source = _fetch(module, go=ensure_go(cache), cwd=Path(scratch))
            for file in files:
                shutil.copyfile(source / file, draft / Path(file).name)
        draft.replace(folder)
    return folder


def _fetch(module: str, *, go: Path, cwd: Path) -> Path:
    """Return the folder of a module in Go's own cache; Go checks it by its checksum database."""
    done = subprocess.run(
        [str(go), "mod", "download", "-json", module],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=build_environment({"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}),
        check=False,
    )
    answer = json.loads(done.stdout or "{}")
    if done.returncode != 0 or "Dir" not in answer:
        raise Failure(
            f"{module}: {answer.get('Error', done.stderr.strip())}",
            cure="the Go module proxy must be reachable",
        )
    return Path(answer["Dir"])
