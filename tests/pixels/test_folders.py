"""One way through a folder: images by what they hold, and a word on all that is left out."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from drawsim.collection.ids import without_image_ending
from drawsim.common.errors import UserError
from drawsim.models.embedding.files import by_id
from drawsim.pixels.folders import images_below
from drawsim.pixels.formats import ENDINGS
from drawsim.preparing.image_lists import images_of_folder
from drawsim.preparing.sources import list_images
from drawsim.retrieval.index.asked import find_files


def encoded(kind: str) -> bytes:
    """A small picture in a format."""
    done, data = cv2.imencode(kind, np.full((64, 64, 3), 90, np.uint8))
    assert done
    return data.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images under all kinds of names, and what is none."""
    root = tmp_path / "scans"
    files = {
        "a.jpg": encoded(".jpg"),
        "b.jpe": encoded(".jpg"),
        "c.jfif": encoded(".jpg"),
        "d.JP2": encoded(".jp2"),
        "1995.14": encoded(".png"),  # no ending: the dot is part of the name
        "noending": encoded(".tiff"),
        "wrong.txt": encoded(".webp"),
        "png.jpg": encoded(".png"),
        "sub/e.png": encoded(".png"),
        "notes.txt": b"not a picture",
        "old.tga": bytes(18),
        "book.pdf": b"%PDF-1.7",
        "scans.tar": bytes(512),
        ".hidden.jpg": encoded(".jpg"),
        "__MACOSX/f.jpg": b"",
    }
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


IMAGES = sorted(
    [
        *("a.jpg", "b.jpe", "c.jfif", "d.JP2", "1995.14", "noending", "wrong.txt", "png.jpg"),
        "sub/e.png",
    ]
)


def test_images_are_known_by_what_they_hold(folder: Path) -> None:
    images, met = images_below(folder)
    assert [name for name, _ in images] == IMAGES
    assert [path for _, path in images] == [folder / name for name in IMAGES]
    assert dict(met.skipped) == {
        "not an image (.txt)": 1,
        "not an image (.tga)": 1,
        "not an image (.pdf)": 1,
        "in an archive that is not read: unpack it (.tar)": 1,
        "hidden": 2,
    }
    assert not met.refused
    [note] = met.notes()
    assert note.startswith("left out of 14 files: 2 hidden, ")


def test_every_command_finds_the_same(folder: Path, tmp_path: Path) -> None:
    found = [path for _, path in images_below(folder)[0]]
    listed = list_images(folder, tmp_path, "drawings").images
    assert [tmp_path / image.path for image in listed] == found
    assert [path for _, path in images_of_folder(folder)[0]] == found
    assert [each.file for each in find_files([folder], "drawing")[0]] == found
    assert list(by_id(folder).values()) == found


def test_an_id_keeps_what_is_no_ending_of_an_image(folder: Path) -> None:
    ids = [name for name, _ in images_of_folder(folder)[0]]
    assert ids == ["1995.14", "a", "b", "c", "d", "noending", "png", "sub/e", "wrong.txt"]


def test_what_is_no_file_is_refused_if_it_is_called_an_image(tmp_path: Path) -> None:
    root = tmp_path / "scans"
    (root / "folder.jpg").mkdir(parents=True)
    (root / "folder.jpg" / "a.png").write_bytes(encoded(".png"))
    os.mkfifo(root / "pipe.png")
    os.mkfifo(root / "control")
    (root / "lost.tif").symlink_to("nothing")
    (root / "one.png").symlink_to("other.png")
    (root / "other.png").symlink_to("one.png")
    (root / "zero.png").symlink_to("/dev/zero")
    (root / "up").symlink_to(root)
    images, met = images_below(root)
    assert [name for name, _ in images] == ["folder.jpg/a.png"]
    assert met.refused == [
        (str(root / "lost.tif"), "is a link that leads nowhere"),
        (str(root / "one.png"), "is a link that leads in a circle"),
        (str(root / "other.png"), "is a link that leads in a circle"),
        (str(root / "pipe.png"), "is a pipe, not a file"),
        (str(root / "zero.png"), "is a device, not a file"),
    ]
    assert dict(met.skipped) == {
        "a pipe, not a file": 1,
        "a link to a folder that was seen": 1,
    }
    assert set(by_id(root)) >= {str(root / "zero.png")}  # on_missing decides what it means


def test_a_folder_without_images_says_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(UserError, match=r"no images among 1 file \(JPEG, .* \(\.txt\)$"):
        images_below(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        images_below(tmp_path / "none")


def test_endings_of_all_that_is_read_are_no_part_of_an_id() -> None:
    for ending in ENDINGS:
        assert without_image_ending(f"a.b{ending.upper()}") == "a.b"
