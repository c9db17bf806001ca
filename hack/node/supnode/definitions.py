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

# With what Argo CD comes; its controllers do not work without these, nor without the script below.
SETTINGS = ("cm", "cmd-params-cm", "rbac-cm", "secret")
# Flux's source-controller does not start unless it finds all of them.
SOURCES = (
    *("buckets", "externalartifacts", "gitrepositories"),
    *("helmcharts", "helmrepositories", "ocirepositories"),
)
# Module and version → the files in it. The newest of each that our Go can read.
FILES = {
    "github.com/argoproj/argo-cd/v3@v3.5.7": (
        "manifests/crds/application-crd.yaml",
        "manifests/crds/appproject-crd.yaml",
        *(f"manifests/base/config/argocd-{name}.yaml" for name in SETTINGS),
        "hack/git-verify-wrapper.sh",
    ),
    "github.com/fluxcd/kustomize-controller@v1.9.5": (
        "config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",
    ),
    "github.com/fluxcd/source-controller@v1.9.6": (
        *(f"config/crd/bases/source.toolkit.fluxcd.io_{name}.yaml" for name in SOURCES),
    ),
    "github.com/fluxcd/helm-controller@v1.6.1": (
        "config/crd/bases/helm.toolkit.fluxcd.io_helmreleases.yaml",
    ),
}


def compute_folder(cache: Path) -> Path:
    """Return the folder of the definitions once they are there."""
    return cache / "definitions" / compute_key({}, flags=repr(FILES))


def compute_place(file: str) -> Path:
    """Return where a module's file goes: what is no definition has a folder of its own."""
    path = Path(file)
    folders = {"config": "settings", "hack": "programs"}
    return Path(folders.get(path.parent.name, "."), path.name)


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
                target = draft / compute_place(file)
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(source / file, target)
                if target.parent.name == "programs":
                    target.chmod(0o755)
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
