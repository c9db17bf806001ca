"""The client process: many sockets that log in, follow their chats and count what arrives.

Run as `python -m supbench.crowd`; each line of stdin is a command, each is answered by a line.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

_MESSAGE = b'{"type":"message"'
_CONNECT_AT_ONCE = 16


class Crowd:
    """All sockets of this process."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._received = 0
        self._changed = asyncio.Event()
        self._readers: list[asyncio.Task[None]] = []

    async def connect(self, port: int, tokens: Sequence[str]) -> int:
        """Open a socket for each token and follow its chats; returns how many are open."""
        gate = asyncio.Semaphore(_CONNECT_AT_ONCE)

        async def open_one(token: str) -> None:
            async with gate:
                self._readers.append(asyncio.create_task(self._read(await self._open(port, token))))

        async with asyncio.TaskGroup() as group:
            for token in tokens:
                group.create_task(open_one(token))
        return len(self._readers)

    async def receive(self, count: int) -> int:
        """Return when `count` messages have arrived since the last call."""
        while self._received < count:
            self._changed.clear()
            await self._changed.wait()
        self._received -= count
        return count

    async def _open(self, port: int, token: str) -> ClientConnection:
        socket = await self._stack.enter_async_context(
            connect(
                f"ws://127.0.0.1:{port}/ws",
                compression=None,
                ping_interval=None,
                max_queue=None,
                proxy=None,
            )
        )
        for frame, answer in (
            ({"type": "auth", "ref": 1, "token": token}, "ready"),
            ({"type": "resume", "ref": 2, "chats": []}, "resumed"),
        ):
            await socket.send(json.dumps(frame))
            while (kind := json.loads(await socket.recv())["type"]) != answer:
                if kind == "error":
                    raise ConnectionError(f"{frame['type']} was refused")
        return socket

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            frame = await socket.recv(decode=False)
            if frame.startswith(_MESSAGE):
                self._received += 1
                self._changed.set()


async def main() -> None:
    """Carry out commands until stdin ends."""
    reader = asyncio.StreamReader(limit=2**24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with AsyncExitStack() as stack:
        crowd = Crowd(stack)
        while line := await reader.readline():
            command: dict[str, Any] = json.loads(line)
            verb = command.pop("verb")
            answer = await (
                crowd.connect(**command) if verb == "connect" else crowd.receive(**command)
            )
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
