"""What is remembered between runs, and the values fragment made of it."""

from pathlib import Path

import pytest
import yaml

from supimages.catalogue import COMPONENTS
from supimages.failure import Failure
from supimages.paths import compute_cache
from supimages.records import Record, Records
from supimages.values import build_values

RECORD = Record("api", "k1", "sha256:aa", 5)


def test_a_record_is_found_by_its_content_only(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write(RECORD)
    assert records.read("api", "k1") == RECORD
    assert records.read("api", "k2") is None
    assert records.read("worker", "k1") is None


def test_a_record_is_found_by_its_digest(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write(RECORD)
    assert records.find("api", "sha256:aa") == RECORD
    assert records.find("api", "sha256:bb") is None


def test_going_back_to_older_content_finds_its_record(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write(RECORD)
    records.write(Record("api", "k2", "sha256:bb", 6))
    assert records.read("api", "k1") == RECORD


def test_the_index_keeps_the_images_that_a_run_did_not_touch(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.update_index({"api": "one", "worker": "one"})
    records.update_index({"api": "two"})
    assert records.read_index() == {"api": "two", "worker": "one"}


def test_asking_before_the_first_build_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="hack/images build"):
        Records(tmp_path).read_index()


def test_values_name_the_operator_and_every_component() -> None:
    references = {
        name: f"127.0.0.1:5050/sup/{name}@sha256:{'0' * 64}" for name in ("operator", *COMPONENTS)
    }
    values = yaml.safe_load(build_values(references))
    assert values == {
        "images": {
            "operator": references["operator"],
            "components": {name: references[name] for name in COMPONENTS},
        }
    }


def test_values_with_a_missing_image_name_it() -> None:
    with pytest.raises(Failure, match="not built yet: operator, postgres"):
        build_values({name: "x" for name in COMPONENTS if name != "postgres"})


@pytest.mark.parametrize(
    ("environ", "root"),
    [
        ({"SUP_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/sup-messenger"),
        ({"HOME": "/h"}, "/h/.cache/sup-messenger"),
    ],
)
def test_the_cache_is_outside_of_the_checkout(environ: dict[str, str], root: str) -> None:
    assert compute_cache(environ).root == Path(root)
