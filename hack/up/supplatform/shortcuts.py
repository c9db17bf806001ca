"""kubectl, helm and a kubeconfig where a person's shell finds them, only where none is there."""

from pathlib import Path


def write_shortcuts(targets: dict[Path, Path]) -> list[Path]:
    """Link each place to its target unless something else is there; returns our links."""
    links = []
    for place, target in targets.items():
        if place.is_symlink() and not place.exists():
            place.unlink()  # left by a checkout or cache that is gone
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target)
        if place.is_symlink() and place.resolve() == target.resolve():
            links.append(place)
    return links


def remove_shortcuts(targets: dict[Path, Path]) -> None:
    """Remove the links that are ours."""
    for place, target in targets.items():
        if place.is_symlink() and place.readlink() == target:
            place.unlink()


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
