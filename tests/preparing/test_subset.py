"""The step `subset`: which drawings stay, and that the rest of the tables follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.summary import Summary
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.preparing.subset import choose_drawings, prepare_subset

TABLES = {
    "drawings.csv": """id,path,age_group,country,colour,parent
d0,drawings/d0.jpg,3-5,FRA,True,
d0_oil,copies/d0_oil.jpg,,,,d0
d1,drawings/d1.jpg,6-9,FRA,False,
d2,drawings/d2.jpg,6-9,Côte,True,
d3,drawings/d3.jpg,,ITA,True,
""",
    "artworks.csv": "id,path\na0,artworks/a0.jpg\na1,artworks/a1.jpg\na2,artworks/a2.jpg\n",
    "pairs.csv": """drawing_id,artwork_id,pair,parent,annotator
d0,a0,true,,anna
d0_oil,a0,true,d0,
d1,a1,true,,anna
d2,a1,false,,bert
""",
    "splits/v0.csv": """drawing_id,artwork_id,set,cluster,parent,note
d0,a0,train,1,d0,x
d0_oil,a0,train,1,d0,
d1,a1,val,0,d1,y
""",
    "splits/near_duplicates.csv": "split,first\nv0,d0\n",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for name, text in TABLES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for line in (
        *TABLES["drawings.csv"].splitlines()[1:],
        *TABLES["artworks.csv"].splitlines()[1:],
    ):
        path = root / line.split(",")[1]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(path.stem.encode())
    return root


def subset(source: Path, out: Path, **settings: Any) -> Summary:
    defaults = {"where": None, "keep": "all", "artworks": "all", "copy_images": False}
    return prepare_subset(source, out, 1, **{**defaults, **settings})


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, ["d0", "d0_oil", "d1", "d2", "d3"]),
        ({"where": {"country": "FRA"}}, ["d0", "d0_oil", "d1"]),
        ({"where": {"age_group": ["3-5", None]}}, ["d0", "d0_oil", "d3"]),
        ({"where": {"age_group": "6-9", "country": ["FRA", "Côte"]}}, ["d1", "d2"]),
        ({"where": {"colour": True}}, ["d0", "d0_oil", "d2", "d3"]),
        ({"where": {"colour": False}}, ["d1"]),
        ({"where": {"id": ["d3"]}}, ["d3"]),
        ({"keep": "paired"}, ["d0", "d0_oil", "d1", "d2"]),
        ({"keep": "learning"}, ["d0", "d0_oil", "d1"]),
        ({"keep": "learning", "where": {"age_group": "6-9"}}, ["d1"]),
    ],
)
def test_which_drawings_stay(source: Path, settings: dict[str, Any], kept: list[str]) -> None:
    out = source.parent / "out"
    subset(source, out, **settings)
    made = Collection.open(out)
    assert list(made.drawings.index) == kept
    assert list(made.artworks.index) == ["a0", "a1", "a2"]
    before = Collection.open(source).pairs
    after = before[before["drawing_id"].isin(kept)].reset_index(drop=True)
    pd.testing.assert_frame_equal(made.pairs.reset_index(drop=True), after)
    split = pd.read_csv(out / "splits" / "v0.csv", dtype=str, keep_default_na=False)
    assert list(split["drawing_id"]) == [name for name in ("d0", "d0_oil", "d1") if name in kept]
    assert list(split.columns) == TABLES["splits/v0.csv"].split("\n")[0].split(",")
    assert not (out / "splits" / "near_duplicates.csv").exists()
    for name, path in {**made.paths("drawing", kept), **made.paths("artwork")}.items():
        assert path.read_bytes() == name.encode(), "the paths lead to the same images"


def test_artworks_of_pairs_alone(source: Path) -> None:
    out = source.parent / "deep" / "er"
    summary = subset(source, out, keep="learning", artworks="paired", where={"country": "FRA"})
    assert list(Collection.open(out).artworks.index) == ["a0", "a1"]
    assert summary.read == {"drawings": 5, "artworks": 3, "pairs": 4, "splits/v0": 3}
    assert summary.made == {"drawings": 3, "artworks": 2, "pairs": 3, "splits/v0": 3}
    assert summary.notes == ["splits/v0: no test pairs are left"]


def test_a_second_time_changes_nothing(source: Path) -> None:
    out = source.parent / "out"
    first = subset(source, out, keep="paired", copy_images=True)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert first.made == {
        "drawings": 4, "artworks": 3, "pairs": 4, "splits/v0": 3, "images copied": 7,
    }  # fmt: skip
    second = subset(source, out, keep="paired", copy_images=True)
    assert second.made == {}
    assert second.skipped["pairs (as before)"] == 4
    assert second.skipped["images copied before"] == 7
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


def test_copied_images_stay_when_the_source_goes(source: Path) -> None:
    (source / "artworks" / "a2.jpg").unlink()
    out = source.parent / "out"
    summary = subset(source, out, keep="learning", copy_images=True)
    assert summary.skipped == {"images that are not there": 1}
    source.rename(source.parent / "gone")
    made = Collection.open(out)
    assert list(made.drawings["path"]) == [
        "drawings/d0.jpg",
        "copies/d0_oil.jpg",
        "drawings/d1.jpg",
    ]
    for name, path in made.paths("drawing", made.drawings.index).items():
        assert path.read_bytes() == name.encode()


def test_a_copied_subset_of_a_subset(source: Path) -> None:
    subset(source, source.parent / "linked")
    out = source.parent / "out"
    subset(source.parent / "linked", out, copy_images=True)
    made = Collection.open(out)
    assert list(made.artworks["path"]) == ["artworks/a0.jpg", "artworks/a1.jpg", "artworks/a2.jpg"]
    for name, path in made.paths("drawing", made.drawings.index).items():
        assert path.resolve().is_relative_to(out.resolve())
        assert path.read_bytes() == name.encode()


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        (
            {"where": {"agegroup": "3-5"}},
            "step.where.agegroup: drawings.csv has no such column, did",
        ),
        (
            {"where": {"country": "FRO"}},
            "step.where.country=FRO: no drawing has it, did you mean FRA",
        ),
        (
            {"where": {"country": ["FRA", 1]}},
            "step.where.country=1: no drawing has it, choose from",
        ),
        ({"where": {"age_group": True}}, "step.where.age_group=True: no drawing has it"),
        ({"where": "FRA"}, "step.where=FRA: name a column too"),
        ({"where": {"country": "ITA"}, "keep": "paired"}, "no drawings are left"),
        ({"where": {"country": "ITA"}, "artworks": "paired"}, "no artworks are left"),
        ({"keep": "pared"}, "step.keep=pared: did you mean paired?"),
        ({"artworks": "none"}, "step.artworks=none: "),
    ],
)
def test_what_leaves_nothing(source: Path, settings: dict[str, Any], answer: str) -> None:
    with pytest.raises(UserError) as error:
        subset(source, source.parent / "out", **settings)
    assert answer in str(error.value)
    assert len(str(error.value)) < 400
    assert not (source.parent / "out").exists()


def test_many_values_are_not_all_listed(source: Path) -> None:
    path = source / "drawings.csv"
    rows = "".join(f"x{i},x.jpg,{i:09},,,\n" for i in range(300))
    path.write_text(TABLES["drawings.csv"] + rows, encoding="utf-8")
    with pytest.raises(UserError, match=r"choose from .*, …$") as error:
        subset(source, source.parent / "out", where={"age_group": "zzz"})
    assert len(str(error.value)) < 400


def test_nothing_of_the_users_is_lost(source: Path) -> None:
    with pytest.raises(UserError, match="choose another folder than the source"):
        subset(source, source.parent / "x" / ".." / "source")
    out = source.parent / "out"
    subset(source, out)
    for name, text, answer in (
        ("pairs.csv", "d3,a2,true,d3,carl\n", "pairs.csv, row 6: d3, a2, true would be lost"),
        ("drawings.csv", "n0,n0.jpg,,,,\n", "drawings.csv, row 7: n0 would be lost"),
        ("splits/v0.csv", "d0,a0,test,1,d0,\n", "v0.csv, row 5: d0, a0, test would be lost"),
    ):
        before = (out / name).read_text(encoding="utf-8")
        added = before + text
        (out / name).write_text(added, encoding="utf-8")
        with pytest.raises(UserError) as error:
            subset(source, out, keep="paired")
        assert answer in str(error.value)
        assert (out / name).read_text(encoding="utf-8") == added
        (out / name).write_text(before, encoding="utf-8")
    table = pd.read_csv(out / "artworks.csv").assign(title="?")
    table.to_csv(out / "artworks.csv", index=False)
    with pytest.raises(UserError, match=r"artworks\.csv, row 1: column title would be lost"):
        subset(source, out)


Rows = st.lists(
    st.tuples(st.sampled_from("xyz"), st.sampled_from(["", "0", "1", "2"]), st.booleans()),
    min_size=1,
    max_size=12,
)


@given(rows=Rows, keep=st.sampled_from(["all", "paired", "learning"]))
def test_a_choice_is_what_a_plain_loop_finds(rows: list[tuple[str, str, bool]], keep: Any) -> None:
    """Rows: a value, the number of an original that this is a copy of, whether it is paired."""
    names = [f"d{i}" for i in range(len(rows))]
    parent = {
        name: f"d{of}" if of and int(of) < i and not rows[int(of)][1] else name
        for i, (name, (_, of, _)) in enumerate(zip(names, rows, strict=True))
    }
    value = {name: row[0] for name, row in zip(names, rows, strict=True)}
    paired = {name for name, row in zip(names, rows, strict=True) if row[2]}
    collection = Collection(
        root=Path(),
        drawings=pd.DataFrame(
            {
                "path": "p",
                "letter": pd.Series(value),
                "parent": ["" if parent[name] == name else parent[name] for name in names],
            },
            index=pd.Index(names, name="id"),
        ),
        artworks=pd.DataFrame({"path": ["p"]}, index=["a"]),
        pairs=pd.DataFrame(
            [(name, "a", int(name[1:]) % 2 == 0, name) for name in sorted(paired)],
            columns=["drawing_id", "artwork_id", "pair", "parent"],
        ).astype({"pair": bool}),
    )
    wanted = value[names[0]]
    expected = [
        name
        for name in names
        if value[parent[name]] == wanted
        and (keep == "all" or parent[name] in paired)
        and (keep != "learning" or int(parent[name][1:]) % 2 == 0)
    ]
    found = choose_drawings(collection, {"letter": wanted}, keep)
    assert list(found.index) == expected


def test_rows_that_people_took_out_of_a_subset_stay_out(source: Path) -> None:
    out = source.parent / "out"
    subset(source, out)
    path = out / "pairs.csv"
    first, *rest = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(first + "".join(rest[1:]), encoding="utf-8")
    before = path.read_bytes()
    summary = subset(source, out)
    assert path.read_bytes() == before
    assert summary.skipped["rows that people took out"] == 1
    assert any("pairs.csv" in note and ".prepared" in note for note in summary.notes)
