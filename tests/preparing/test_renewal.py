"""A step that runs again: what people changed in its table since stays as they want it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.csv_files import read_csv
from drawsim.collection.problems import Problems
from drawsim.collection.summary import Summary
from drawsim.preparing.artworks import prepare_artworks
from drawsim.preparing.renewal import renew
from tests.preparing.archive_files import put, table

OWN = ("id", "path", "artist")


def run(source: Path, out: Path) -> Summary:
    return prepare_artworks(source, out, 1, extract=False)


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """A gallery that was prepared from a folder of three works."""
    put(
        tmp_path / "in",
        {"Manet/olympia.jpg": b"1", "Monet/lilies.jpg": b"2", "Monet/hay.jpg": b"3"},
    )
    run(tmp_path / "in", tmp_path / "out")
    return tmp_path / "out"


def change(collection: Path, old: str, new: str) -> None:
    path = collection / "artworks.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_rows_that_people_took_out_stay_out(collection: Path) -> None:
    change(collection, "hay,../in/Monet/hay.jpg,Monet,Monet\n", "")
    put(collection.parent / "in", {"Monet/seine.jpg": b"4"})
    for _ in range(3):
        summary = run(collection.parent / "in", collection)
        assert list(table(collection / "artworks.csv")) == ["olympia", "lilies", "seine"]
    assert summary.skipped["rows that people took out"] == 1
    [note] = [note for note in summary.notes if "taken out" in note]
    assert note == (
        "taken out of artworks.csv since the last run, and left out: 1 row (hay); "
        "delete .prepared/artworks.csv to have them back"
    )
    (collection / ".prepared" / "artworks.csv").unlink()
    run(collection.parent / "in", collection)
    assert len(table(collection / "artworks.csv")) == 4


def test_cells_rows_and_columns_of_peoples_own_stay(collection: Path) -> None:
    change(collection, "Manet,Manet", "Édouard Manet,Édouard Manet")
    change(collection, "lilies,", "nymphéas,")  # another id for the same file
    with (collection / "artworks.csv").open("a", encoding="utf-8") as file:
        file.write("mine,mine.jpg,Me,Me\n")
    (collection / "mine.jpg").write_bytes(b"5")
    summary = run(collection.parent / "in", collection)
    rows = table(collection / "artworks.csv")
    assert list(rows) == ["olympia", "hay", "nymphéas", "mine"]
    assert rows["olympia"]["artist"] == "Édouard Manet"
    assert summary.made["of these rows that people or other steps added, kept"] == 1
    assert summary.made["cells that people changed, kept"] == 2
    change(collection, ",artist_name", "")
    for name in ("Édouard Manet,Édouard Manet", "Monet,Monet", "Me,Me"):
        text = (collection / "artworks.csv").read_text(encoding="utf-8")
        new = text.replace(name, name.split(",")[0])
        (collection / "artworks.csv").write_text(new, encoding="utf-8")
    run(collection.parent / "in", collection)
    assert list(table(collection / "artworks.csv")["hay"]) == ["id", "path", "artist"]


def test_what_the_source_has_no_more_goes_and_what_it_says_anew_comes(collection: Path) -> None:
    (collection.parent / "in" / "Monet" / "hay.jpg").unlink()
    summary = run(collection.parent / "in", collection)
    assert list(table(collection / "artworks.csv")) == ["olympia", "lilies"]
    assert "hay" in summary.notes[-1]
    assert run(collection.parent / "in", collection).made["artworks, all as they were"] == 2


def test_a_table_that_is_gone_is_made_anew(collection: Path) -> None:
    change(collection, "hay,../in/Monet/hay.jpg,Monet,Monet\n", "")
    (collection / "artworks.csv").unlink()
    run(collection.parent / "in", collection)
    assert len(table(collection / "artworks.csv")) == 3


cells = st.sampled_from(["a", "b", "c"])
rows = st.dictionaries(st.integers(0, 5).map("r{}".format), cells, max_size=6)


@given(first=rows, second=rows, edits=rows, out=st.sets(st.integers(0, 5).map("r{}".format)))
def test_three_ways_meet(
    tmp_path_factory: pytest.TempPathFactory,
    first: dict[str, str],
    second: dict[str, str],
    edits: dict[str, str],
    out: set[str],
) -> None:
    """As a merge of three versions: who changed a row last has the word, people before the source.

    first, second: what the source says in two runs. edits: what people write between; out: the rows
    that they take out.
    """
    path = tmp_path_factory.mktemp("renewed") / "t.csv"

    def made(source: dict[str, str]) -> pd.DataFrame:
        named = [(name, f"{name}.jpg", cell) for name, cell in source.items()]
        return pd.DataFrame(named, columns=list(OWN), dtype=str)

    def held() -> dict[str, str]:
        found = read_csv(path, OWN, Problems())
        return dict(zip(found["id"], found["artist"], strict=True))

    renew(path, made(first), made({}), OWN)
    assert held() == first
    people = {name: cell for name, cell in (first | edits).items() if name not in out}
    made(people).to_csv(path, index=False)
    renew(path, made(second), made(people), OWN)
    wanted = {
        name: people[name] if people.get(name) not in (None, first.get(name)) else second[name]
        for name in second
        if not people or name in people or name not in first
    } | {name: cell for name, cell in people.items() if name not in first and name not in second}
    assert held() == wanted
