"""The last words of a Job: one JSON object, or the end of its log when it could not write one."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class JobMessage(BaseModel):
    """What a Job left in its termination message."""

    model_config = ConfigDict(frozen=True)

    text: str = ""
    schema_version: str = ""


def parse_job_message(raw: str) -> JobMessage:
    """Parse a termination message; what is no JSON is taken as it is."""
    try:
        content = json.loads(raw)
    except ValueError:
        return JobMessage(text=raw)
    if not isinstance(content, Mapping):
        return JobMessage(text=raw)
    return JobMessage(text=_describe(content), schema_version=content.get("schemaVersion") or "")


def _describe(content: Mapping[str, Any]) -> str:
    message = str(content.get("message") or "")
    extras = [f"{key} {content[key]}" for key in ("sqlstate", "detail", "hint") if content.get(key)]
    if message:
        return f"{message} ({', '.join(extras)})" if extras else message
    version = content.get("schemaVersion")
    return f"the schema is at {version}" if version else ""
