"""An archive that was damaged in any way is refused, and the damage is named."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supmessenger_worker.backup.destination import publish
from supmessenger_worker.backup.manifest import DUMP, Manifest, ManifestError, parse_json
from supmessenger_worker.backup.reader import (
    BrokenError,
    compute_sidecar,
    extract_archive,
    verify_archive,
)
from supmessenger_worker.backup.restore import CallError, extract_to_empty
from supmessenger_worker.backup.writer import ArchiveWriter

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
PICTURE = "objects/media/2026/päckchen one.png"
CONTENT = {DUMP: b"PGDMP" + bytes(range(256)) * 4000, PICTURE: b"picture" * 9000, "objects/x": b""}


def write_archive(folder: Path, content: Mapping[str, bytes] = CONTENT) -> Path:
    path = folder / "sup-demo-20261122T020000Z.tar.zst"
    partial = folder / "partial"
    with partial.open("wb") as file:
        writer = ArchiveWriter(file, created_at=NOW)
        for name, data in content.items():
            writer.add(name, io.BytesIO(data), size=len(data), content_type="image/png")
        manifest = Manifest("demo", NOW, "003_x", "demo-", tuple(writer.members))
        sha256 = writer.finish(manifest)
    publish(partial, path, sha256=sha256)
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_archive(tmp_path)


def find_frame(archive: Path, number: int) -> int:
    """Return where the n-th frame (from 0) of an archive begins."""
    data, position = archive.read_bytes(), -1
    for _ in range(number + 1):
        position = data.index(b"\x28\xb5\x2f\xfd", position + 1)
    return position


def test_what_was_written_is_read(archive: Path, tmp_path: Path) -> None:
    manifest = verify_archive(archive)
    assert (manifest.instance, manifest.created_at) == ("demo", NOW)
    assert manifest.compute_size() == sum(map(len, CONTENT.values()))
    assert extract_archive(archive, tmp_path / "out") == manifest
    for name, data in CONTENT.items():
        assert (tmp_path / "out" / name).read_bytes() == data


def test_the_sidecar_is_what_sha256sum_reads(archive: Path) -> None:
    digest, name = compute_sidecar(archive).read_text().split()
    assert (len(digest), name) == (64, archive.name)


@pytest.mark.parametrize(("frame", "member"), [(1, DUMP), (3, PICTURE)])
def test_a_flipped_bit_is_refused_and_its_member_named(
    archive: Path, frame: int, member: str
) -> None:
    data = bytearray(archive.read_bytes())
    # The last bytes of a frame are its checksum; this flips the content just before it.
    data[find_frame(archive, frame + 1) - 6] ^= 0x10
    archive.write_bytes(data)
    with pytest.raises(BrokenError, match="is broken") as caught:
        verify_archive(archive)
    problems = "; ".join(caught.value.problems)
    assert f"the file's checksum is not the one in {archive.name}.sha256" in problems
    assert member in problems
    assert "manifest.json is missing" in problems


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_archive_is_refused(archive: Path, share: float) -> None:
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BrokenError, match="the file ends in the middle of it"):
        verify_archive(archive, sidecar=False)


def test_an_archive_cut_between_two_members_is_refused(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[: find_frame(archive, 4)])
    with pytest.raises(BrokenError, match=r"manifest\.json is missing: the archive is cut off"):
        verify_archive(archive, sidecar=False)


def test_a_member_that_was_exchanged_is_refused(tmp_path: Path) -> None:
    archive = write_archive(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    swapped = write_archive(other, CONTENT | {PICTURE: b"another" * 9000})
    begin, end = find_frame(archive, 3), find_frame(archive, 4)
    foreign = swapped.read_bytes()[find_frame(swapped, 3) : find_frame(swapped, 4)]
    data = archive.read_bytes()
    archive.write_bytes(data[:begin] + foreign + data[end:])
    with pytest.raises(BrokenError, match=f"{PICTURE} has another content than was written"):
        verify_archive(archive, sidecar=False)


def test_a_missing_checksum_file_is_told(archive: Path) -> None:
    compute_sidecar(archive).unlink()
    with pytest.raises(BrokenError, match=r"\.sha256 is missing"):
        verify_archive(archive)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sup-demo-x.tar.zst"
    path.write_bytes(b"hello")
    with pytest.raises(BrokenError, match="the beginning of the file can not be read"):
        verify_archive(path, sidecar=False)


def test_a_broken_archive_leaves_nothing_unpacked(archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(BrokenError):
        extract_to_empty(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_unpacked_over_other_files(archive: Path) -> None:
    with pytest.raises(CallError, match="is not empty"):
        extract_to_empty(archive, archive.parent)


@pytest.mark.parametrize("name", ["objects/../../escape", "/tmp/escape"])
def test_a_member_is_never_written_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    archive = write_archive(tmp_path, {name: b"x"})
    with pytest.raises(BrokenError, match="would be written outside"):
        extract_to_empty(archive, tmp_path / "out" / "deep")
    assert not (tmp_path / "out" / "escape").exists()


@pytest.mark.parametrize("content", [b"{}", b"[]", b"nothing", b'{"format": 2}'])
def test_a_manifest_of_another_kind_is_refused(content: bytes) -> None:
    with pytest.raises(ManifestError):
        parse_json(content)


def test_content_that_ends_early_is_an_error(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        writer = ArchiveWriter(file, created_at=NOW)
        with pytest.raises(OSError, match="unexpected end of data"):
            writer.add("objects/media/short", io.BytesIO(b"12"), size=3)
