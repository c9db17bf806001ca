"""`sup-events`: prints the events of the topic, one JSON object a line, for people and tests."""

import argparse
import asyncio
import logging
import os
import sys
from contextlib import aclosing
from pathlib import Path

import orjson

from supmessenger_common.bindings import BindingError, read_kafka
from supmessenger_worker.events.kafka import FAILURES, read_values

DEFAULT_TOPIC = "sup.messages"


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="sup-events", description=__doc__)
    parser.add_argument("--chat", help="events of this chat only")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to read at most")
    return parser


async def print_events(root: Path, *, topic: str, chat: str | None, timeout: float) -> None:
    """Print what the topic holds now; a chat's events are in order."""
    binding = read_kafka(root)
    if binding is None:
        raise BindingError("this instance sends no events: set spec.kafka.enabled to true")
    async with asyncio.timeout(timeout), aclosing(read_values(binding, topic)) as values:
        async for value in values:
            if chat is None or orjson.loads(value).get("chatId") == chat:
                sys.stdout.write(value.decode() + "\n")


def main() -> None:
    """Run `sup-events`; exit code 1 when Kafka can't be read."""
    options = build_parser().parse_args()
    # Its lines about connections would stand between the events.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    root = Path(os.environ.get("SERVICE_BINDING_ROOT", "/bindings"))
    topic = os.environ.get("SUP_EVENTS_TOPIC") or DEFAULT_TOPIC
    try:
        asyncio.run(print_events(root, topic=topic, chat=options.chat, timeout=options.timeout))
    except (BindingError, *FAILURES) as error:
        sys.exit(f"sup-events: {error or type(error).__name__}")
