"""Where the checkout is and where everything outside of it is kept."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Cache:
    """The folders below one cache root; none of them is made by asking for its name."""

    root: Path

    @property
    def images(self) -> Path:
        """Records of what was built, and `images.json`."""
        return self.root / "images"

    @property
    def storage(self) -> Path:
        """Buildah's own storage, so that a person's other images are left alone."""
        return self.images / "storage"

    @property
    def runtime(self) -> Path:
        """Buildah's run-time state (locks, mounts)."""
        return self.images / "run"

    @property
    def scratch(self) -> Path:
        """Temporary files and the cache mounts of `RUN --mount=type=cache`."""
        return self.images / "tmp"

    @property
    def tools(self) -> Path:
        """Programs fetched from the package registries."""
        return self.root / "tools"


def compute_cache(environ: Mapping[str, str]) -> Cache:
    """The cache of this user: SUP_CACHE, else sup-messenger below the XDG cache folder."""
    if chosen := environ.get("SUP_CACHE"):
        return Cache(Path(chosen).expanduser().absolute())
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "~")).expanduser())
    parent = Path(base) if environ.get("XDG_CACHE_HOME") else Path(base) / ".cache"
    return Cache(parent.absolute() / "sup-messenger")


def probe_cache() -> Cache:
    """The cache of the running process."""
    return compute_cache(os.environ)
