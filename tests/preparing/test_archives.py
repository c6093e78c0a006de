"""Archives that attack, or that somebody broke: each is one line among others, soon."""

from __future__ import annotations

import io
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.common import archives
from drawsim.common.archives import DEEPEST, ArchiveError, open_archive
from drawsim.common.errors import UserError
from drawsim.common.opening import LARGEST
from drawsim.preparing.drawings import prepare_drawings
from drawsim.preparing.sources import list_images
from tests.preparing.archive_files import picture, put, zipped

SCANS = {"a.jpg": picture(), "b.jpg": picture()}


def locked(data: bytes) -> bytes:
    """An archive whose members say that they need a password (APPNOTE.TXT 4.4.4, bit 0)."""
    changed = bytearray(data)
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(mark)
        while at >= 0:
            changed[at + flags] |= 1
            at = data.find(mark, at + 4)
    return bytes(changed)


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """An archive with another name of the same length in it."""
    assert len(old) == len(new)
    return data.replace(old, new)


def in_each_other(depth: int) -> bytes:
    """An archive in an archive, so many times, with an image at the bottom."""
    data = zipped(SCANS)
    for _ in range(depth):
        data = zipped({"in.zip": data})
    return data


def problems(source: Path) -> list[str]:
    """What is wrong with the archives of a folder, without the folder's name."""
    with pytest.raises(UserError) as error:
        list_images(source, source, "drawings")
    return [line.strip().removeprefix(f"{source}/") for line in str(error.value).splitlines()[1:]]


def test_each_bad_archive_is_one_problem_among_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    many = zipped({f"{number}.jpg": b"" for number in range(400)})
    put(
        tmp_path,
        {
            "broken.zip": zipped(SCANS)[:-10],
            "deep.zip": in_each_other(DEEPEST),
            "fine.zip": zipped(SCANS),
            "locked.zip": locked(zipped(SCANS)),
            "outer.zip": zipped({"locked.zip": locked(zipped(SCANS)), "a.jpg": picture()}),
            "text.zip": b"not an archive",
        },
    )
    within = "/".join(["deep.zip", *["in.zip"] * DEEPEST])
    assert problems(tmp_path) == [
        "broken.zip: not a whole zip archive: cut short or damaged – copy or download it again",
        f"{within}: lies in {DEEPEST} archives, one in the other – unpack it by hand, and look at "
        "what it holds",
        "locked.zip: is locked with a password – unpack it by hand, with its password",
        "outer.zip/locked.zip: is locked with a password – unpack it by hand, with its password",
        "text.zip: not a whole zip archive: cut short or damaged – copy or download it again",
    ]
    with pytest.raises(ArchiveError, match="lists more than 100 files"):
        open_archive(io.BytesIO(many), members=100)


def test_an_archive_as_deep_as_allowed_is_read(tmp_path: Path) -> None:
    put(tmp_path, {"deep.zip": in_each_other(DEEPEST - 1)})
    assert [image.id for image in list_images(tmp_path, tmp_path, "drawings").images] == ["a", "b"]


def test_members_of_all_archives_within_one_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drawsim.preparing.sources.MOST_MEMBERS", 5)
    inner = zipped(SCANS)
    put(tmp_path, {"s.zip": zipped({"1.zip": inner, "2.zip": inner, "3.zip": inner})})
    assert [line.partition(" – ")[0] for line in problems(tmp_path)] == [
        "s.zip/2.zip: lists more than 0 files",
        "s.zip/3.zip: lists more than 0 files",
    ]


def test_what_is_unpacked_to_look_into_it_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drawsim.preparing.sources.MOST_UNPACKED", 10_000)
    bomb = zipped({"zeros.jpg": bytes(1_000_000)}, zipfile.ZIP_STORED)
    put(tmp_path, {"s.zip": zipped({"bomb.zip": bomb}, zipfile.ZIP_DEFLATED)})
    assert (tmp_path / "s.zip").stat().st_size < 10_000
    [line] = problems(tmp_path)
    assert line.startswith("s.zip/bomb.zip: has 0.0 GB unpacked, and there is room for 0.0 GB")


def test_names_that_no_file_can_have_are_refused(tmp_path: Path) -> None:
    long, nul = "n" * 300, "NUL.jpg_.txt"
    data = zipped({f"{long}.jpg": b"x", nul: b"x", "d/" * 1500 + "a.jpg": b"x", "good.jpg": b"x"})
    (tmp_path / "s.zip").write_bytes(renamed(data, nul.encode(), b"NUL.jpg\0.txt"))
    listing = list_images(tmp_path, tmp_path, "drawings")
    assert [image.id for image in listing.images] == ["good"]
    assert [reason for _, reason in listing.refused] == [
        "has a name that is too long for a file",
        "has a name with a NUL in it",
        "has a name that is too long for a file",
    ]
    assert not any("\0" in path for path, _ in listing.refused)


def test_a_member_that_says_it_is_huge_is_refused(tmp_path: Path) -> None:
    data = zipped({"a.jpg": b"x", "b.jpg": b"x"})
    at = data.rfind(b"PK\1\2")
    extra = struct.pack("<HHQ", 1, 8, LARGEST + 1)  # APPNOTE.TXT 4.5.3: the size in 64 bits
    entry = bytearray(data[at : at + 46 + 5])
    entry[24:28] = b"\xff" * 4
    entry[30:32] = struct.pack("<H", len(extra))
    end = bytearray(data[at + 51 :])
    end[12:16] = struct.pack("<I", struct.unpack("<I", end[12:16])[0] + len(extra))
    (tmp_path / "s.zip").write_bytes(data[:at] + bytes(entry) + extra + bytes(end))
    listing = list_images(tmp_path, tmp_path, "drawings")
    assert [image.id for image in listing.images] == ["a"]
    assert listing.refused[0][1].startswith(f"has {LARGEST + 1:,} bytes, more than")


def test_a_name_that_the_disk_refuses_costs_that_image_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems take shorter names than others."""
    put(tmp_path / "in", {"s.zip": zipped({"short.jpg": picture(), "a" * 150 + ".jpg": picture()})})
    true_open = Path.open

    def shorter(path: Path, *args: object, **options: object) -> object:
        if len(path.name) > 143:
            raise OSError(36, "File name too long", str(path))
        return true_open(path, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", shorter)
    done = prepare_drawings(
        tmp_path / "in",
        tmp_path / "out",
        1,
        scheme={"name": "plain", "pattern": ".*"},
        config_folders=[],
        extract=True,
        sizes=False,
    )
    assert done.made["images unpacked"] == 1
    assert any("too long" in note for note in done.notes)


@given(st.data())
def test_a_damaged_archive_is_refused_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(zipped({"a.jpg": b"abc" * 20, "in.zip": zipped({"b.jpg": b"x"})}))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with suppress(ArchiveError):
        open_archive(io.BytesIO(damaged)).close()
