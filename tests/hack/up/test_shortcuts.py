"""Shortcuts never replace what a person has, and `down` removes only our own."""

from pathlib import Path

from supplatform.shortcuts import remove_shortcuts, write_shortcuts
from supplatform.values import build_values


def test_a_shortcut_is_made_and_removed_again(tmp_path: Path) -> None:
    target = tmp_path / "kubectl"
    target.touch()
    place = tmp_path / "bin" / "kubectl"
    assert write_shortcuts({place: target}) == [place]
    remove_shortcuts({place: target})
    assert not place.is_symlink()


def test_a_persons_own_file_is_left_alone(tmp_path: Path) -> None:
    place, target = tmp_path / "config", tmp_path / "kubeconfig"
    place.write_text("mine")
    target.touch()
    assert write_shortcuts({place: target}) == []
    remove_shortcuts({place: target})
    assert place.read_text() == "mine"


def test_a_dangling_link_is_replaced(tmp_path: Path) -> None:
    place, target = tmp_path / "kubectl", tmp_path / "new"
    place.symlink_to(tmp_path / "gone")
    target.touch()
    assert write_shortcuts({place: target}) == [place]


def test_the_operators_image_is_pinned_by_digest_and_the_sink_is_no_component() -> None:
    images = {"operator": "r/op@sha256:1", "api": "r/api@sha256:2", "smtp-sink": "r/s@sha256:3"}
    assert build_values(images) == {
        "image": {"repository": "r/op", "digest": "sha256:1"},
        "components": {"api": "r/api@sha256:2"},
    }
