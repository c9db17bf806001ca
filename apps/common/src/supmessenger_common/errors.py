"""Problems: every refusal of a service in one shape, with a stable code."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field, by its path in the body (`signedPrekey.signature`)."""

    field: str
    message: str


class PlatformError(Exception):
    """A refusal the client can understand: HTTP status, stable code and a sentence."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        title: str | None = None,
        errors: tuple[FieldError, ...] = (),
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.title = title or HTTPStatus(status).phrase
        self.errors = errors
        self.extra = extra or {}
        self.headers = headers or {}


class FieldProblem(BaseModel):
    """One refused field."""

    model_config = ConfigDict(extra="forbid")
    field: str
    message: str


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] | None = None


def build_problem(error: PlatformError) -> dict[str, Any]:
    """Return the problem document of an error."""
    problem: dict[str, Any] = {
        "type": f"urn:supmessenger:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
    }
    if error.errors:
        problem["errors"] = [
            {"field": item.field, "message": item.message} for item in error.errors
        ]
    return {**error.extra, **problem}


def build_unavailable() -> PlatformError:
    """Return the answer for a backing service that does not answer now."""
    return PlatformError(
        503,
        "unavailable",
        "A service behind this one does not answer; try again shortly.",
        headers={"Retry-After": "2"},
    )


def build_internal_error() -> PlatformError:
    """Return the answer for the unexpected: it says nothing about the cause."""
    return PlatformError(500, "internal_error", "Something went wrong on our side.")
