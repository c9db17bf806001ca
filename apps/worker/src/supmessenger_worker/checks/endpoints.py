"""The checker over HTTP, for the operator."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from supmessenger_common.identifiers import format_time
from supmessenger_worker.checks.board import CheckBoard
from supmessenger_worker.checks.model import CheckName, CheckReport

router = APIRouter(prefix="/v1/checks", tags=["checks"])


class CheckView(BaseModel):
    """One check."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    name: CheckName
    ok: bool
    version: str | None
    latency_ms: float
    message: str


class ReportView(BaseModel):
    """All checks of one round."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    checked_at: str
    checks: list[CheckView]


async def find_board(request: Request) -> CheckBoard:
    """Return the board the application was composed with; plain functions run in threads."""
    board: CheckBoard = request.app.state.checks
    return board


Board = Annotated[CheckBoard, Depends(find_board)]


@router.get("")
async def read_checks(board: Board) -> ReportView:
    """Return the newest report."""
    return _build_view(await board.read())


@router.post("")
async def run_checks(board: Board) -> ReportView:
    """Run all checks now and return their report."""
    return _build_view(await board.run_now())


def _build_view(report: CheckReport) -> ReportView:
    return ReportView(
        checked_at=format_time(report.checked_at),
        checks=[
            CheckView(
                name=check.name,
                ok=check.ok,
                version=check.version,
                latency_ms=check.latency_ms,
                message=check.message,
            )
            for check in report.checks
        ],
    )
