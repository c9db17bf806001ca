from __future__ import annotations

import re

import pytest

from supnode.catalogue import (
    EARLY,
    GROUPS,
    LATE,
    ON_DEMAND,
    compute_key,
    find_binary,
    find_group,
    gather_group_key,
    gather_needed_go,
    parse_go_directive,
)
from supnode.failure import Failure
from supnode.toolchains import GO_PACKAGE, parse_go_version


def test_every_binary_is_built_early_late_or_on_demand_and_only_once() -> None:
    planned = [name for names in (*EARLY, LATE, ON_DEMAND) for name in names]
    built = [binary.name for group in GROUPS for binary in group.binaries]
    assert sorted(planned) == sorted(built)
    assert len(set(planned)) == len(planned)


def test_each_call_of_the_compiler_stays_within_one_group() -> None:
    for names in EARLY:
        assert len({find_group(name).name for name in names}) == 1


def test_a_key_changes_with_content_name_and_flags() -> None:
    base = compute_key({"go.mod": b"one"}, flags="-s")
    assert base == compute_key({"go.mod": b"one"}, flags="-s")
    assert base != compute_key({"go.mod": b"two"}, flags="-s")
    assert base != compute_key({"go.sum": b"one"}, flags="-s")
    assert base != compute_key({"go.mod": b"one"}, flags="-w")
    assert compute_key({"a": b"1", "b": b"2"}, flags="") == compute_key(
        {"b": b"2", "a": b"1"}, flags=""
    )


def test_groups_have_sums_and_keys_of_their_own() -> None:
    assert all((group.folder / "go.sum").is_file() for group in GROUPS)
    assert len({gather_group_key(group) for group in GROUPS}) == len(GROUPS)


def test_kubernetes_modules_are_all_of_one_release() -> None:
    go_mod = (find_group("kubelet").folder / "go.mod").read_text()
    versions = set(re.findall(r"^\s*k8s\.io/\S+ => k8s\.io/\S+ (\S+)$", go_mod, re.MULTILINE))
    assert versions == {"v0.34.4"}
    assert "k8s.io/kubernetes v1.34.4" in go_mod


def test_an_unknown_binary_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Failure) as caught:
        find_group("dockerd")
    assert "kubelet" in caught.value.cure
    assert find_binary("etcd").built_as == "server"


def test_go_versions_are_read_and_compared_as_numbers() -> None:
    assert parse_go_directive("module x\n\ngo 1.26.0\n") == (1, 26, 0)
    assert parse_go_version("go version go1.26.8 linux/amd64") == (1, 26, 8)
    assert parse_go_version("no go here") == ()
    assert parse_go_version("go version go1.9 x") < parse_go_version("go version go1.26.0 x")


def test_the_packaged_go_is_new_enough_for_every_module() -> None:
    packaged = tuple(int(part) for part in GO_PACKAGE.partition("==")[2].split("."))
    assert packaged >= gather_needed_go()
