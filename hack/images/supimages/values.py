"""The fragment of Helm values that names the images that were built."""

from collections.abc import Mapping

from supimages.catalogue import COMPONENTS
from supimages.failure import Failure


def build_values(references: Mapping[str, str]) -> str:
    """YAML with the operator's image and one image for each component, all by digest."""
    missing = [name for name in ("operator", *COMPONENTS) if name not in references]
    if missing:
        raise Failure(f"not built yet: {', '.join(missing)}; run `python3 hack/images build`")
    lines = ["images:", f"  operator: {references['operator']}", "  components:"]
    lines += [f"    {name}: {references[name]}" for name in COMPONENTS]
    return "\n".join(lines) + "\n"
