"""`sup-migrate create` writes files that the runner accepts."""

from datetime import date
from pathlib import Path

from supmessenger_api.migrations.create import write_pair
from supmessenger_api.migrations.files import read_migrations


def test_a_new_pair_depends_on_the_newest_and_is_well_formed(tmp_path: Path) -> None:
    write_pair(tmp_path, "first things", today=date(2026, 1, 2))
    write_pair(tmp_path, "Second_thing!", today=date(2026, 1, 3))
    first, second = read_migrations(tmp_path)
    assert (first.name, second.name) == ("000_first_things", "001_second_thing")
    assert second.dependencies == ("000_first_things",)
    assert second.created == date(2026, 1, 3)
    assert second.up.statements == second.down.statements == ()
