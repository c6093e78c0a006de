"""Captions: what pages say of the rights in the pictures that they show."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from drawsim.collection.tables import Collection
from drawsim.pixels.duplicates import DISTANCE
from drawsim.reporting.collection.pairs import Paper
from drawsim.reporting.collection.report import explore_collection
from drawsim.reporting.collection.samples import Sampling
from drawsim.reporting.duplicates.page import write_duplicates
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.search.page import QueryPicture, SearchSheet, write_search
from tests.html_page import Page

INC = "http://rightsstatements.org/vocab/InC/1.0/"
BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.fixture
def owned(collection: Collection, tmp_path: Path) -> Collection:
    """The small collection, its artworks by turns in copyright and under CC BY."""
    folder = tmp_path / "owned"
    shutil.copytree(collection.root, folder)
    table = pd.read_csv(folder / "artworks.csv", dtype=str).fillna("")
    table["rights"] = [(INC, BY)[row % 2] for row in range(len(table))]
    table["required_statement"] = "Museum <i>Example</i>"
    table["homepage"] = "https://m.org/work"
    table.to_csv(folder / "artworks.csv", index=False)
    return Collection.open(folder)


def test_captions_remember_what_they_were_asked_for(owned: Collection) -> None:
    captions = Captions.of(owned)
    assert captions.warning == ""
    first, second = owned.artworks.index[:2]
    captions("artwork", second)
    assert captions.warning == ""
    captions("artwork", first)
    captions("artwork", first)
    captions("drawing", owned.drawings.index[0])
    assert captions.warning == (
        "Rights in these pictures: 1 may not be published without permission, "
        "of 1 nothing is known."
    )
    assert captions("artwork", first).printed == f"{first} · In copyright, Museum <i>Example</i>"


def test_where_nothing_is_said_pages_say_nothing(collection: Collection) -> None:
    captions = Captions.of(collection)
    for name in collection.artworks.index:
        captions("artwork", name)
    assert captions.warning == ""


def said(page: Path) -> Page:
    """A page that names the licences that it shows, with links, and warns."""
    read = Page(page.read_text("utf-8"))
    assert "Rights in these pictures: " in read.text
    assert "In copyright" in read.text
    assert {INC, "https://m.org/work"} <= set(read.fetched)
    assert "Museum <i>Example</i>" in read.text
    return read


def test_duplicates(owned: Collection, tmp_path: Path) -> None:
    first, *others = owned.paths("artwork").values()
    others[0].write_bytes(first.read_bytes())
    write_duplicates(owned, tmp_path / "out", 1, distance=DISTANCE)
    said(tmp_path / "out" / "duplicates.html")


def test_a_collection(owned: Collection, tmp_path: Path) -> None:
    sampling = Sampling(rows=1, cols=2, groups=1, seed=0, by=None)
    explore_collection(
        owned.root, tmp_path / "out", name="owned", sampling=sampling, paper=Paper(1), sizes=0,
        workers=1,
    )  # fmt: skip
    said(tmp_path / "out" / "index.html")


def test_a_search(owned: Collection, tmp_path: Path) -> None:
    hits = owned.artworks[:2].reset_index().assign(rank=[1, 2], score=[0.5, 0.4], path="")
    sheet = SearchSheet("d0", [QueryPicture("d0", tmp_path / "none.png")], hits)
    write_search([sheet], tmp_path / "s.html", model="lite", searched="2 artworks")
    page = said(tmp_path / "s.html")
    assert BY in page.fetched
