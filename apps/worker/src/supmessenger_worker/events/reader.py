"""`sup-events`: prints events of the topic, one JSON object a line, for people and tests."""

import argparse
import asyncio
import logging
import os
import re
import sys
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from supmessenger_common.bindings import BindingError, read_kafka
from supmessenger_common.identifiers import read_clock
from supmessenger_worker.events.kafka import FAILURES, read_values

DEFAULT_TOPIC = "sup.messages"
ALL: Final = "all"
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def build_parser(*, now: datetime) -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="sup-events", description=__doc__)
    parser.add_argument("--chat", help="events of this chat only")
    parser.add_argument(
        "--since",
        type=partial(parse_since, now=now),
        default="1h",
        help="events Kafka took since then: 10m, 2h, 3d, a time as 2026-11-22T19:02:45Z, or all"
        " (default: 1h)",
    )
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to read at most")
    return parser


def parse_since(text: str, *, now: datetime) -> datetime | None:
    """Return the moment that was meant, None for all; raises for what is none."""
    if text == ALL:
        return None
    span = re.fullmatch(r"(\d{1,6})([smhd])", text)
    try:
        if span:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(text)
    except (OverflowError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: say 10m, 2h, 3d, 2026-11-22T19:02:45Z or {ALL}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def print_events(
    root: Path, *, topic: str, chat: str | None, since: datetime | None, timeout: float
) -> None:
    """Print what the topic holds now; a chat's events are in order."""
    binding = read_kafka(root)
    if binding is None:
        raise BindingError("this instance sends no events: set spec.kafka.enabled to true")
    key = chat.encode() if chat else None
    try:
        async with (
            asyncio.timeout(timeout),
            aclosing(read_values(binding, topic, key=key, since=since)) as values,
        ):
            async for value in values:
                sys.stdout.write(value.decode() + "\n")
    except TimeoutError:
        raise TimeoutError(
            f"not done after {timeout:g} s: --since 10m reads less, --timeout reads for longer"
        ) from None


def main() -> None:
    """Run `sup-events`; exit code 1 when Kafka can't be read."""
    options = build_parser(now=read_clock()).parse_args()
    # Its lines about connections would stand between the events.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    root = Path(os.environ.get("SERVICE_BINDING_ROOT", "/bindings"))
    topic = os.environ.get("SUP_EVENTS_TOPIC") or DEFAULT_TOPIC
    wanted = {"chat": options.chat, "since": options.since, "timeout": options.timeout}
    try:
        asyncio.run(print_events(root, topic=topic, **wanted))
    except (BindingError, *FAILURES) as error:
        sys.exit(f"sup-events: {error or type(error).__name__}")
