"""The contact sheet of a search, read back as a browser would."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.reporting.search.page import OVERLAY_SIDE, QueryPicture, SearchSheet, write_search
from drawsim.retrieval.analysis.calibration import Chance
from tests.html_page import Page

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&amp;"


def page_of(sheets: list[SearchSheet], folder: Path, *filters: str) -> Page:
    out = folder / "search.html"
    write_search(sheets, out, model="lite", searched="12 artworks", filters=filters)
    page = Page(out.read_text(encoding="utf-8"))
    assert page.fetched == []
    return page


@pytest.fixture
def hits(collection: Collection) -> pd.DataFrame:
    paths = collection.paths("artwork", ["a3", "a1", "a2"])
    return pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "score": [0.91234, 0.5, -0.1],
            "id": list(paths),
            "path": [str(path) for path in paths.values()],
            "title": ["Nymphéas", "", np.nan],
            "artist": ["Albrecht_Du╠êrer", "", np.nan],
            "known": [False, True, False],
            "above_strangers": [1.0, 0.999, 0.25],
        }
    )


def test_a_query_and_its_results(
    hits: pd.DataFrame, collection: Collection, tmp_path: Path
) -> None:
    drawing = collection.paths("drawing", ["d0"])["d0"]
    sheet = SearchSheet("d0", [QueryPicture("d0", drawing)], hits, Chance(0.826, 0.41, 0.97))
    page = page_of([sheet], tmp_path, "year>=1990")
    text = " ".join(page.text.split())
    for words in (
        "0.912 above 100 %",
        "0.500 above 99 %",
        "-0.100 above 25 %",
        "0.912",
        "0.500",
        "-0.100",
        "Nymphéas",
        "Albrecht Dürer",
        "83 %",
        "between 41 and 97 %",
        "year>=1990",
    ):
        assert words in text
    assert "nan" not in text
    labels = [own["aria-label"] for own in page.of("svg") if own.get("class") == "picture"]
    assert labels == ["Number 1: Nymphéas, Albrecht Dürer", "Number 2: a1", "Number 3: a2"]
    assert page.count("li", cls="known") == 1
    shown = [own["href"] for own in page.of("use")]
    assert len(set(shown)) == 3
    assert "#none" not in shown
    assert [own["alt"] for own in page.of("img")] == ["Query d0"]


def test_a_region_is_where_it_was(hits: pd.DataFrame, tmp_path: Path) -> None:
    pixels = np.full((200, 400, 3), 255, np.uint8)
    sheet = SearchSheet("part", [QueryPicture("x", pixels, box=(100, 20, 200, 50))], hits)
    page = page_of([sheet], tmp_path)
    [box] = [own["style"] for own in page.of("i")]
    assert [float(n) for n in re.findall(r"[\d.]+", box)] == [25, 10, 50, 25]
    assert "true match" not in page.text
    assert "the marked part of" in page.text


def test_several_pictures_notes_and_overlays(hits: pd.DataFrame, tmp_path: Path) -> None:
    gray = np.full((40, 30, 3), 128, np.uint8)
    overlay = Image.new("RGB", (3 * OVERLAY_SIDE, OVERLAY_SIDE), "red")
    hits["overlay"] = pd.Series([None, overlay, None], dtype=object)
    pictures = [QueryPicture("one", gray), QueryPicture("two", gray, unlike=True)]
    empty = SearchSheet("none", [QueryPicture("lost", tmp_path / "no.png")], hits.iloc[:0])
    page = page_of([SearchSheet("both", pictures, hits, notes=["Mind <this>."]), empty], tmp_path)
    assert page.count("figure", cls="like") == 2
    assert page.count("figure", cls="unlike") == 1
    assert "Mind <this>." in page.text
    assert "Nothing was found" in page.text
    [made] = [own for own in page.of("img") if "number 2" in own["alt"]]
    picture = Image.open(io.BytesIO(base64.b64decode(made["src"].partition(",")[2])))
    assert picture.size == (int(made["width"]), int(made["height"])) == (900, 300)
    assert overlay.size == (3 * OVERLAY_SIDE, OVERLAY_SIDE)  # not changed in passing


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    hits = pd.DataFrame(
        {"rank": [1], "score": [0.5], "id": [HOSTILE], "title": [HOSTILE], "artist": [HOSTILE]}
    )
    picture = QueryPicture(HOSTILE, np.zeros((8, 8, 3), np.uint8), unlike=True)
    page = page_of([SearchSheet(HOSTILE, [picture], hits, notes=[HOSTILE])], tmp_path, HOSTILE)
    assert len(page.of("img")) == 1
    assert page.of("script") == []
    assert page.text.count(HOSTILE) >= 4
