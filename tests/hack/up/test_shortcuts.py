"""Shortcuts never replace what a person has, and `down` removes only our own."""

from pathlib import Path

from supplatform.shortcuts import remove_shortcuts, write_shortcuts
from supplatform.values import build_values


def test_a_shortcut_is_made_and_removed_again(tmp_path: Path) -> None:
    place, record = tmp_path / "bin" / "kubectl", tmp_path / "state" / "shortcuts.json"
    target = make_target(tmp_path / "kubectl")
    write_shortcuts({place: target}, record=record)
    assert place.resolve() == target
    remove_shortcuts(record=record)
    assert not place.is_symlink()
    assert not record.exists()


def test_a_persons_own_file_and_own_dangling_link_are_left_alone(tmp_path: Path) -> None:
    file, link, record = tmp_path / "config", tmp_path / "helm", tmp_path / "shortcuts.json"
    file.write_text("mine")
    link.symlink_to(tmp_path / "not-mounted-now")
    target = make_target(tmp_path / "target")
    write_shortcuts({file: target, link: target}, record=record)
    remove_shortcuts(record=record)
    assert file.read_text() == "mine"
    assert link.readlink() == tmp_path / "not-mounted-now"


def test_links_of_another_checkout_are_taken_over_and_removed(tmp_path: Path) -> None:
    place, record = tmp_path / "kubectl", tmp_path / "shortcuts.json"
    write_shortcuts({place: make_target(tmp_path / "old")}, record=record)
    write_shortcuts({place: make_target(tmp_path / "new")}, record=record)
    assert place.resolve() == tmp_path / "new"
    remove_shortcuts(record=record)
    assert not place.is_symlink()


def test_a_link_that_a_person_has_changed_since_is_theirs(tmp_path: Path) -> None:
    place, record = tmp_path / "kubectl", tmp_path / "shortcuts.json"
    write_shortcuts({place: make_target(tmp_path / "ours")}, record=record)
    place.unlink()
    place.symlink_to(make_target(tmp_path / "theirs"))
    write_shortcuts({place: tmp_path / "ours"}, record=record)
    remove_shortcuts(record=record)
    assert place.resolve() == tmp_path / "theirs"


def make_target(path: Path) -> Path:
    path.touch()
    return path


def test_the_operators_image_is_pinned_by_digest_and_the_sink_is_no_component() -> None:
    images = {"operator": "r/op@sha256:1", "api": "r/api@sha256:2", "smtp-sink": "r/s@sha256:3"}
    values = build_values(images)
    assert values["image"] == {"repository": "r/op", "digest": "sha256:1"}
    assert values["components"] == {"api": "r/api@sha256:2", "grafana": ""}


def test_the_shipper_of_logs_leaves_nothing_outside_of_the_node() -> None:
    values = build_values({"operator": "r/op@sha256:1"})
    assert values["agents"]["promtail"]["positionsPath"].startswith("/var/lib/kubelet/")
