"""Configuration files in YAML, as the programs of the pods read them."""

from typing import Any

import yaml


def dump_yaml(value: Any) -> str:
    """Return YAML with keys in the order they were written."""
    # The C library: whole files are written in each pass of each instance.
    return yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False, width=1000)
