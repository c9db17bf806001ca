"""Programs of the images that are one file, as modules of the test's own process."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from support.processes.binaries import ROOT


def find_program(image: str) -> Path:
    """Return the file of an image under hack/images, such as `push-sink`."""
    return ROOT / "hack" / "images" / image / f"{image.replace('-', '_')}.py"


@cache
def load_program(image: str) -> ModuleType:
    """Return an image's program as a module."""
    path = find_program(image)
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module
