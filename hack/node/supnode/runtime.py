"""containerd inside the node: whether it answers, and which images it holds."""

from __future__ import annotations

from pathlib import Path

from supnode.commands import probe_succeeds, run_captured, run_logged
from supnode.enclosure import SOCKET, Enclosure
from supnode.images import StaticImage, write_archive


class Runtime:
    """Speaks to the node's containerd through its own client."""

    def __init__(self, enclosure: Enclosure, archives: Path, logs: Path) -> None:
        self._enclosure = enclosure
        self._archives = archives
        self._logs = logs

    def is_ready(self) -> bool:
        """Return whether containerd answers."""
        return probe_succeeds(self._ctr("version"))

    def import_images(self, images: list[StaticImage]) -> None:
        """Bring in those of the images that containerd does not hold yet."""
        present = set(run_captured(self._ctr("images", "ls", "-q")).split())
        for image in images:
            if image.reference not in present:
                archive = write_archive(image, self._archives)
                log = self._logs / "images.log"
                run_logged(self._ctr("images", "import", str(archive)), log=log)

    def _ctr(self, *words: str) -> list[str]:
        return [*self._enclosure.enter(), "ctr", "--address", SOCKET, "-n", "k8s.io", *words]
