"""The files of motifs: what is written is read back, and what was tampered with is a line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from drawsim.collection.csv_files import write_csv
from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.motifs.files import (
    MEMBERS,
    MOTIFS,
    WHO,
    WHO_COLUMNS,
    Motif,
    Motifs,
    colour_table,
    digest_of,
    empty_who,
    read_motifs,
    read_who,
    write_motifs,
)
from drawsim.retrieval.motifs.named import Named, read_named

ROWS = Embeddings(["b", "a", "ü", "d"], torch.eye(4))
FOUND = Motifs(
    (Motif("1", ("a", "ü", "b"), "a", 0.875, 0.5), Motif("2", ("d",), "d", 1.0)),
    drawings=9,
    unstable=2,
    collection="demo",
    model="lite, 224 px",
    digest=digest_of(ROWS),
    settings={"seed": 0},
)


def test_motifs_come_back(tmp_path: Path) -> None:
    write_motifs(FOUND, tmp_path)
    assert read_motifs(tmp_path) == FOUND
    members = pd.read_csv(tmp_path / MEMBERS, dtype=str)
    assert members.to_numpy().tolist() == [["1", "a"], ["1", "ü"], ["1", "b"], ["2", "d"]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 2}, "another version"),
        ({"drawings": 3}, "fewer drawings"),
        ({"model": None}, "model must be a text"),
        ({"motifs": [3]}, "a group that is none"),
    ],
)
def test_what_was_tampered_with_is_refused(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    write_motifs(FOUND, tmp_path)
    file = tmp_path / MOTIFS
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | change), encoding="utf-8")
    with pytest.raises(UserError, match=says):
        read_motifs(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"medoid": "d"}, "members of group '1'"),
        ({"stability": 1.5}, "stability of group '1'"),
        ({"size": 2}, "members of group '1'"),
        ({"members": ["a", "d", "b"]}, "a drawing is there twice"),
        ({"id": "2"}, "a group is there twice"),
        ({"members": "abc"}, "members must be a list"),
    ],
)
def test_a_group_that_was_tampered_with_is_refused(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    write_motifs(FOUND, tmp_path)
    file = tmp_path / MOTIFS
    found = json.loads(file.read_text("utf-8"))
    found["motifs"][0] |= change
    file.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(UserError, match=says):
        read_motifs(tmp_path)


def test_motifs_are_of_one_collection_and_its_embeddings() -> None:
    FOUND.check_drawings({"a", "b", "d", "ü"}, "DIR")
    FOUND.check_embeddings(ROWS.of(["a", "b", "d", "ü"]), "DIR")
    with pytest.raises(UserError, match="1 of their drawings, such as 'd', are not in DIR"):
        FOUND.check_drawings({"a", "b", "ü"}, "DIR")
    turned = replace(ROWS, vectors=ROWS.vectors.flip(0))
    with pytest.raises(UserError, match="found in other embeddings than those of DIR"):
        FOUND.check_embeddings(turned, "DIR")


def test_no_motifs_are_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no motifs\.json in it; find motifs again"):
        read_motifs(tmp_path)
    assert len(read_who(tmp_path)) == 0


def test_who_draws_it_comes_back(tmp_path: Path) -> None:
    rows = [
        ("1", "country", "GRC", 31, 44, 6.25, 12.5, 6.0, 30.0, 1e-9, 1e-7),
        ("1", "country", "=cmd", 3, 3, 1.0, float("inf"), 1.5, float("inf"), 0.03, 0.04),
    ]
    table = pd.concat([empty_who(), pd.DataFrame(rows, columns=list(WHO_COLUMNS))])
    write_csv(table, tmp_path / WHO)
    found = read_who(tmp_path)
    assert list(found.itertuples(index=False, name=None)) == rows
    assert found["count"].dtype == int
    assert found["high"].tolist() == [30.0, float("inf")]


def test_names_go_to_the_groups_that_have_the_same_drawings(tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    file.write_text(
        "group,motif,name,tags,drawing_id,belongs\n"
        "k1,7,Boats,red sails; sea,b,true\n"
        "k1,7,Boats,red sails; sea,a,true\n"
        "k1,7,Boats,red sails; sea,ü,false\n"
        "k2,1,Houses,,d,true\n"
        "k2,1,Houses,,e,true\n",
        encoding="utf-8",
    )
    named, gone = read_named(file, FOUND)
    assert named == {"1": Named("Boats", ("red sails", "sea"), frozenset({"ü"}))}
    assert gone == 1
    file.write_text("group,name\nk1,Boats\n", encoding="utf-8")
    with pytest.raises(UserError, match="no column tags"):
        read_named(file, FOUND)


def test_colours_are_a_table_of_columns_values_and_colours() -> None:
    rows = [("country=GRC", "colour", "blue", 5, 6, 2.0, 4.0, 1.5, 9.0, 0.001, 0.01)]
    table = colour_table(pd.DataFrame(rows, columns=list(WHO_COLUMNS)))
    assert list(table.columns)[:4] == ["column", "value", "colour", "count"]
    assert table.iloc[0].tolist()[:4] == ["country", "GRC", "blue", 5]
    assert len(colour_table(empty_who())) == 0
