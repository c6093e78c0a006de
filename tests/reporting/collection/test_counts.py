"""What is counted in a collection, against counting with nothing but the csv module."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.common.errors import UserError
from drawsim.reporting.collection.counts import (
    drawings_per_artwork,
    natural_order,
    pair_groups,
    per_artist,
    per_artwork,
    per_country,
    per_value,
    read_holdings,
    year_by_age,
)

words = st.sampled_from(["1995", "1996", "2020", "", " 1995 ", "Divers", "14-17", "3-5", "MS"])
tables = st.lists(st.tuples(words, words), min_size=1, max_size=30)


def table(rows: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["year", "age_group"], dtype=str)


@given(tables)
def test_the_table_of_years_agrees_with_counting_by_hand(rows: list[tuple[str, str]]) -> None:
    named = [(year.strip() or "unknown", age.strip() or "unknown") for year, age in rows]
    counted = year_by_age(table(rows))
    assert counted is not None
    cells = Counter(named)
    for year in counted.index[:-1]:
        for age in counted.columns[:-1]:
            assert counted.at[year, age] == cells[year, age]
        assert counted.at[year, "total"] == sum(y == year for y, _ in named)
    for age in counted.columns[:-1]:
        assert counted.at["total", age] == sum(a == age for _, a in named)
    assert counted.at["total", "total"] == len(rows)
    years = per_value(table(rows), "year")
    assert years is not None
    assert years.to_dict() == Counter(year for year, _ in named)


@given(st.lists(st.text(max_size=8)))
def test_natural_order_is_one_order(values: list[str]) -> None:
    ordered = natural_order(values)
    assert sorted(ordered) == sorted(set(values))
    assert natural_order(reversed(values)) == ordered


def test_age_groups_stand_by_age() -> None:
    shuffled = ["unknown", "18-25", "10-13", "MS", "3-5", "14-17", "6-9"]
    assert natural_order(shuffled) == ["3-5", "6-9", "10-13", "14-17", "18-25", "MS", "unknown"]


def test_codes_that_are_no_country_are_kept() -> None:
    codes = ["FRA", "fra", "YOU", "", "MUS", "YOU", "Not Added"]
    counts = per_country(pd.DataFrame({"country": codes}))
    assert counts is not None
    rows = {row[0]: row[1:] for row in counts.itertuples(index=False, name=None)}
    assert rows == {
        "FRA": ("France", 2, True),
        "YOU": ("YOU", 2, False),
        "MUS": ("Mauritius", 1, True),
        "Not Added": ("Not Added", 1, False),
        "unknown": ("unknown", 1, False),
    }
    assert counts["drawings"].is_monotonic_decreasing


def test_artists_have_names_for_people() -> None:
    artworks = pd.DataFrame({"artist": ["Albrecht_Du╠êrer", "b", "Albrecht_Du╠êrer"]})
    counts = per_artist(artworks)
    assert counts is not None
    assert counts.to_numpy().tolist() == [["Albrecht_Du╠êrer", "Albrecht Dürer", 2], ["b", "b", 1]]
    named = per_artist(artworks.assign(artist_name=["A. Dürer", "", "A. Dürer"]))
    assert named is not None
    assert named["name"].to_list() == ["A. Dürer", "b"]


def test_columns_that_are_not_there_are_not_counted() -> None:
    nothing = pd.DataFrame({"id": ["a"]})
    assert per_value(nothing, "year") is None
    assert year_by_age(nothing.assign(year="1995")) is None
    assert per_country(nothing) is None
    assert per_artist(nothing) is None


def test_pairs_by_artwork() -> None:
    rows = [("d1", "a", True), ("d2", "a", True), ("d10", "a", True), ("d1", "b", False)]
    rows += [("d3", "c", True), ("d4", "c", False)]
    pairs = pd.DataFrame(rows, columns=["drawing_id", "artwork_id", "pair"])
    artworks = per_artwork(pairs)
    assert artworks.to_numpy().tolist() == [["a", 3, 0], ["c", 1, 1], ["b", 0, 1]]
    distribution = drawings_per_artwork(artworks)
    assert distribution.index.to_list() == [1, 2, 3]
    assert distribution["confirmed"].to_list() == [1, 0, 1]
    assert distribution["ambiguous"].to_list() == [2, 0, 0]
    groups = pair_groups(pairs, confirmed=True)
    assert [(group.artwork_id, group.drawing_ids) for group in groups] == [
        ("a", ["d1", "d2", "d10"]),
        ("c", ["d3"]),
    ]


def write(root: Path, **tables: str) -> Path:
    for name, text in tables.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
    return root


def test_pairs_graded_as_different_are_neither_confirmed_nor_ambiguous(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        drawings="id,path\na,a\nb,b\n",
        artworks="id,path\nx,x\ny,y\n",
        pairs="drawing_id,artwork_id,pair,grade\na,x,true,same work\na,y,false,different\n"
        "b,x,false,unsure\nb,y,false,\n",
    )
    pairs = read_holdings(root).collection.pairs
    kept = list(zip(pairs["drawing_id"], pairs["artwork_id"], strict=True))
    assert kept == [("a", "x"), ("b", "x"), ("b", "y")]


def test_style_copies_are_known_by_the_parents_of_both_tables(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        drawings="id,path,parent\na,a,\na_oil,b,\nc,c,a\nd,d,d\ne,e,\nlone_oil,f,\n",
        artworks="id,path\nx,x\n",
        pairs="drawing_id,artwork_id,pair,parent\na,x,true,\ne,x,true,a\nd,x,false,d\n",
    )
    holdings = read_holdings(root)
    # Where the column `parent` says that a drawing has none, its ending says nothing.
    assert set(holdings.collection.drawings.index) == {"a", "a_oil", "d", "lone_oil"}
    assert holdings.copies == 2
    assert set(holdings.collection.pairs["drawing_id"]) == {"a", "d"}


def test_style_copies_of_a_table_without_parents_are_known_by_their_endings(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        drawings="id,path\na,a\na_oil,b\nlone_oil,c\n",
        artworks="id,path\nx,x\n",
        pairs="drawing_id,artwork_id,pair\na,x,true\n",
    )
    holdings = read_holdings(root)
    assert set(holdings.collection.drawings.index) == {"a", "lone_oil"}
    assert holdings.copies == 1


def test_a_collection_without_artworks_or_pairs_can_be_explored(tmp_path: Path) -> None:
    root = write(tmp_path, drawings="id,path\na,a.jpg\n")
    holdings = read_holdings(root)
    assert holdings.absent == ("artworks.csv", "pairs.csv")
    assert len(holdings.collection.artworks) == len(holdings.collection.pairs) == 0
    write(root, artworks="id,path\nx,x.jpg\n")
    assert read_holdings(root).absent == ("pairs.csv",)
    assert read_holdings(root).collection.artworks.index.to_list() == ["x"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,path\n", "no rows"),
        ("id,path\na,1\na,2\n", "drawings.csv, row 3: duplicate id 'a'"),
        ("id,id\na,1\n", "columns A and B are both 'id'"),
    ],
)
def test_an_unfinished_collection_is_checked_too(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_holdings(write(tmp_path, drawings=text))


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="missing – it must have the columns id, path"):
        read_holdings(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        read_holdings(tmp_path / "absent")


@pytest.mark.real_data
def test_the_published_drawings(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "thesis" / "metadata" / "drawings_14_25_metadata.csv"
    text = source.read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if "modified" not in row["path"]]
    collection = read_holdings(write(tmp_path, drawings=text)).collection
    ages = per_value(collection.drawings, "age_group")
    countries = per_country(collection.drawings)
    assert ages is not None
    assert countries is not None
    assert ages.to_dict() == Counter(row["age_group"] for row in rows)
    found = dict(zip(countries["code"], countries["drawings"], strict=True))
    assert found == Counter(row["country"] for row in rows)


def test_years_as_museums_write_them_are_counted_by_the_first() -> None:
    cells = ["1889", "ca. 1889", "1889–91", "n.d.", "", "spring"]
    years = per_value(pd.DataFrame({"year": cells}), "year")
    assert years is not None
    assert years.to_dict() == {"1889": 3, "spring": 1, "unknown": 2}
