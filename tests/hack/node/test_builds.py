"""What the compiler may take of a machine's memory."""

import pytest

from supnode.builds import LEAST_HEAP, MOST_HEAP, compute_heap_limit
from supnode.preflight import GIB, MEMORY


@pytest.mark.parametrize(
    ("memory", "cores", "limit"),
    [
        (24 * GIB, 2, MOST_HEAP),
        (16 * GIB, 8, GIB),
        (MEMORY, 32, LEAST_HEAP),
    ],
)
def test_compilers_on_all_cores_share_the_memory(memory: int, cores: int, limit: int) -> None:
    assert compute_heap_limit(memory=memory, cores=cores) == limit


def test_the_smallest_machine_has_room_for_a_compiler_on_each_of_two_cores() -> None:
    assert 2 * compute_heap_limit(memory=MEMORY, cores=2) <= MEMORY // 2
