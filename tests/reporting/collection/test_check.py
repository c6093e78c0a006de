"""The report of a check: its files say the same, and it fails when something must be mended."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from drawsim.common.errors import UserError
from drawsim.workflows.check import prepare_check
from tests.html_page import Page


def check(root: Path, out: Path) -> None:
    prepare_check(root, out, 1, distance=10, pictured=20, max_pixels=10**7)


def test_a_sound_collection(collection_root: Path, tmp_path: Path) -> None:
    check(collection_root, tmp_path)
    record = json.loads((tmp_path / "check/check.json").read_text())
    images = pd.read_csv(tmp_path / "check/images.csv")
    for kind in ("drawing", "artwork"):
        own = images[images["kind"] == kind]
        assert record[kind]["images"] == len(own)
        assert record[kind]["gray"] == (own["mode"] == "gray").sum()
        assert record[kind]["bytes"] == own["bytes"].sum()
        assert sum(record[kind]["longer_side_from"].values()) == len(own)
    assert record["problems"] == {}
    page = Page((tmp_path / "check/report.html").read_text(encoding="utf-8"))
    assert "Nothing to mend" in page.text
    beside = {path.name for path in (tmp_path / "check").iterdir()}
    assert {link.removeprefix("./") for link in page.fetched} <= beside


def test_problems_are_written_down_and_raised(collection_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "<b>data"
    for path in collection_root.rglob("*"):
        if path.is_file():
            copy = root / path.relative_to(collection_root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (root / "artworks/a9.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match="1 problem"):
        check(root, tmp_path / "out")
    [problem] = pd.read_csv(tmp_path / "out/check/problems.csv").to_dict("records")
    assert problem["file"] == "artworks.csv"
    assert "a9" in problem["problem"]
    page = Page((tmp_path / "out/check/report.html").read_text(encoding="utf-8"))
    assert page.of("b") == [] or all("data" not in str(own) for own in page.of("b"))
    assert problem["problem"] in page.text
