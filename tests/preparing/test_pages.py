"""Scans of several pages in one file: the main one is the drawing, or each is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from drawsim.common.errors import UserError
from drawsim.pixels.decode import read_image
from drawsim.preparing.pages import FOLDER, of_several_pages, take_pages
from tests.pixels.decoding.files import IFD, SUBFILE, page, tiff
from tests.preparing.archive_files import table
from tests.preparing.test_drawings import run


def level(value: int, width: int = 24, **options: Any) -> IFD:
    return page(np.full((16, width, 3), value, np.uint8), 2, **options)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A scan of two pages with a thumbnail before them, one of one page, one that is damaged."""
    folder = tmp_path / "in"
    folder.mkdir()
    thumbnail = level(1, 12, tags={SUBFILE: 1})
    (folder / "sheet.tif").write_bytes(tiff(thumbnail, level(100), level(50)))
    (folder / "alone.tif").write_bytes(tiff(level(30), thumbnail))
    (folder / "cut.tif").write_bytes(tiff(level(30))[:9])
    Image.new("RGB", (9, 9), "red").save(folder / "plain.jpg")
    return folder


def test_the_main_page_alone_and_a_word(scans: Path, tmp_path: Path) -> None:
    summary = run(scans, tmp_path / "out", scheme="plain")
    assert len(table(tmp_path / "out" / "drawings.csv")) == 4
    notes = [note for note in summary.notes if "several pages" in note]
    assert notes == [
        "files of several pages, of which the main one is taken: 1, e.g. ../in/sheet.tif "
        "(2 pages); pages=all takes each as a drawing of its own"
    ]


@pytest.mark.parametrize("sizes", [False, True])
def test_each_page_is_a_drawing(scans: Path, tmp_path: Path, sizes: bool) -> None:
    out = tmp_path / "out"
    summary = run(scans, out, scheme="plain", pages="all", sizes=sizes)
    assert summary.made["pages"] == 1
    rows = table(out / "drawings.csv")
    assert set(rows) == {"alone", "cut", "plain", "sheet", "sheet_p2"}
    assert rows["sheet"]["path"] == "../in/sheet.tif"
    path = out / rows["sheet_p2"]["path"]
    assert path.parent == out / FOLDER
    assert [int(read_image(out / rows[n]["path"])[0, 0, 0]) for n in ("sheet", "sheet_p2")] == [
        *(100, 50)
    ]
    if sizes:
        assert (rows["sheet_p2"]["width"], rows["sheet_p2"]["height"]) == ("24", "16")
        assert rows["sheet_p2"]["bytes"] == str(path.stat().st_size)


def test_a_second_run_changes_nothing(scans: Path, tmp_path: Path) -> None:
    first = run(scans, tmp_path / "out", scheme="plain", pages="all")
    before = (tmp_path / "out" / "drawings.csv").read_bytes()
    again = run(scans, tmp_path / "out", scheme="plain", pages="all")
    assert first.made["pages"] == again.skipped["pages taken before"] == 1
    assert (tmp_path / "out" / "drawings.csv").read_bytes() == before
    data = tiff(level(100), level(77))
    (scans / "sheet.tif").write_bytes(data)
    later = (scans / "sheet.tif").stat().st_mtime + 9
    os.utime(scans / "sheet.tif", (later, later))
    run(scans, tmp_path / "out", scheme="plain", pages="all")
    rows = table(tmp_path / "out" / "drawings.csv")
    assert read_image(tmp_path / "out" / rows["sheet_p2"]["path"])[0, 0, 0] == 77


def test_in_the_folder_of_the_scans_pages_are_no_scans(scans: Path) -> None:
    for _ in range(2):
        run(scans, scans, scheme="plain", pages="all")
        assert set(table(scans / "drawings.csv")) == {"alone", "cut", "plain", "sheet", "sheet_p2"}


def test_ids_of_others_copies_and_odd_letters(scans: Path, tmp_path: Path) -> None:
    rows = [("a/../../b", "", ""), ("a", "", ""), ("a_p2", "", ""), ("copy", "a", "")]
    frame = pd.DataFrame(rows, columns=["id", "parent", "verso"])
    frame["path"] = "../in/sheet.tif"
    taken = take_pages(frame, tmp_path / "out")
    assert [row["id"] for row in taken.rows] == ["a/../../b_p2", "a_p2_p2"]
    assert all((tmp_path / "out" / row["path"]).parent.name == "pages" for row in taken.rows)
    assert taken.refused == [
        ("../in/sheet.tif, page 2", "its id would be a_p2, which is another's")
    ]


def test_files_that_are_not_there_have_no_pages(tmp_path: Path) -> None:
    assert of_several_pages(["nowhere.tif", "nothing.jpg"], tmp_path) == {}


def test_a_misspelt_choice(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"pages=al: .*all"):
        run(scans, tmp_path / "out", pages="al")
