"""What goes into the bundle for clusters without internet, and under which names."""

import json
import os
from pathlib import Path

import pytest

from supimages.bundle import (
    build_entries,
    build_list,
    build_values,
    parse_references,
    remove_host,
    remove_hosts,
    write_checksums,
)
from supimages.failure import Failure

DIGEST = "sha256:" + "a1" * 32
CATALOGUE = {"registry": "", "components": {"redis": "docker.io/library/redis:7.2", "grafana": ""}}
RENDERED = f"""
      containers:
        - name: operator
          image: ghcr.io/sup/operator@{DIGEST}
        - image: ghcr.io/sup/agent:1
data:
  images.json: {json.dumps(json.dumps(CATALOGUE))}
"""


def test_images_of_pods_and_of_the_catalogue_are_found_and_parts_without_one_are_not() -> None:
    assert parse_references(RENDERED) == [
        "docker.io/library/redis:7.2",
        "ghcr.io/sup/agent:1",
        f"ghcr.io/sup/operator@{DIGEST}",
    ]


def test_the_list_names_path_tag_and_digest() -> None:
    entries = build_entries(parse_references(RENDERED))
    assert build_list(entries, {entry.name: DIGEST for entry in entries}).splitlines() == [
        f"library-redis-7.2 library/redis:7.2 {DIGEST}",
        f"sup-agent-1 sup/agent:1 {DIGEST}",
        # A registry may remove what has no tag.
        f"sup-operator sup/operator:{'a1' * 8} {DIGEST}",
    ]


def test_two_images_of_one_name_are_refused() -> None:
    with pytest.raises(Failure, match="sup-api-1"):
        build_entries(["a.example.org/sup/api:1", "b.example.org/sup/api:1"])


@pytest.mark.parametrize(
    ("reference", "bare"),
    [
        ("127.0.0.1:5050/sup/api@sha256:1", "sup/api@sha256:1"),
        ("localhost/sup/api:1", "sup/api:1"),
        ("ghcr.io/sup/api:1", "sup/api:1"),
        ("library/redis:7", "library/redis:7"),
        ("redis:7", "redis:7"),
    ],
)
def test_a_registry_is_taken_off_by_dockers_rule(reference: str, bare: str) -> None:
    assert remove_host(reference) == bare


def test_values_of_built_images_say_which_parts_cannot_be_had() -> None:
    # The records also hold what serves tests, and what an earlier release built.
    stand_ins = {"smtp-sink": "s", "push-sink": "p", "pebble": "a", "nginx-exporter": "gone"}
    built = {"operator": f"127.0.0.1:1/sup/operator@{DIGEST}", "redis": "r", **stand_ins}
    values = build_values({**built, "promtail": "t"}, known=["redis", "grafana"])
    assert values["components"] == {"redis": "r", "grafana": "", "promtail": "t"}
    assert remove_hosts(values)["image"] == {"repository": "sup/operator", "digest": DIGEST}


def test_checksums_cover_every_file_also_linked_ones(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_text("x")
    os.link(tmp_path / "a" / "one", tmp_path / "two")
    write_checksums(tmp_path)
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert (tmp_path / "SHA256SUMS").read_text() == f"{digest}  a/one\n{digest}  two\n"
