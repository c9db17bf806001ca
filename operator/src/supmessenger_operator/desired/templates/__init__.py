"""Files that the pods mount, as templates; rendering is pure."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

# Configuration files, not web pages: nothing is escaped for HTML, each template quotes for itself.
_environment = Environment(
    loader=PackageLoader("supmessenger_operator.desired", "templates"),
    undefined=StrictUndefined,
    autoescape=False,
    keep_trailing_newline=True,
    trim_blocks=False,
)


def build_file(template: str, values: Mapping[str, Any] | None = None) -> str:
    """Return the text of a template; a value that it misses is an error."""
    return _environment.get_template(template).render(values or {})
