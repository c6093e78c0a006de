"""The tables of the original project: what is united, what is left out, what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import pandas as pd
import pytest

from drawsim.collection.problems import Problem
from drawsim.common.errors import UserError
from drawsim.preparing.thesis_tables import read_thesis, reroot

FILES = {
    "metadata/drawings_14_25_metadata.csv": """year,age_group,id,country,path,uid
1995,14-17,0001,FRA,image_data/d/d1.jpg,d1
1995,14-17,0001,FRA,image_data/m/d1_oil.jpg,d1_oil
1996,18-25,3_0035 ,ITA,image_data/d/d2.jpg,d2\N{SPACE}
""",
    "metadata/drawings_paired_metadata.csv": """year,age_group,id,country,path,uid
1995,14-17,0001,FRA,image_data/d/d1.jpg,d1
2010,MS,0981,FRA,image_data/d/d3.jpg,d3
""",
    "metadata/famous_artworks_metadata_complete.csv": """uid,artist,path
Albrecht_Du╠êrer_1,Albrecht_Du╠êrer,image_data/a/Albrecht_Du╠êrer_1.jpg
a2,others,image_data/a/a2.jpg
""",
    "manual_annotation/annotated_drawing_artwork_pairs.csv": """drawing_id,artwork_id,pair,parent
d1,Albrecht_Du╠êrer_1,True,d1
d1_oil,Albrecht_Du╠êrer_1,True,d1
d3,a2,True,d3
d3,unknown,False,d3
d4,a2,True,d4
""",
    "manual_annotation/pairs_without_style_transfer.csv": """drawing_id,artwork_id,pair
"d1","Albrecht_Du╠êrer_1",True
"d2 ","a2",False
""",
    "splits/drawing_artwork_pair_train_test_split.csv": """uid_connection,drawing_id,artwork_id,\
set,parent
x,d3,a2,train,d3
y,d1,Albrecht_Du╠êrer_1,val,d1
z,d4,a2,train,d4
""",
    "splits/drawing_artwork_pair_train_test_split_v10.csv": """drawing_id,artwork_id,set
d1,Albrecht_Du╠êrer_1,test
""",
    "splits/drawing_artwork_pair_train_test_split_v2.csv": """drawing_id,artwork_id,set
d1,Albrecht_Du╠êrer_1,train
""",
    "splits/notes.csv": "what\nnothing\n",
}
ANNOTATED = "manual_annotation/annotated_drawing_artwork_pairs.csv"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_tables_are_united_and_nothing_is_changed(source: Path) -> None:
    tables = read_thesis(source)
    assert tables.drawings.to_dict("list") == {
        "id": ["d1", "d1_oil", "d2 ", "d3"],
        "path": [f"image_data/{p}.jpg" for p in ("d/d1", "m/d1_oil", "d/d2", "d/d3")],
        "year": ["1995", "1995", "1996", "2010"],
        "age_group": ["14-17", "14-17", "18-25", "MS"],
        "number": ["0001", "0001", "3_0035 ", "0981"],
        "country": ["FRA", "FRA", "ITA", "FRA"],
        "parent": ["", "d1", "", ""],
    }
    assert tables.artworks["id"].tolist() == ["Albrecht_Du╠êrer_1", "a2"]
    assert tables.artworks["artist"].tolist() == ["Albrecht_Du╠êrer", "others"]
    assert tables.pairs.to_dict("list") == {
        "drawing_id": ["d1", "d1_oil", "d3", "d2 "],
        "artwork_id": ["Albrecht_Du╠êrer_1", "Albrecht_Du╠êrer_1", "a2", "a2"],
        "pair": [True, True, True, False],
        "parent": ["d1", "d1", "d3", "d2 "],
    }
    assert list(tables.splits) == ["v0", "v2", "v10"]
    assert tables.splits["v0"].to_dict("list") == {
        "uid_connection": ["x", "y"],
        "drawing_id": ["d3", "d1"],
        "artwork_id": ["a2", "Albrecht_Du╠êrer_1"],
        "set": ["train", "val"],
        "parent": ["d3", "d1"],
    }
    assert tables.read["rows of drawings_14_25_metadata.csv"] == 3
    assert tables.read["rows of 3 splits"] == 5
    assert tables.notes == ["splits/notes.csv: not named as a split of the project, left out"]


def test_what_names_images_of_no_table_is_left_out_and_listed(source: Path) -> None:
    left_out = read_thesis(source).left_out
    assert [tuple(row) for row in left_out.itertuples(index=False)] == [
        (Path(ANNOTATED).name, 5, "d3", "unknown", False, "no table lists the artwork"),
        (Path(ANNOTATED).name, 6, "d4", "a2", True, "no table lists the drawing"),
        (
            "drawing_artwork_pair_train_test_split.csv",
            4,
            *("d4", "a2", "", "no table lists the drawing"),
        ),
    ]


TABLE = {"d4": "image_data/d/d4.jpg", "unknown": "image_data/a/u.jpg", "other": "o.jpg", "d1": "x"}


def test_the_pickled_table_adds_what_the_others_lack(source: Path) -> None:
    (source / "deep").mkdir()
    (source / "deep" / "uid2path.pkl").write_bytes(pickle.dumps(TABLE))
    tables = read_thesis(source)
    assert tables.drawings["id"].tolist() == ["d1", "d1_oil", "d2 ", "d3", "d4"]
    assert tables.artworks["id"].tolist() == ["Albrecht_Du╠êrer_1", "a2", "unknown"]
    assert tables.drawings["path"].iloc[-1] == TABLE["d4"]
    assert tables.left_out.empty
    assert len(tables.pairs) == 6
    assert len(tables.splits["v0"]) == 3
    assert tables.read["entries of uid2path.pkl"] == 4
    assert tables.notes[1:] == [
        "uid2path.pkl: drawings with another path than in metadata, which was kept: 1, e.g. 'd1'",
        "uid2path.pkl: drawings taken from it, in no table: 1",
        "uid2path.pkl: artworks taken from it, in no table: 1",
    ]


@pytest.mark.parametrize(
    "value", [pd.Series(TABLE, dtype="string"), ["d1"], {"d1": 1}, {1: "d1"}, "d1", {"d1": Problem}]
)
def test_other_pickles_are_refused(source: Path, value: object) -> None:
    (source / "my_uid2path_2.pkl").write_bytes(pickle.dumps(value))
    with pytest.raises(UserError, match=r"my_uid2path_2\.pkl: (not a table of ids|refused)"):
        read_thesis(source)


def test_longer_tables_have_precedence(source: Path) -> None:
    path = source / "metadata" / "drawings_paired_metadata.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("1995,14-17", "1995,18-25"))
    tables = read_thesis(source)
    assert tables.drawings["age_group"].iloc[0] == "14-17"
    assert tables.notes[0] == (
        "drawings_paired_metadata.csv: rows that differ from a longer table, which was kept: 1, "
        "e.g. 'd1'"
    )


SPLIT = "splits/drawing_artwork_pair_train_test_split.csv"
DRAWINGS = "metadata/drawings_14_25_metadata.csv"


@pytest.mark.parametrize(
    ("file", "old", "new", "answer"),
    [
        (
            ANNOTATED,
            "d3,a2,True,d3",
            "d3,a2,True,d3\nd3,a2,False,d3",
            "annotated_drawing_artwork_pairs.csv, row 5: 'd3' with 'a2' is both true and false",
        ),
        (
            "manual_annotation/pairs_without_style_transfer.csv",
            '"Albrecht_Du╠êrer_1",True',
            '"Albrecht_Du╠êrer_1",False',
            "pairs_without_style_transfer.csv, row 2: 'd1' with 'Albrecht_Du╠êrer_1' is False "
            "here and True in annotated_drawing_artwork_pairs.csv, row 2",
        ),
        (ANNOTATED, "d3,a2,True", "d3,a2,maybe", "row 4: pair is 'maybe'"),
        (SPLIT, "d1,Albrecht_Du╠êrer_1,val", "d1,a2,val", "row 3: leaks: artwork 'a2' is in val"),
        (SPLIT, "z,d4,a2,train", "z,d4,a2,trian", "row 4: set is 'trian'"),
        (SPLIT, "artwork_id", "artwork", "row 1: no column artwork_id"),
        (DRAWINGS, "d1_oil.jpg,d1_oil", "d1_oil.jpg,d1", "row 3: duplicate id 'd1'"),
        (DRAWINGS, "d1_oil.jpg,d1_oil", "d1_oil.jpg,", "row 3: empty id"),
        (DRAWINGS, "year", "path", "row 1: columns A and E are both 'path'"),
        (DRAWINGS, ",path,", ",file,", "drawings_14_25_metadata.csv, row 1: no column path"),
    ],
)
def test_defects_are_named_by_file_and_row(
    source: Path, file: str, old: str, new: str, answer: str
) -> None:
    path = source / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_thesis(source)
    assert answer in str(error.value)
    assert str(error.value).startswith(f"{source} cannot be imported: ")


def test_other_encodings(source: Path) -> None:
    text = FILES["metadata/famous_artworks_metadata_complete.csv"]
    path = source / "metadata" / "famous_artworks_metadata_complete.csv"
    path.write_bytes(text.encode("utf-8-sig").replace(b"\n", b"\r\n"))
    assert read_thesis(source).artworks["id"].tolist() == ["Albrecht_Du╠êrer_1", "a2"]
    path.write_bytes(text.replace("╠ê", "é").encode("latin-1"))
    assert read_thesis(source).artworks["id"].tolist() == ["Albrecht_Duérer_1", "a2"]
    path.write_bytes(text.replace("╠ê", "é").encode("utf-16-le")[:-1])
    with pytest.raises(UserError, match=r"complete\.csv, row 1: holds a NUL"):
        read_thesis(source)


def test_a_folder_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        read_thesis(tmp_path)
    for missing in ("metadata/*drawing*.csv", "metadata/*artwork*.csv", "manual_annotation/*.csv"):
        assert f"  {missing}: missing" in str(error.value)


@pytest.mark.parametrize("start", ["image_data", "", "elsewhere/of/theirs"])
def test_paths_are_led_to_the_images(tmp_path: Path, start: str) -> None:
    images, out = tmp_path / "images", tmp_path / "made" / "out"
    for name in ("d/1.jpg", "d/2.jpg", "m/Du╠êrer.jpg"):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).touch()
    paths = pd.Series([f"{start}/{p}".lstrip("/") for p in ("d/1.jpg", "m/Du╠êrer.jpg", "d/3.jpg")])
    led = reroot(paths, images, out)
    assert led is not None
    assert led.tolist() == [f"../../images/{p}" for p in ("d/1.jpg", "m/Du╠êrer.jpg", "d/3.jpg")]
    assert reroot(paths, tmp_path / "made", out) is None
