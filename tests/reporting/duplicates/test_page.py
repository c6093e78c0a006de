"""Duplicates: what is found, how it is grouped, and the page that shows it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import normalize

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.reporting.duplicates.page import write_duplicates
from drawsim.retrieval.embeddings import Embeddings
from tests.html_page import Page

HOSTILE = "</title><img src=x onerror=alert(1)>"


@pytest.fixture
def copied(collection: Collection, tmp_path: Path) -> Collection:
    """Paler, smaller copies: of a0 among the artworks, of a1 among the drawings, in style of d0."""
    root = tmp_path / "copied"
    for path in collection.root.rglob("*.*"):
        target = root / path.relative_to(collection.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    rng = np.random.default_rng(1)
    for source, copy_of_it in (
        ("artworks/a0", "artworks/same"),
        ("artworks/a1", "drawings/copy"),
        ("drawings/d0", "drawings/d0_oil"),
    ):
        # What is smooth has few frequencies to compare: these have many.
        image = cv2.resize(rng.integers(0, 256, (16, 20, 3), np.uint8), (200, 160))
        copy = np.clip(cv2.resize(image, (100, 80)) * 0.9 + 12, 0, 255).astype(np.uint8)
        cv2.imwrite(str(root / f"{source}.png"), image)
        cv2.imwrite(str(root / f"{copy_of_it}.png"), copy)
    with (root / "artworks.csv").open("a") as file:
        file.write(f'"{HOSTILE}",artworks/same.png\nlost,artworks/lost.png\n')
    with (root / "drawings.csv").open("a") as file:
        file.write("copy,drawings/copy.png\nd0_oil,drawings/d0_oil.png\n")
    pairs = (root / "pairs.csv").read_text().splitlines()
    lines = [f"{pairs[0]},parent", *(f"{line}," for line in pairs[1:]), "d0_oil,a0,true,d0"]
    (root / "pairs.csv").write_text("\n".join(lines) + "\n")
    return Collection.open(root)


def test_copies_are_grouped(copied: Collection, tmp_path: Path) -> None:
    table = write_duplicates(copied, tmp_path, 1, distance=10)
    pairs = {
        frozenset([(row.first_kind, row.first), (row.second_kind, row.second)])
        for row in table.itertuples()
    }
    assert pairs == {
        frozenset([("artwork", "a0"), ("artwork", HOSTILE)]),
        frozenset([("drawing", "copy"), ("artwork", "a1")]),
    }  # and no style copy
    assert table["group"].tolist() == [1, 2]
    assert (table["first_kind"] != table["second_kind"]).tolist() == [True, False]
    assert table["distance"].between(0, 10).all()
    assert table["cosine"].isna().all()

    read = pd.read_csv(tmp_path / "duplicates.csv")
    assert read["first"].tolist() == table["first"].tolist()
    page = Page((tmp_path / "duplicates.html").read_text(encoding="utf-8"))
    assert page.count("svg", cls="picture") == 4
    assert page.of("img") == []
    assert page.fetched == ["./duplicates.csv"]
    assert HOSTILE in page.text
    for words in (
        "2 groups of 4",
        "out of 23",
        "1 of the images is not there",
        "look like an artwork",
    ):
        assert words in page.text


def test_embeddings_find_more(copied: Collection, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    artworks = normalize(torch.tensor(rng.normal(size=(12, 32)), dtype=torch.float32))
    artworks[5] = normalize(artworks[4] + 0.01 * artworks[7], dim=0)
    artworks[6] = normalize(artworks[5] + 0.01 * artworks[8], dim=0)
    drawings = normalize(artworks[4:5] + 0.2 * artworks[9:10])
    embeddings = {
        "artwork": Embeddings([f"a{n}" for n in range(12)], artworks),
        "drawing": Embeddings(["d7"], drawings),
    }
    table = write_duplicates(copied, tmp_path, 1, embeddings=embeddings, similarity=0.99)
    found = table[table["distance"].isna()]
    # An oracle that compares each with each.
    names = [("drawing", "d7")] + [("artwork", f"a{n}") for n in range(12)]
    vectors = torch.cat([drawings, artworks])
    near = {
        (*names[i], *names[j]): float(vectors[i] @ vectors[j])
        for i in range(13)
        for j in range(i + 1, 13)
        if float(vectors[i] @ vectors[j]) >= 0.99
    }
    columns = ["first_kind", "first", "second_kind", "second"]
    cosines = dict(
        zip(found[columns].itertuples(index=False, name=None), found["cosine"], strict=True)
    )
    assert cosines == pytest.approx(near, abs=1e-6)
    by_hash = table[table["distance"].notna()]
    assert by_hash["cosine"].isna().all()  # one of the two has no embedding
    assert found["group"].nunique() == 1  # a4, a5, a6
    page = (tmp_path / "duplicates.html").read_text(encoding="utf-8")
    assert "3 images, cosine" in page


def test_a_pair_found_by_hash_has_its_cosine(copied: Collection, tmp_path: Path) -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    embeddings = {"artwork": Embeddings(["a0", HOSTILE], vectors)}
    table = write_duplicates(copied, tmp_path, 1, embeddings=embeddings)
    [row] = table[table["second"] == HOSTILE].to_dict("records")
    assert row["cosine"] == pytest.approx(0.6)


def test_nothing_alike(collection: Collection, tmp_path: Path) -> None:
    table = write_duplicates(collection, tmp_path, 1)
    assert table.empty
    page = Page((tmp_path / "duplicates.html").read_text(encoding="utf-8"))
    assert "No two of 20 images" in page.text
    assert list(pd.read_csv(tmp_path / "duplicates.csv").columns) == list(table.columns)


def test_thresholds_make_sense(collection: Collection, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be a cosine"):
        write_duplicates(collection, tmp_path, 1, similarity=1.5)
    with pytest.raises(UserError, match="distance=65"):
        write_duplicates(collection, tmp_path, 1, distance=65)
