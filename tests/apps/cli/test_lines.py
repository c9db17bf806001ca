"""Lines of a program, however long."""

from __future__ import annotations

import asyncio
import sys

import pytest

from supmessenger_cli.lines import LONGEST, read_lines

MIB = 1024 * 1024


async def read(code: str) -> list[str]:
    """Return what is read of a program's output, through a real pipe."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        lines = [line async for line in read_lines(process.stdout)]
        assert await process.wait() == 0
    return lines


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 200_000, LONGEST])
async def test_a_long_line_is_whole_and_so_are_its_neighbours(size: int) -> None:
    assert await read(f"print('before'); print('x' * {size}); print('after')") == [
        "before",
        "x" * size,
        "after",
    ]


async def test_a_line_that_does_not_end_is_cut_and_says_so() -> None:
    first, last = await read(f"print('x' * {3 * MIB}); print('after')")
    assert first == "x" * LONGEST + f" … ({3 * MIB - LONGEST} bytes more)"
    assert last == "after"


async def test_empty_lines_and_one_without_an_end_are_lines() -> None:
    assert await read("import sys; sys.stdout.write('a\\n\\nb')") == ["a", "", "b"]
    assert await read("") == []


async def test_letters_on_the_border_of_two_pieces_are_kept() -> None:
    code = f"import sys; sys.stdout.buffer.write(('x' + 'ä' * {100_000} + '\\n').encode())"
    assert await read(code) == ["x" + "ä" * 100_000]
    broken = "import sys; sys.stdout.buffer.write(b'a\\xffb\\n')"
    assert await read(broken) == ["a\N{REPLACEMENT CHARACTER}b"]
