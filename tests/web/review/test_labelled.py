"""Tags, names and groups as files: tables, W3C annotations, a group as a collection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from drawsim.collection.kinds import KINDS
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.retrieval.motifs.files import write_motifs
from drawsim.web.events.drafts import Draft
from drawsim.web.events.store import EventStore
from drawsim.web.queue.groups import Groups
from drawsim.web.review.export import export_all
from drawsim.web.review.web_annotations import annotation_collection
from drawsim.workflows.annotate.workplace import Workplace, export
from tests.web.conftest import MOTIFS
from tests.web.judges import MADE_WITH, Judges

GROUPS = Groups(MOTIFS)
BOATS = GROUPS.every[0]


@pytest.fixture
def said(judges: Judges) -> Judges:
    """A drawing with two tags and a name, and a tagged group that lost a drawing."""
    judges.do("ada", "tag", "d3", label="sea")
    judges.do("ben", "tag", "d3", label="boat")
    judges.do("ada", "name", "d3", label="=Regatta")
    judges.do("ada", "tag", "d1", label="boat", group_id=BOATS.key)
    judges.do("ada", "name", "d1", label="Boats", group_id=BOATS.key)
    judges.do("ada", "remove", "d4", group_id=BOATS.key)
    return judges


def cells(file: Path) -> pd.DataFrame:
    return pd.read_csv(file, dtype=str, keep_default_na=False)


def test_tables_of_what_was_said(said: Judges, mine: Collection, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = export_all(said.store, mine, out, groups=GROUPS)
    table = cells(out / "tagged_drawings.csv").set_index("id")
    assert table["tags"].to_dict() == {"d0": "boat", "d1": "boat", "d3": "boat; sea", "d7": "boat"}
    assert table["name"].to_dict() == {"d0": "", "d1": "", "d3": "'=Regatta", "d7": ""}
    own = cells(mine.root / "drawings.csv").set_index("id")
    assert table[list(own.columns)].equals(own.loc[table.index])
    groups = cells(out / "groups.csv")
    assert list(groups["drawing_id"]) == list(BOATS.members)
    assert list(groups["belongs"]) == ["true", "true", "false", "true"]
    assert set(groups["name"]) == {"Boats"}
    assert (told.tagged, told.not_told) == (4, 0)
    assert "drawings with a tag or a name: 4" in told.lines

    alone = export_all(said.store, mine, tmp_path / "alone")
    assert list(cells(tmp_path / "alone" / "tagged_drawings.csv")["id"]) == ["d3"]
    assert not (tmp_path / "alone" / "groups.csv").exists()
    assert "names and tags of 1 groups; say with motifs=FOLDER" in str(alone)


def test_nothing_said_makes_no_table(judges: Judges, mine: Collection, tmp_path: Path) -> None:
    judges.grade("ada", "d0", "a0", "same work")
    told = export_all(judges.store, mine, tmp_path / "out")
    assert not (tmp_path / "out" / "tagged_drawings.csv").exists()
    assert told.tagged == 0


def labelled(judges: Judges, groups: Groups | None) -> list[tuple[Any, ...]]:
    whole = annotation_collection(judges.store, {}, {}, None, groups)
    found = []
    for each in whole["first"]["items"]:
        [body] = each["body"]
        assert body["purpose"] == each["motivation"]
        targets = each["target"] if isinstance(each["target"], list) else [each["target"]]
        names = [one["source"]["dcterms:identifier"] for one in targets]
        found.append((each["motivation"], body["value"], each["creator"]["nickname"], names))
    return found


def test_annotations_of_what_was_said(said: Judges) -> None:
    own = [
        ("tagging", "sea", "ada", ["d3"]),
        ("tagging", "boat", "ben", ["d3"]),
        ("identifying", "=Regatta", "ada", ["d3"]),
    ]
    assert labelled(said, None) == own
    belong = ["d1", "d0", "d7"]
    assert labelled(said, GROUPS) == [
        *own,
        ("tagging", "boat", "ada", belong),
        ("identifying", "Boats", "ada", belong),
    ]


def test_a_group_becomes_a_collection(collection: Collection, tmp_path: Path) -> None:
    """What other commands open: paths lead to the same files; what was taken out is not there."""
    write_motifs(MOTIFS, tmp_path / "motifs")
    place = Workplace(collection.root, tmp_path / "store")
    store = EventStore(place.connect())
    first = str(collection.artworks.index[0])
    deeds = [
        Draft("said-0001", "remove", "drawing", "d4", group_id=BOATS.key),
        Draft("said-0002", "tag", "drawing", "d1", label="boat", group_id=BOATS.key),
        Draft("said-0003", "name", "drawing", "d1", label="Boats", group_id=BOATS.key),
        Draft(
            "said-0004", "grade", "drawing", "d7", collection.artworks.index[0], grade="same work"
        ),
    ]
    store.save("ada", deeds, MADE_WITH)
    store.engine.dispose()
    told = export(place, tmp_path / "group", motifs=tmp_path / "motifs", group="1")
    assert "made 3 drawings\n" in str(told)
    made = Collection.open(tmp_path / "group")
    assert set(made.originals["group"]) == {"Boats"}
    judged = made.pairs[made.pairs["drawing_id"] == "d7"]
    assert (first, True) in set(zip(judged["artwork_id"], judged["pair"], strict=True))
    assert set(made.originals.index) == {"d0", "d1", "d7"}
    assert set(made.originals["tags"]) == {"boat"}
    assert list(made.artworks.index) == list(collection.artworks.index)
    for kind in KINDS:
        files = made.paths(kind)
        before = collection.paths(kind)
        assert all(path.resolve() == before[name].resolve() for name, path in files.items())
    for wrong, says in (
        ({"group": "9", "motifs": tmp_path / "motifs"}, "group=9"),
        ({"group": "1"}, "goes with motifs=FOLDER"),
        ({"motifs": tmp_path}, "no motifs.json in it"),
    ):
        with pytest.raises(UserError, match=says):
            export(place, tmp_path / "other", **wrong)
    with pytest.raises(UserError, match="lies in the collection"):
        export(place, collection.root / "artworks", motifs=tmp_path / "motifs", group="1")
