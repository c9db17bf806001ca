"""The dashboards as files; `make generate` writes them from the typed code beside them.

That code needs a large library: the operator reads the files and never imports it.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def read_dashboards() -> Mapping[str, str]:
    """Return the text of each dashboard by the name of its file."""
    folder = files(__name__)
    found = (item for item in folder.iterdir() if item.name.endswith(".json"))
    return {item.name: item.read_text() for item in sorted(found, key=lambda item: item.name)}
