"""When the content key changes, and when it must not."""

from pathlib import Path

import pytest

from supimages.content import InputFile, compute_key, gather_files

FILES = (InputFile("a.py", False, "1" * 64), InputFile("b.py", True, "2" * 64))


def key(
    files: tuple[InputFile, ...] = FILES,
    arguments: tuple[tuple[str, str], ...] = (("SERVICE", "api"),),
    parent_key: str | None = "parent",
    artifact: str | None = None,
) -> str:
    return compute_key(files=files, arguments=arguments, parent_key=parent_key, artifact=artifact)


def test_the_same_inputs_in_another_order_give_the_same_key() -> None:
    assert key(files=FILES[::-1]) == key()


@pytest.mark.parametrize(
    "changed",
    [
        key(files=FILES[:1]),
        key(files=(FILES[0], InputFile("b.py", True, "3" * 64))),
        key(files=(FILES[0], InputFile("b.py", False, "2" * 64))),
        key(files=(FILES[0], InputFile("c.py", True, "2" * 64))),
        key(arguments=(("SERVICE", "media"),)),
        key(parent_key="another"),
        key(parent_key=None),
        key(artifact="sha"),
    ],
)
def test_any_change_gives_another_key(changed: str) -> None:
    assert changed != key()


def test_a_key_can_be_the_tag_of_an_image() -> None:
    assert key().isalnum()
    assert len(key()) == 32


def test_files_are_found_below_folders_and_by_pattern(tmp_path: Path) -> None:
    for name in ("apps/api/pyproject.toml", "apps/media/pyproject.toml", "src/x/y.py", "uv.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = gather_files(tmp_path, ["uv.lock", "apps/*/pyproject.toml", "src", "absent"])
    assert [file.path for file in found] == [
        "apps/api/pyproject.toml",
        "apps/media/pyproject.toml",
        "src/x/y.py",
        "uv.lock",
    ]


def test_what_python_writes_beside_the_code_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "src" / "__pycache__").mkdir(parents=True)
    (tmp_path / "src" / "a.py").write_text("x = 1\n")
    before = gather_files(tmp_path, ["src"])
    (tmp_path / "src" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"compiled")
    assert gather_files(tmp_path, ["src"]) == before


def test_the_executable_bit_is_part_of_a_file(tmp_path: Path) -> None:
    script = tmp_path / "run"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o644)
    plain = gather_files(tmp_path, ["run"])
    script.chmod(0o755)
    assert gather_files(tmp_path, ["run"]) != plain
