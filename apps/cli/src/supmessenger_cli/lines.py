"""Lines of a program as they come, of any length."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

_PIECE: Final = 64 * 1024
# No person reads more of a line, and a stream without an end must not fill the memory.
LONGEST: Final = 1024 * 1024


async def read_lines(stream: asyncio.StreamReader, *, longest: int = LONGEST) -> AsyncIterator[str]:
    """Yield each line without its end; of one beyond `longest` bytes the beginning, and a mark."""
    line, length = bytearray(), 0
    while piece := await stream.read(_PIECE):
        first, *more = piece.split(b"\n")
        length += len(first)
        line += first[: longest - len(line)]
        for part in more:
            yield _decode(line, length)
            line, length = bytearray(part[:longest]), len(part)
    if length:
        yield _decode(line, length)


def _decode(line: bytearray, length: int) -> str:
    cut = length - len(line)
    mark = f" … ({cut} bytes more)" if cut else ""
    return line.decode(errors="replace") + mark
