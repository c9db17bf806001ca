"""Logs: one JSON object a line on stdout, without secrets and without what people write."""

import logging
import sys
from typing import Any, cast

import asyncpg
import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

# Names under which tokens, message contents or addresses of people might be passed by mistake.
_SECRET_KEYS = frozenset(
    {
        "access_token",
        "authorization",
        "body",
        "ciphertext",
        "content",
        "cookie",
        "email",
        "link",
        "login",
        "password",
        "refresh_token",
        "secret",
        "token",
    }
)


def configure_logging(*, service: str, instance: str, level: str) -> None:
    """Send structlog and the standard library's logs through one JSON renderer."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_level_number(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )

    def add_origin(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {"service": service, "instance": instance, **event}

    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            add_origin,
            hide_row_details,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_encode),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=_level_number(level), force=True)
    # The broker client tells every reconnect at length; what matters is in readiness.
    logging.getLogger("aiormq").setLevel(logging.ERROR)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger; `logger.info("what happened", key=value)`."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(source=name))


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace values whose names say that they are nobody's business."""
    for key in event.keys() & _SECRET_KEYS:
        event[key] = "[hidden]"
    return event


def hide_row_details(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Cut the DETAIL of database errors: it shows whole rows, addresses and contents included."""
    given = event.get("exc_info")
    error = given[1] if isinstance(given, tuple) else given
    if error is True:
        error = sys.exc_info()[1]
    while isinstance(error, BaseException):
        if isinstance(error, asyncpg.PostgresError):
            error.detail = None
        error = error.__cause__ or error.__context__
    return event


def _level_number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def _encode(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode()
