"""Renditions as clients see them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

Status = Literal["queued", "running", "done", "failed"]


class _View(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class RenditionView(_View):
    """One version of a video; what it looks like is known when it is done."""

    name: str
    status: Status
    progress: int
    content_type: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None
    error: str | None = None


class RenditionsView(_View):
    """All versions of a file; none for what is no video."""

    renditions: list[RenditionView]
