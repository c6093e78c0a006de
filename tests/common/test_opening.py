"""Names that strangers give: a regular file of bounded size is opened, all else is one line."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from drawsim.common.errors import UserError
from drawsim.common.files import read_text
from drawsim.common.opening import (
    CannotOpenError,
    copy_regular,
    open_regular,
    printable,
    read_regular,
)


def test_a_file_and_a_link_to_one_are_read(tmp_path: Path) -> None:
    file = tmp_path / "Zeichnung, 1 ü.png"
    file.write_bytes(b"pixels")
    link = tmp_path / "link.png"
    link.symlink_to(file)
    assert read_regular(file) == read_regular(link) == b"pixels"
    assert read_regular(file, most=6) == b"pixels"


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    # A socket's name may have about 100 letters, a test's folder more.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _circle(path: Path) -> None:
    path.with_name("other").symlink_to(path)
    path.symlink_to(path.with_name("other"))


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(40 << 30)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_pipe, "is a pipe, not a file"),
        (_socket, "is a socket, not a file"),
        (Path.mkdir, "is a folder, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
        (lambda path: path.symlink_to("nothing"), "is a link that leads nowhere"),
        (_circle, "is a link that leads in a circle"),
        (_sparse, "has 42,949,672,960 bytes, more than the 8,589,934,592 that are read"),
        (lambda path: None, "is not there"),
    ],
)
def test_what_is_no_bounded_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "scan.jpg"
    make(path)
    for read in (open_regular, read_regular, lambda p: copy_regular(p, tmp_path / "copy")):
        with pytest.raises(CannotOpenError) as caught:
            read(path)
        assert caught.value.reason == reason
        assert str(caught.value) == f"{path}: {reason}"


def test_texts_are_opened_likewise(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "collection.yaml")
    with pytest.raises(UserError, match="is a pipe"):
        read_text(tmp_path / "collection.yaml")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a\0b.jpg", "is no name of a file"), ("x" * 300, "has a name that is too long for a file")],
)
def test_names_that_no_file_can_have(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(CannotOpenError) as caught:
        open_regular(tmp_path / name)
    assert caught.value.reason == reason
    assert "\0" not in str(caught.value)


def test_what_takes_the_place_of_a_file_while_it_is_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, pipe = tmp_path / "scan.jpg", tmp_path / "pipe"
    file.write_bytes(b"pixels")
    os.mkfifo(pipe)
    before = file.stat()
    monkeypatch.setattr(Path, "stat", lambda path: before)
    with pytest.raises(CannotOpenError, match="is a pipe"):
        open_regular(pipe)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "scan.jpg"
    file.write_bytes(b"pixels")

    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)  # root may read everything
    with pytest.raises(CannotOpenError, match="may not be read"):
        open_regular(file)


def test_a_copy_has_the_time_of_its_file(tmp_path: Path) -> None:
    file, copy = tmp_path / "a", tmp_path / "b"
    file.write_bytes(b"pixels")
    os.utime(file, ns=(10**18, 10**18))
    copy_regular(file, copy)
    assert copy.read_bytes() == b"pixels"
    assert copy.stat().st_mtime_ns == file.stat().st_mtime_ns


def test_paths_are_printed_in_one_line() -> None:
    assert printable("a\nb\x1b[31m\udcff ü.png") == "a\\nb\\x1b[31m\\udcff ü.png"
