#!/usr/bin/env python3
"""Write everything that is generated from the operator's model; `--check` fails on drift."""

import argparse
import difflib
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from supmessenger_cli.reference import build_reference as build_cli_reference
from supmessenger_operator.cluster.permissions import build_rules
from supmessenger_operator.desired.dashboards.rendering import render_dashboards
from supmessenger_operator.model.crd import build_crd
from supmessenger_operator.model.reference import build_reference, build_values_schema

ROOT = Path(__file__).resolve().parent.parent
DASHBOARDS = "operator/src/supmessenger_operator/desired/dashboards"
HEADER = "# Generated from the model by hack/generate.py; do not edit.\n"


class _Dumper(yaml.SafeDumper):
    """Plain YAML: no anchors, as tools that read CRDs line by line trip over them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def render_yaml(content: Any) -> str:
    """Return YAML with the header, keys in the order they were written."""
    # A wide line keeps one description on one line, which diffs well.
    return HEADER + yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True
    )


def build_files() -> dict[str, str]:
    """Return the content of every generated file by its path below the root."""
    crd = render_yaml(build_crd())
    return {
        "crds/supmessengers.yaml": crd,
        "charts/sup-operator/files/supmessengers.yaml": crd,
        "charts/sup-operator/files/rbac-rules.yaml": render_yaml(build_rules()),
        "charts/sup-messenger/values.schema.json": json.dumps(
            build_values_schema(), indent=2, ensure_ascii=False
        )
        + "\n",
        "docs/api-reference.md": build_reference(),
        "docs/cli-reference.md": build_cli_reference(),
        **{f"{DASHBOARDS}/{name}": text for name, text in render_dashboards().items()},
    }


def main() -> int:
    """Write the files, or with --check compare them and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file would change")
    check = parser.parse_args().check
    stale = 0
    for name, content in build_files().items():
        path = ROOT / name
        current = path.read_text() if path.exists() else ""
        if current == content:
            continue
        stale += 1
        if check:
            difference = difflib.unified_diff(
                current.splitlines(), content.splitlines(), name, f"{name} (generated)", lineterm=""
            )
            print("\n".join(list(difference)[:20]))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            print(f"wrote {name}")
    if check and stale:
        print(f"{stale} generated files are stale; run `make generate` and commit the result")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
