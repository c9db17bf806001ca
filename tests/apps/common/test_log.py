"""What is logged, and what is not."""

from __future__ import annotations

import subprocess
import sys

import orjson

PROGRAM = """
import asyncpg
import logging
from supmessenger_common.log import configure_logging, get_logger
configure_logging(service="api", instance="demo", level="info")
logger = get_logger("test")
logger.info("logged in", user="u1", email="alice@example.org", refresh_token="abc", password="x")
logger.debug("too small to tell")
logging.getLogger("library").warning("from %s", "elsewhere")
try:
    1 / 0
except ZeroDivisionError:
    logger.exception("failed")
try:
    error = asyncpg.CheckViolationError("violates check")
    error.detail = "Failing row contains (bob@example.org)."
    try:
        raise error
    except asyncpg.CheckViolationError as cause:
        raise RuntimeError("whole") from cause
except RuntimeError:
    logger.exception("failed")
"""


def test_every_line_is_json_without_secrets() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, check=True, timeout=60
    )
    lines = [orjson.loads(line) for line in run.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["logged in", "from elsewhere", "failed", "failed"]
    assert {(line["service"], line["instance"]) for line in lines} == {("api", "demo")}
    first, foreign, failed, refused = lines
    assert first["user"] == "u1"
    assert first["email"] == first["refresh_token"] == first["password"] == "[hidden]"
    assert (foreign["level"], foreign["logger"]) == ("warning", "library")
    assert "ZeroDivisionError" in failed["exception"]
    assert "violates check" in refused["exception"]
    assert b"bob@example.org" not in run.stdout
    assert run.stderr == b""
