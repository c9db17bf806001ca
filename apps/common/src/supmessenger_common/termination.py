"""The one line a Job leaves for whoever looks at its pod: the termination message."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

DEFAULT_PATH = "/dev/termination-log"
# Kubernetes keeps 4,096 bytes of a container's message; three texts may be long.
_TEXT_LIMIT = 900


def build_line(outcome: Mapping[str, object]) -> str:
    """Return the outcome as one line of JSON that fits, long texts cut."""
    kept = {key: _shorten(value) for key, value in outcome.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False)


def _shorten(value: object) -> object:
    long = isinstance(value, str) and len(value) > _TEXT_LIMIT
    return f"{str(value)[:_TEXT_LIMIT]}…" if long else value


def write_termination(outcome: Mapping[str, object], env: Mapping[str, str] = os.environ) -> None:
    """Write the outcome where `SUP_TERMINATION_LOG` says, if that can be written."""
    path = Path(env.get("SUP_TERMINATION_LOG") or DEFAULT_PATH)
    try:
        path.write_text(build_line(outcome) + "\n")
    except OSError:
        return  # not in a pod: the same is on standard output and standard error
