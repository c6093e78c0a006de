"""Where small pictures are kept: a folder, an object store; and what becomes of one that fails."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path

import pytest

from drawsim.common.errors import UserError
from drawsim.web.thumbnails import ThumbnailFolder, Thumbnails, open_thumbnails

NAME = "ab" + "0" * 38


@pytest.fixture(params=["folder", "objects"])
def thumbnails(request: pytest.FixtureRequest, tmp_path: Path) -> Thumbnails:
    if request.param == "folder":
        return open_thumbnails(tmp_path / "new" / "thumbnails")
    pytest.importorskip("fsspec")
    return open_thumbnails(f"memory://{tmp_path}/thumbnails/")


def test_what_is_kept_is_read(thumbnails: Thumbnails) -> None:
    assert thumbnails.read(NAME) is None
    thumbnails.write(NAME, b"picture")
    thumbnails.write(NAME, b"picture")
    assert thumbnails.read(NAME) == b"picture"
    thumbnails.write(NAME[::-1], b"")  # two pictures without a common layout
    assert thumbnails.read(NAME[::-1]) == b""


def test_nobody_reads_half_a_picture(tmp_path: Path) -> None:
    """Two hosts that share a folder make the same picture at once, in processes of one number."""
    picture, over = os.urandom(300_000), threading.Event()
    hosts = [ThumbnailFolder(tmp_path) for _ in range(2)]
    found: set[bytes | None] = set()

    def look() -> None:
        while not over.is_set():
            found.add(hosts[0].read(NAME))

    def make(host: ThumbnailFolder) -> None:
        for _ in range(20):
            host.write(NAME, picture)

    reader = threading.Thread(target=look)
    writers = [threading.Thread(target=make, args=[host]) for host in hosts]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    reader.join()
    assert found <= {None, picture}
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == [f"{NAME}.webp"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match=r"file: nothing can be kept there .* name another"):
        open_thumbnails(tmp_path / "file")


@pytest.mark.parametrize(
    ("where", "says"),
    [("nothing://bucket/x", "Protocol not known"), (f"file://{os.devnull}/x", "may you write")],
)
def test_a_store_that_cannot_be_written_is_told(where: str, says: str) -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(UserError, match=says) as caught:
        open_thumbnails(where)
    assert "\n" not in str(caught.value)


def test_without_fsspec_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UserError, match=r"pip install 'drawsim\[cloud\]'"):
        open_thumbnails("s3://bucket/thumbnails")


def test_a_disk_that_fails_meanwhile_keeps_nobody_from_working(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="drawsim")
    thumbnails = ThumbnailFolder(tmp_path / "thumbnails")
    thumbnails.folder.rmdir()
    thumbnails.folder.write_text("no folder any more")
    thumbnails.write(NAME, b"picture")
    assert thumbnails.read(NAME) is None
    assert "a picture is not kept" in caplog.text
