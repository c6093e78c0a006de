"""The step `splits`: files, their account, and what looks alike across sets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from drawsim.collection.splits import SETS, load_split
from drawsim.collection.summary import Summary
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.preparing.splits import prepare_splits
from drawsim.retrieval.embeddings import Embeddings


@pytest.fixture
def source(collection_root: Path, tmp_path: Path) -> Path:
    """The small collection, to be changed."""
    return Path(shutil.copytree(collection_root, tmp_path / "source"))


def splits(source: Path, out: Path | None = None, **settings: Any) -> Summary:
    defaults = {
        "rule": "thesis",
        "versions": 2,
        "folds": 3,
        "ratios": [2, 1, 1],
        "by": "pairs",
        "duplicates": False,
        "distance": 10,
        "embeddings": None,
        "similarity": 0.95,
    }
    return prepare_splits(source, source if out is None else out, 1, **{**defaults, **settings})


def content(folder: Path) -> dict[Path, tuple[bytes, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("thesis", ["v0", "v1"]),
        ("ratios", ["ratios0", "ratios1"]),
        ("kfold", ["fold0", "fold1", "fold2"]),
    ],
)
def test_splits_are_written_once(source: Path, rule: str, names: list[str]) -> None:
    collection = Collection.open(source)
    made = {name: load_split(collection, name) for name in names if rule == "thesis"}
    summary = splits(source, rule=rule)
    assert summary.read == {"true pairs of original drawings": 8}
    assert summary.files == [source / "splits" / f"{name}.csv" for name in names]
    for name, text in zip(names, summary.made, strict=True):
        split = load_split(collection, name)
        counts = split["set"].value_counts()
        assert text == f"pairs in {name}: " + ", ".join(f"{counts[own]} {own}" for own in SETS)
        assert summary.made[text] == len(split) == 8
        if name in made:
            pd.testing.assert_frame_equal(split, made[name])
    before = content(source)
    again = splits(source, rule=rule)
    assert content(source) == before
    assert again.made == {}
    assert again.skipped == {f"{text} (as before)": 8 for text in summary.made}


def test_a_collection_of_test_pairs_alone(source: Path) -> None:
    [text] = splits(source, rule="ratios", versions=1, ratios=[0, 0, 1]).made
    assert text == "pairs in ratios0: 0 train, 0 val, 8 test"
    (source / "splits" / "ratios0.csv").rename(source / "splits" / "v0.csv")
    before = content(source)
    summary = splits(source, versions=1, duplicates=True)
    assert next(iter(summary.skipped)) == "pairs in v0: 0 train, 0 val, 8 test (as before)"
    assert before.items() <= content(source).items()
    with pytest.raises(UserError, match=r"ratios0\.csv has no train pairs"):
        splits(source, rule="ratios", versions=1, ratios=[0.001, 0, 1])


def test_a_share_of_nothing_gets_nothing(source: Path) -> None:
    splits(source, rule="ratios", versions=5, ratios=[1, 0, 1])
    for name in (f"ratios{i}" for i in range(5)):
        found = load_split(Collection.open(source), name, needs=("train", "test"))
        assert set(found["set"]) == {"train", "test"}


def test_splits_need_pairs(source: Path) -> None:
    (source / "pairs.csv").unlink()
    with pytest.raises(UserError, match=r"pairs\.csv: missing"):
        splits(source)


def test_splits_in_another_folder(source: Path, tmp_path: Path) -> None:
    before = content(source)
    splits(source, tmp_path / "out")
    assert content(source) == before
    assert sorted(path.name for path in (tmp_path / "out" / "splits").iterdir()) == [
        "v0.csv",
        "v1.csv",
    ]


def test_what_is_added_is_counted_and_what_joins_is_named(source: Path) -> None:
    splits(source, versions=1)
    old = load_split(Collection.open(source), "v0").set_index("drawing_id")["set"]
    train, val = (next(name for name in old.index if old[name] == own) for own in ("train", "val"))
    art = {"d0": "a0", "d1": "a0", "d2": "a1"}
    with (source / "pairs.csv").open("a", encoding="utf-8") as file:
        file.write(f"{train},{art.get(val, f'a{val[1:]}')},true\nd7,a11,true\n")
    summary = splits(source, versions=1)
    [text] = summary.made
    assert text.endswith("(1 row added)")
    assert summary.skipped == {"pairs that would join sets": 1}
    assert summary.notes == [
        "left out, for they would join what is kept apart: "
        f"{train!r} with {art.get(val, f'a{val[1:]}')!r} (train and val of v0)"
    ]


def test_pairs_that_are_rejected_later_are_named(source: Path) -> None:
    splits(source, versions=1)
    path = source / "pairs.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("d6,a6,True", "d6,a6,False"))
    before = (source / "splits" / "v0.csv").read_bytes()
    [note] = splits(source, versions=1).notes
    assert note.startswith("v0.csv: pairs that pairs.csv does not confirm (any more): 1;")
    assert (source / "splits" / "v0.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        ({"rule": "kfolds"}, "step.rule=kfolds: did you mean kfold?"),
        ({"rule": "kfold", "folds": 9}, "step.folds=9: there are 6 components"),
        ({"rule": "ratios", "ratios": [1, 2]}, "step.ratios=[1, 2]: must be three"),
        ({"rule": "ratios", "ratios": [98, 1, 1]}, "ratios0.csv has no"),
        ({"duplicates": True, "distance": 65}, "distance=65: must be a number of bits"),
        ({"duplicates": True, "similarity": 0}, "similarity=0: must be a cosine above 0"),
    ],
)
def test_bad_settings(source: Path, settings: dict[str, Any], answer: str) -> None:
    with pytest.raises(UserError) as error:
        splits(source, **settings)
    assert answer in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_an_old_split_that_leaks_stops_the_step_before_it_writes(source: Path) -> None:
    (source / "splits").mkdir()
    text = "drawing_id,artwork_id,set\nd0,a0,train\nd1,a0,val\n"
    (source / "splits" / "v1.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"v1\.csv, row 3: leaks: artwork 'a0' is in val here"):
        splits(source)
    assert [path.name for path in (source / "splits").iterdir()] == ["v1.csv"]


def resave(path: Path, target: Path) -> None:
    """The picture again, at another size and with noise of one level."""
    image = cv2.imread(str(path))
    assert image is not None
    large = cv2.resize(image, (150, 120), interpolation=cv2.INTER_CUBIC).astype(int)
    noise = np.random.default_rng(0).integers(-1, 2, large.shape)
    assert cv2.imwrite(str(target), np.clip(large + noise, 0, 255).astype(np.uint8))


def test_images_that_look_alike_in_different_sets(source: Path) -> None:
    for name in ("d0", "d3", "d5"):  # the pictures are so smooth that size alone changes their hash
        resave(source / "drawings" / f"{name}.png", source / "drawings" / f"{name}.png")
    resave(source / "drawings" / "d3.png", source / "drawings" / "d4.png")
    resave(source / "drawings" / "d5.png", source / "artworks" / "a6.png")
    resave(source / "drawings" / "d0.png", source / "drawings" / "d1.png")  # the same component
    resave(source / "artworks" / "a0.png", source / "artworks" / "a9.png")  # a9 is in no pair
    summary = splits(source, rule="kfold", duplicates=True)
    table = pd.read_csv(source / "splits" / "near_duplicates.csv", dtype=str)
    expected = []
    for fold in ("fold0", "fold1", "fold2"):
        split = load_split(Collection.open(source), fold)
        drawing = dict(zip(split["drawing_id"], split["set"], strict=True))
        artwork = dict(zip(split["artwork_id"], split["set"], strict=True))
        if drawing["d3"] != drawing["d4"]:
            expected.append((fold, "drawing d3", drawing["d3"], "drawing d4", drawing["d4"]))
        if drawing["d5"] != artwork["a6"]:
            expected.append((fold, "drawing d5", drawing["d5"], "artwork a6", artwork["a6"]))
    assert {row[3] for row in expected} == {"drawing d4", "artwork a6"}
    found = [
        (row.split, f"{row.first_kind} {row.first}", row.first_set,
         f"{row.second_kind} {row.second}", row.second_set)
        for row in table.itertuples()
    ]  # fmt: skip
    assert sorted(found) == sorted(expected)
    assert (table["distance"].astype(int) <= 10).all()
    assert summary.read["images compared"] == 7 + 7
    assert summary.made["near-duplicates across sets, over all splits"] == len(expected)
    [note] = summary.notes
    assert note.startswith("look alike and are in different sets: drawing 'd")
    for first, second in (("drawing 'd3'", "drawing 'd4'"), ("drawing 'd5'", "artwork 'a6'")):
        folds = [row[0] for row in expected if row[3].split()[1] in second]
        assert f"{first} and {second} (in {', '.join(folds)})" in note
    before = content(source)
    again = splits(source, rule="kfold", duplicates=True)
    assert content(source) == before
    assert again.made == {}
    assert again.notes == summary.notes


def test_ids_that_drawings_and_artworks_share(source: Path) -> None:
    for name in ("artworks.csv", "pairs.csv"):
        path = source / name
        path.write_text(path.read_text(encoding="utf-8").replace("a3,", "d4,"), encoding="utf-8")
    resave(source / "drawings" / "d0.png", source / "artworks" / "a3.png")
    resave(source / "drawings" / "d0.png", source / "drawings" / "d0.png")
    splits(source, rule="kfold", duplicates=True)
    table = pd.read_csv(source / "splits" / "near_duplicates.csv", dtype=str)
    assert set(table["first"]) == {"d0"}
    assert set(table["second_kind"] + table["second"]) == {"artworkd4"}


def test_images_that_are_not_there(source: Path) -> None:
    (source / "drawings" / "d0.png").unlink()
    [note] = splits(source, duplicates=True).notes
    assert note.startswith(
        "images of pairs that are not there and were not compared: 1 of 14, e.g."
    )
    assert (source / "splits" / "near_duplicates.csv").is_file()
    shutil.rmtree(source / "drawings")
    shutil.rmtree(source / "artworks")
    (source / "splits" / "near_duplicates.csv").unlink()
    [note] = splits(source, duplicates=True).notes
    assert "14 of 14" in note
    assert not (source / "splits" / "near_duplicates.csv").exists()
    assert splits(source, duplicates=False).notes == []


def test_embeddings_find_what_hashes_do_not(source: Path) -> None:
    splits(source, rule="kfold")
    split = load_split(Collection.open(source), "fold0")
    first, *others = split.itertuples()
    other = next(row for row in others if str(row.set) != str(first.set))
    collection = Collection.open(source)
    for kind, table in (("drawings", collection.drawings), ("artworks", collection.artworks)):
        vectors = torch.randn(len(table), 64, generator=torch.Generator().manual_seed(len(kind)))
        vectors = torch.nn.functional.normalize(vectors)
        if kind == "drawings":
            vectors[table.index.get_loc(other.drawing_id)] = vectors[
                table.index.get_loc(first.drawing_id)
            ]
        embeddings = Embeddings(list(table.index), vectors)
        embeddings.save(source / f"embeddings/model.{kind}.safetensors", {})
    prefix = str(source / "embeddings/model")
    splits(source, rule="kfold", duplicates=True, embeddings=prefix)
    table = pd.read_csv(source / "splits/near_duplicates.csv", dtype=str)
    found = table[table["split"] == "fold0"]
    assert {first.drawing_id, other.drawing_id} in [
        {row.first, row.second} for row in found.itertuples()
    ]
    assert set(table["cosine"].dropna()) == {"1.0000"}
    with pytest.raises(UserError, match="missing"):
        splits(source, rule="kfold", duplicates=True, embeddings=str(source / "nothing"))


@pytest.mark.parametrize("rule", ["thesis", "ratios", "kfold"])
def test_rows_that_people_took_out_of_a_split_stay_out(source: Path, rule: str) -> None:
    splits(source, rule=rule)
    first, second, *_ = sorted((source / "splits").glob("*.csv"))
    header, *rows = first.read_text().splitlines()
    taken = next(row for row in rows if row.startswith("d4,a4,"))
    first.write_text("\n".join([header, *(row for row in rows if row != taken)]) + "\n")
    others = second.read_bytes()
    before = first.read_bytes()
    for _ in range(2):
        summary = splits(source, rule=rule)
        assert summary.skipped["rows that people took out"] == 1
        assert "1 row (d4 with a4)" in "".join(summary.notes)
        assert first.read_bytes() == before
        assert second.read_bytes() == others
    (source / ".prepared" / "splits" / first.name).unlink()
    splits(source, rule=rule)
    assert taken.rpartition(",")[0].split(",")[:2] == ["d4", "a4"]
    assert "d4,a4," in first.read_text()


def test_a_pair_that_is_confirmed_again_comes_back(source: Path) -> None:
    splits(source)
    pairs, split = source / "pairs.csv", source / "splits" / "v0.csv"
    table, whole = pairs.read_text(), split.read_text()
    pairs.write_text(table.replace("d4,a4,True", "d4,a4,False"))
    split.write_text("".join(r for r in whole.splitlines(True) if not r.startswith("d4,a4,")))
    splits(source)
    pairs.write_text(table)
    splits(source)
    assert "d4,a4," in split.read_text()
