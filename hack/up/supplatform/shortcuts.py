"""kubectl, helm and a kubeconfig where a person's shell finds them, only where none is there."""

import json
from pathlib import Path

from supnode.paths import write_atomically


def write_shortcuts(targets: dict[Path, Path], *, record: Path) -> None:
    """Link each place to its target unless something of a person's is there.

    `record` (place → target, JSON) says which links are ours, so that another checkout or cache
    takes them over and `remove_shortcuts` finds them.
    """
    ours = _read_record(record)
    for place, target in targets.items():
        if _is_ours(place, ours):
            place.unlink()
        if not place.exists() and not place.is_symlink():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target)
            ours[place] = target
    kept = {str(place): str(target) for place, target in ours.items() if _is_ours(place, ours)}
    write_atomically(record, json.dumps(kept, indent=1) + "\n")


def remove_shortcuts(*, record: Path) -> None:
    """Remove the links that are still as we made them, and the record."""
    ours = _read_record(record)
    for place in ours:
        if _is_ours(place, ours):
            place.unlink()
    record.unlink(missing_ok=True)


def _read_record(record: Path) -> dict[Path, Path]:
    if not record.is_file():
        return {}
    return {Path(place): Path(target) for place, target in json.loads(record.read_text()).items()}


def _is_ours(place: Path, ours: dict[Path, Path]) -> bool:
    return place.is_symlink() and place.readlink() == ours.get(place)


def build_targets(
    *, binaries: Path, scripts: Path, kubeconfig: Path, home: Path
) -> dict[Path, Path]:
    """Return place → target of every shortcut."""
    folder = Path("/usr/local/bin")
    return {
        folder / "kubectl": binaries / "kubectl",
        folder / "helm": binaries / "helm",
        folder / "kubectl-sup": scripts / "kubectl-sup",
        home / ".kube" / "config": kubeconfig,
    }
