"""The step `thesis`: from a data folder of the original project to a collection."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

from drawsim.collection.splits import SETS, load_split
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.preparing.subset import prepare_subset
from drawsim.preparing.thesis import prepare_thesis, read_embeddings
from drawsim.retrieval.embeddings import load_embeddings
from tests.collection.test_splits import PUBLISHED
from tests.preparing.test_thesis_tables import FILES


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def content(folder: Path) -> dict[Path, tuple[bytes, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def table_of(ids: list[object], vectors: list[object]) -> np.ndarray:
    array = np.empty((len(ids), 2), dtype=object)
    for row, pair in enumerate(zip(ids, vectors, strict=True)):
        array[row, 0], array[row, 1] = pair
    return array


def test_a_collection_comes_of_it(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = prepare_thesis(source, out, 1, images=None)
    collection = Collection.open(out)
    assert list(collection.drawings.index) == ["d1", "d1_oil", "d2 ", "d3"]
    assert list(collection.true_pairs["drawing_id"]) == ["d1", "d1_oil", "d3"]
    assert summary.made["pairs in v0: 1 train, 1 val, 0 test"] == 2
    assert summary.made["true pairs, and 1 of style copies"] == 2
    assert "their paths stay as they are" in summary.notes[1]
    assert "rows left out and listed in left_out.csv: 3, e.g. annotated" in summary.notes[2]
    left_out = pd.read_csv(out / "left_out.csv", dtype=str)
    assert left_out["artwork_id"].tolist() == ["unknown", "a2", "a2"]
    assert collection.drawings["path"].iloc[0] == "image_data/d/d1.jpg"

    before = content(out)
    again = prepare_thesis(source, out, 1, images=None)
    assert content(out) == before
    assert again.made == {}
    assert again.skipped["pairs in v0: 1 train, 1 val, 0 test (as before)"] == 2


def test_images_are_found(source: Path, tmp_path: Path) -> None:
    images, out = tmp_path / "scans", tmp_path / "out"
    for name in ("d/d1.jpg", "d/d2.jpg", "a/a2.jpg"):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes(name.encode())
    summary = prepare_thesis(source, out, 1, images=str(images))
    assert summary.notes[1] == (
        "images of drawings that are not there: 2 of 4, e.g. ../scans/m/d1_oil.jpg"
    )
    paths = Collection.open(out).paths("drawing", ["d1", "d2 "])
    assert [path.read_bytes() for path in paths.values()] == [b"d/d1.jpg", b"d/d2.jpg"]
    assert Collection.open(out).paths("artwork", ["a2"])["a2"].read_bytes() == b"a/a2.jpg"
    with pytest.raises(UserError, match=r"none of the images is there, e\.g\. image_data/d/d1"):
        prepare_thesis(source, tmp_path / "new", 1, images=str(source))
    assert not (tmp_path / "new").exists()

    shutil.copytree(images, source / "image_data")
    prepare_thesis(source, out, 1, images=None)
    path = Collection.open(out).paths("artwork", ["a2"])["a2"]
    assert path.resolve() == source / "image_data" / "a" / "a2.jpg"


def test_what_people_added_is_not_lost(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="choose another folder than the source"):
        prepare_thesis(source, source, 1, images=None)
    out = tmp_path / "out"
    prepare_thesis(source, out, 1, images=None)
    with (out / "pairs.csv").open("a", encoding="utf-8") as file:
        file.write("d2 ,Albrecht_Du╠êrer_1,true,d2 \n")
    before = content(out)
    with pytest.raises(UserError, match=r"pairs\.csv, row 6: d2 , Albrecht_Du╠êrer_1, true would"):
        prepare_thesis(source, out, 1, images=None)
    assert content(out) == before


def test_a_damaged_source_changes_nothing(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare_thesis(source, out, 1, images=None)
    before = content(out)
    path = source / "manual_annotation" / "annotated_drawing_artwork_pairs.csv"
    path.write_text(path.read_text(encoding="utf-8") + "d1,a2,yes and no\n", encoding="utf-8")
    with pytest.raises(UserError, match="row 7: pair is 'yes and no'"):
        prepare_thesis(source, out, 1, images=None)
    assert content(out) == before


class Call:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("called",)


def test_embeddings(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3, 8))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    (source / "embeddings").mkdir()
    for name, array in {
        "good": table_of(["a2", "Albrecht_Du╠êrer_1", "zz"], list(unit)),
        "plain": unit,
        "hostile": table_of(["a2"], [Call()]),
    }.items():
        np.save(source / "embeddings" / f"{name}.npy", array)
    out = tmp_path / "out"
    summary = prepare_thesis(source, out, 1, images=None)
    assert not (tmp_path / "called").exists()
    assert summary.made["embeddings in good.safetensors"] == 3
    assert summary.skipped["embedding files"] == 2
    assert [note.partition(".npy: ")[2] for note in summary.notes[-3:]] == [
        "ids in no table: 1 of 3, e.g. 'zz'",
        "refused, for it asks for posix.mkdir; only arrays and tables of numbers and texts are "
        "read from pickles. Nothing in it was run.",
        "not a table of ids and vectors",
    ]
    files = sorted(path.name for path in (out / "embeddings").iterdir())
    assert files == ["good.ids.csv", "good.safetensors"]
    loaded = load_embeddings(out / "embeddings" / "good.safetensors")
    assert list(loaded.ids) == ["a2", "Albrecht_Du╠êrer_1", "zz"]
    np.testing.assert_array_equal(loaded.vectors.numpy(), unit, strict=True)
    with safe_open(out / "embeddings" / "good.safetensors", framework="pt") as file:
        assert file.metadata() == {"imported_from": "good.npy"}
    again = prepare_thesis(source, out, 1, images=None)
    assert again.made == {}
    assert again.skipped["embeddings in good.safetensors (as before)"] == 3


def test_vectors_become_unit_vectors(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, table_of(["a", "b"], [np.array([[3.0], [4.0]]), np.array([0.0, -2.0])]))
    vectors = read_embeddings(path).vectors
    torch.testing.assert_close(vectors, torch.tensor([[0.6, 0.8], [0, -1]]))


@pytest.mark.parametrize(
    ("ids", "vectors", "answer"),
    [
        ([], [], "not a table of ids and vectors"),
        (["a", "a"], [np.ones(2), np.ones(2)], "ids are not distinct texts"),
        (["a", 1], [np.ones(2), np.ones(2)], "ids are not distinct texts"),
        (["a", "b"], [np.ones(2), np.ones(3)], "not floats of one length"),
        (["a"], [np.arange(2)], "not floats of one length"),
        (["a"], ["b"], "not floats of one length"),
        (["a"], [np.zeros(2)], "vectors without a direction"),
        (["a"], [np.array([1, np.nan])], "vectors without a direction"),
    ],
)
def test_what_is_no_table_of_embeddings(
    tmp_path: Path, ids: list[object], vectors: list[object], answer: str
) -> None:
    np.save(tmp_path / "x.npy", table_of(ids, vectors))
    with pytest.raises(UserError, match=rf"x\.npy: .*{answer}"):
        read_embeddings(tmp_path / "x.npy")


@pytest.mark.real_data
def test_the_tables_of_the_thesis(shared_data: Path, tmp_path: Path) -> None:
    source, out = shared_data / "thesis", tmp_path / "out"
    summary = prepare_thesis(source, out, 1, images=None)
    collection = Collection.open(out)

    def published(name: str) -> pd.DataFrame:
        return pd.read_csv(source / name, dtype=str, keep_default_na=False)

    listed = [published(f"metadata/drawings_{n}_metadata.csv") for n in ("14_25", "paired")]
    assert set(collection.drawings.index) == set(listed[0]["uid"]) | set(listed[1]["uid"])
    gallery = published("metadata/famous_artworks_metadata_complete.csv")
    assert collection.artworks.index.tolist() == gallery["uid"].tolist()
    assert "Albrecht_Du╠êrer_1" in collection.artworks.index
    annotated = published("manual_annotation/annotated_drawing_artwork_pairs.csv")
    columns = ["drawing_id", "artwork_id", "parent"]
    true = annotated.loc[annotated["pair"] == "True", columns]
    assert collection.true_pairs[columns].to_numpy().tolist() == true.to_numpy().tolist()
    assert len(true) == 786
    known = [*gallery["uid"], "Soltaniyeh-dome"]  # the gallery's is soltaniyeh-dome
    unlisted = annotated[~annotated["artwork_id"].isin(known)]
    assert summary.skipped == {
        "rows of annotated_drawing_artwork_pairs.csv: no table lists the artwork": len(unlisted)
    }
    assert set(unlisted["pair"]) == {"False"}

    for version, counts in enumerate(PUBLISHED):
        suffix = f"_v{version}" if version else ""
        split = published(f"splits/drawing_artwork_pair_train_test_split{suffix}.csv")
        made = pd.read_csv(out / "splits" / f"v{version}.csv", dtype=str, keep_default_na=False)
        pd.testing.assert_frame_equal(made, split)
        loaded = load_split(collection, f"v{version}")
        originals = loaded[loaded["drawing_id"] == loaded["parent"]]
        assert tuple((originals["set"] == name).sum() for name in SETS) == counts
        shown = ", ".join(f"{n} {name}" for n, name in zip(counts, SETS, strict=True))
        assert summary.made[f"pairs in v{version}: {shown}"] == 131

    only_unlisted = set(annotated["drawing_id"]) - set(
        annotated.loc[annotated["artwork_id"].isin(known), "drawing_id"]
    )
    parts: list[tuple[dict[str, Any], str, set[str]]] = [
        ({"where": {"age_group": ["14-17", "18-25"]}, "keep": "all"}, "14_25", set()),
        ({"where": None, "keep": "paired"}, "paired", only_unlisted),
        ({"where": None, "keep": "learning"}, "learning", set()),
    ]
    for choice, name, missing in parts:
        part = tmp_path / name
        prepare_subset(out, part, 1, **choice, artworks="all", copy_images=False)
        ids = set(published(f"metadata/drawings_{name}_metadata.csv")["uid"])
        assert set(Collection.open(part).drawings.index) == ids - missing
    assert len(only_unlisted) == 15


@pytest.mark.real_data
def test_a_gallery_in_the_format_of_the_thesis(shared_data: Path) -> None:
    parity = shared_data.parent / "reference" / "parity"
    if not parity.is_dir():
        pytest.skip(f"no real data: there is no folder {parity}")
    embeddings = read_embeddings(parity / "artworks_thesis_format.npy")
    expected = np.load(parity / "embeddings.npz")
    assert list(embeddings.ids) == expected["artwork_ids"].tolist()
    np.testing.assert_array_equal(embeddings.vectors.numpy(), expected["artworks"], strict=True)
