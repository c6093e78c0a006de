"""Images of no use are refused or left out, by name, before any work is done."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS
from drawsim.pixels.screening import screen

DRAWINGS = [f"d{i}" for i in range(8)]


@pytest.fixture
def damaged(collection_root: Path, tmp_path: Path) -> Collection:
    """The small collection with d2 missing, a0 cut short and a9 no image."""
    root = tmp_path / "damaged"
    shutil.copytree(collection_root, root)
    (root / "drawings" / "d2.png").unlink()
    cut = root / "artworks" / "a0.png"
    cut.write_bytes(cut.read_bytes()[:-200])
    (root / "artworks" / "a9.png").write_text("no picture")
    return Collection.open(root)


def screened(collection: Collection, drawings: list[str] = DRAWINGS, **settings: Any) -> Any:
    choices: dict[str, Any] = {"on_missing": "error", "max_pixels": DEFAULT_MAX_PIXELS}
    return screen(collection, drawings, **{**choices, "workers": 2, **settings})


def test_a_sound_collection_comes_through(collection: Collection) -> None:
    for on_missing in ("error", "skip"):
        left, skipped = screened(collection, on_missing=on_missing)
        assert left.drawings.equals(collection.drawings)
        assert left.artworks.equals(collection.artworks)
        assert len(left.pairs) == len(collection.pairs)
        assert skipped.columns.tolist() == ["kind", "id", "path", "reason"]
        assert skipped.empty


def test_every_bad_image_is_named_with_its_path_and_the_way_on(damaged: Collection) -> None:
    with pytest.raises(UserError, match="unusable images: 3 problems") as error:
        screened(damaged)
    lines = str(error.value).splitlines()[1:]
    for line, kind, name in zip(
        lines, ("drawing", "artwork", "artwork"), ("d2", "a0", "a9"), strict=True
    ):
        assert str(damaged.root / f"{kind}s" / f"{name}.png") in line
        assert f"{kind} {name!r}" in line
        assert "data.on_missing=skip" in line


def test_skipping_leaves_them_out_with_their_pairs_and_lists_them(damaged: Collection) -> None:
    left, skipped = screened(damaged, on_missing="skip")
    assert list(zip(skipped["kind"], skipped["id"], strict=True)) == [
        ("drawing", "d2"),
        ("artwork", "a0"),
        ("artwork", "a9"),
    ]
    assert skipped["path"].tolist() == [
        str(damaged.root / f"{path}.png") for path in ("drawings/d2", "artworks/a0", "artworks/a9")
    ]
    assert skipped["reason"].str.len().min() > 0
    assert "d2" not in left.drawings.index
    assert left.artworks.index.tolist() == [f"a{i}" for i in range(1, 12) if i != 9]
    assert left.pairs["drawing_id"].tolist() == ["d3", "d4", "d5", "d6", "d7"]


def test_only_the_drawings_asked_for_are_looked_at(damaged: Collection) -> None:
    _, skipped = screened(damaged, ["d0", "d1"], on_missing="skip")
    assert skipped["id"].tolist() == ["a0", "a9"]


def test_too_large_is_of_no_use_either(collection: Collection) -> None:
    left, skipped = screened(collection, ["d0"], on_missing="skip", max_pixels=50 * 40 // 8 - 1)
    assert len(skipped) == 1 + 12
    assert left.artworks.empty
    assert left.pairs.empty


def test_a_misspelt_policy(collection: Collection) -> None:
    with pytest.raises(UserError, match=r"data\.on_missing=skp: did you mean skip"):
        screened(collection, on_missing="skp")
