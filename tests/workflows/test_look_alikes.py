"""What makes scores look better than they are is said, with names, when a run starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.workflows.look_alikes import look_alikes

SETS = {"d0": "train", "d1": "train", "d2": "train", "d3": "val", "d4": "test", "d5": "test"}


@pytest.fixture
def root(collection_root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(collection_root, tmp_path / "copied"))


def told(root: Path, sets: dict[str, str] = SETS) -> list[str]:
    collection = Collection.open(root)
    pairs = collection.true_pairs
    split = pairs.assign(set=pairs["drawing_id"].map(sets)).dropna(subset="set")
    return look_alikes(collection, split, "v0", max_pixels=10**7, workers=1)


def smaller(source: Path, target: Path) -> None:
    with Image.open(source) as image:
        image.resize((40, 32)).save(target)


def test_nothing_is_said_of_pictures_of_their_own(root: Path) -> None:
    assert told(root) == []


def test_a_drawing_that_is_an_artwork_is_named(root: Path) -> None:
    shutil.copy(root / "artworks/a5.png", root / "drawings/d2.png")
    smaller(root / "artworks/a0.png", root / "drawings/d7.png")  # in no split
    [line] = told(root)
    assert line.startswith("2 drawings are the same picture as an artwork, or nearly: 'd2' is 'a5'")
    assert "'d7' is 'a0'" in line
    assert "step=check" in line


def test_the_same_picture_in_two_sets_is_named(root: Path) -> None:
    smaller(root / "drawings/d1.png", root / "drawings/d4.png")
    shutil.copy(root / "drawings/d1.png", root / "drawings/d2.png")  # both are trained on
    [line] = told(root)
    assert line.startswith("2 pairs of images look the same and are in different sets of split v0")
    for words in ("drawing 'd1' (train) and 'd4' (test)", "drawing 'd2' (train) and 'd4' (test)"):
        assert words in line


def test_a_style_copy_is_no_drawing(root: Path) -> None:
    shutil.copy(root / "artworks/a5.png", root / "drawings/d2_oil.png")
    drawings = pd.read_csv(root / "drawings.csv").assign(parent="")
    drawings.loc[len(drawings)] = ["d2_oil", "drawings/d2_oil.png", "d2"]
    drawings.to_csv(root / "drawings.csv", index=False)
    assert told(root) == []


def test_of_many_the_first_are_named(root: Path) -> None:
    for number in range(2, 8):
        shutil.copy(root / f"artworks/a{number}.png", root / f"drawings/d{number}.png")
    [line] = told(root)
    assert line.startswith("6 drawings are the same picture as an artwork")
    assert "'d6' is 'a6' … and 1 more" in line
