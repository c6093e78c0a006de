"""The step `styles`: copies, their rows, what is made again and what is left alone."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drawsim.collection.splits import load_split
from drawsim.collection.summary import Summary
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS, read_image
from drawsim.pixels.styles import EFFECTS, style_effect
from drawsim.preparing import styles as style_copies
from drawsim.preparing.styles import prepare_styles

PARAMETERS: dict[str, dict[str, float]] = {"oil": {"size": 5}, "pencil_gray": {"kernel": 101}}
ORIGINALS = [f"d{i}" for i in range(7)]  # d7 is in no true pair


@pytest.fixture
def root(collection_root: Path, tmp_path: Path) -> Path:
    """A copy of the small collection that may be changed."""
    shutil.copytree(collection_root, tmp_path / "collection")
    return tmp_path / "collection"


def styles(root: Path, **settings: Any) -> Summary:
    """Run the step with two quick effects."""
    workers = settings.pop("workers", 1)
    defaults = {
        "effects": ["gray", "oil"],
        "parameters": PARAMETERS,
        "split": None,
        "format": "png",
        "quality": 95,
        "max_pixels": DEFAULT_MAX_PIXELS,
    }
    return prepare_styles(root, root, workers, **(defaults | settings))


def contents(root: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of every file."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def add_columns(root: Path) -> None:
    table = pd.read_csv(root / "drawings.csv", dtype=str)
    table = table.assign(country=[f"C{i}" for i in range(8)], bytes="1")
    table.to_csv(root / "drawings.csv", index=False)


def test_copies_and_their_rows(root: Path) -> None:
    add_columns(root)
    summary = styles(root, workers=2)
    assert summary.read == {"drawings": 7, "in true pairs": 8}
    assert summary.made == {
        "gray copies": 7,
        "oil copies": 7,
        "rows in drawings.csv": 14,
        "rows in pairs.csv": 16,  # d2 is paired with two artworks
    }
    collection = Collection.open(root)
    for name in ORIGINALS:
        original = read_image(root / "drawings" / f"{name}.png")
        for effect in ("gray", "oil"):
            row = collection.drawings.loc[f"{name}_{effect}"]
            assert row["path"] == f"styles/{name}_{effect}.png"
            assert row["parent"] == name
            assert row["country"] == collection.drawings.at[name, "country"]
            assert int(str(row["bytes"])) == (root / row["path"]).stat().st_size
            assert np.array_equal(read_image(root / row["path"]), EFFECTS[effect](original))
    assert (collection.drawings.loc["d0":"d7", "parent"] == "").all()
    copies = collection.pairs[collection.pairs["drawing_id"] != collection.pairs["parent"]]
    true = collection.true_pairs
    assert copies["pair"].all()
    assert {
        (parent, artwork) for parent, artwork in copies[["parent", "artwork_id"]].to_numpy()
    } == set(
        map(
            tuple, true.loc[true["drawing_id"].isin(ORIGINALS), ["parent", "artwork_id"]].to_numpy()
        )
    )


def test_a_second_run_changes_nothing(root: Path) -> None:
    styles(root)
    before = contents(root)
    summary = styles(root)
    assert contents(root) == before
    assert summary.made == {}
    assert summary.skipped == {"copies that are there already": 14}


def test_only_what_is_missing_is_made(root: Path) -> None:
    styles(root, effects=["gray"])
    (root / "styles" / "d3_gray.png").unlink()
    before = contents(root)
    assert styles(root).made == {
        "gray copies": 1,
        "oil copies": 7,
        "rows in drawings.csv": 7,
        "rows in pairs.csv": 8,
    }
    after = contents(root)
    assert all(after[name] == before[name] for name in before if name.endswith("_gray.png"))


def test_changed_parameters_make_copies_again(root: Path) -> None:
    styles(root)
    gray = contents(root / "styles")[str(root / "styles" / "d0_gray.png")]
    summary = styles(root, parameters={"oil": {"size": 2}})
    assert summary.made == {"oil copies": 7}
    made = read_image(root / "styles" / "d0_oil.png")
    original = read_image(root / "drawings" / "d0.png")
    assert np.array_equal(made, style_effect("oil", {"size": 2})(original))
    assert contents(root / "styles")[str(root / "styles" / "d0_gray.png")] == gray
    assert styles(root, parameters={"oil": {"size": 2.0}}).made == {}


def test_a_newer_original_makes_copies_again(root: Path) -> None:
    styles(root)
    original = root / "drawings" / "d4.png"
    later = (root / "styles" / "d4_oil.png").stat().st_mtime + 10
    os.utime(original, (later, later))
    assert styles(root).made == {"gray copies": 1, "oil copies": 1}


def test_another_format_takes_the_place_of_the_old(root: Path) -> None:
    styles(root, effects=["gray"])
    styles(root, effects=["gray"], format="webp")
    assert {path.suffix for path in (root / "styles").iterdir()} == {".webp", ".json"}
    assert Collection.open(root).drawings.at["d0_gray", "path"] == "styles/d0_gray.webp"
    assert styles(root, effects=["gray"], format="webp", quality=50).made == {"gray copies": 7}
    assert styles(root, effects=["gray"], format="png", quality=50).made == {"gray copies": 7}
    assert styles(root, effects=["gray"], format="png", quality=60).made == {}  # it has no quality


@pytest.mark.parametrize("workers", [1, 2])
def test_broken_images_are_named_and_the_others_go_on(root: Path, workers: int) -> None:
    broken = root / "drawings" / "d1.png"
    broken.write_bytes(broken.read_bytes()[:-300])
    (root / "drawings" / "d2.png").unlink()
    summary = styles(root, workers=workers)
    assert summary.made["gray copies"] == 5
    assert summary.skipped == {"copies that could not be made": 4}
    assert any("d1.png" in note for note in summary.notes)
    assert any("d2.png: is not there" in note for note in summary.notes)
    assert "d1_gray" not in Collection.open(root).drawings.index


def test_ctrl_c_keeps_what_is_made(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint = style_copies._paint
    done: list[str] = []

    def interrupted(*arguments: Any) -> Any:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append("one more")
        return paint(*arguments)

    monkeypatch.setattr(style_copies, "_paint", interrupted)
    with pytest.raises(KeyboardInterrupt):
        styles(root)
    drawings = Collection.open(root).drawings
    assert len(drawings) == 8 + 6
    assert all((root / path).is_file() for path in drawings["path"])
    monkeypatch.undo()
    summary = styles(root)
    assert summary.made["gray copies"] == 4
    assert summary.skipped == {"copies that are there already": 6}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_killed_step_leaves_whole_tables_and_nothing_untrue(root: Path) -> None:
    """Killed while it made copies by new parameters; then run with the old ones again."""
    styles(root)
    tables = [(root / name).read_bytes() for name in ("drawings.csv", "pairs.csv")]
    child = os.fork()
    if child == 0:
        paint = style_copies._paint
        style_copies._paint = lambda *some: os._exit(9) if "d1." in str(some[2]) else paint(*some)
        styles(root, parameters={"oil": {"size": 2}})
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert [(root / name).read_bytes() for name in ("drawings.csv", "pairs.csv")] == tables
    remade = read_image(root / "styles" / "d0_oil.png")
    original = read_image(root / "drawings" / "d0.png")
    assert np.array_equal(remade, style_effect("oil", {"size": 2})(original))
    styles(root)
    assert np.array_equal(read_image(root / "styles" / "d0_oil.png"), EFFECTS["oil"](original))


def test_drawings_that_train_in_a_split(root: Path) -> None:
    split = load_split(Collection.open(root), "v0")
    train = split.loc[split["set"] == "train", "drawing_id"].tolist()
    assert 0 < len(set(train)) < 7
    assert styles(root, split="v0").made["oil copies"] == len(set(train))
    assert {f"{name}_oil" for name in train} <= set(Collection.open(root).drawings.index)


def test_splits_that_lack_the_copies_are_named(root: Path) -> None:
    load_split(Collection.open(root), "v0", write=True)
    assert "v0" in styles(root).notes[0]
    (root / "splits" / "v0.csv").unlink()
    load_split(Collection.open(root), "v0", write=True)
    assert styles(root).notes == []


def test_pairs_that_are_no_longer_confirmed(root: Path) -> None:
    styles(root)
    text = (root / "pairs.csv").read_text()
    (root / "pairs.csv").write_text(text.replace("d2,a2,true", "d2,a2,false"))
    assert styles(root).made == {"rows of pairs taken out, no longer confirmed": 2}
    pairs = Collection.open(root).pairs
    assert pairs.loc[pairs["drawing_id"] == "d2_oil", "artwork_id"].tolist() == ["a1"]


def test_an_id_that_is_not_free_and_copies_made_elsewhere(root: Path) -> None:
    shutil.copy(root / "drawings" / "d7.png", root / "drawings" / "own.png")
    table = pd.read_csv(root / "drawings.csv", dtype=str).assign(parent="")
    table.loc[len(table)] = ["d0_gray", "drawings/own.png", ""]  # a drawing of its own
    table.loc[len(table)] = ["d1_gray", "drawings/own.png", "d1"]  # somebody's copy
    table.loc[len(table)] = ["d2_gray", "gone.png", "d2"]  # and one that is not there
    table.to_csv(root / "drawings.csv", index=False)
    summary = styles(root, effects=["gray"])
    assert summary.made["gray copies"] == 5
    assert summary.skipped == {
        "copies that are there already": 1,
        "copies whose id another drawing has": 1,
    }
    paths = Collection.open(root).drawings["path"]
    assert paths["d0_gray"] == paths["d1_gray"] == "drawings/own.png"
    assert paths["d2_gray"] == "styles/d2_gray.png"


def test_ids_of_any_kind(root: Path) -> None:
    for file in ("drawings.csv", "pairs.csv"):
        text = (root / file).read_text()
        (root / file).write_text(re.sub(r"\bd0,", "a/b:c╠ö 50%.x,", text), encoding="utf-8")
    styles(root, effects=["gray"], format="jpg")
    assert (root / "styles" / "a%2Fb%3Ac╠ö 50%25.x_gray.jpg").is_file()
    assert "a/b:c╠ö 50%.x_gray" in Collection.open(root).drawings.index


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"effects": "oil"}, "[oil]"),
        ({"effects": []}, "at least one"),
        ({"effects": ["oill"]}, "did you mean oil?"),
        ({"parameters": {"oil": {"size": 11}}}, "in 1..10"),
        ({"format": "jpeg"}, "did you mean jpg"),
        ({"quality": 0}, "in 1..100"),
        ({"split": "trian"}, "choose from v0"),
    ],
)
def test_settings_that_make_no_sense(root: Path, settings: dict[str, Any], said: str) -> None:
    before = contents(root)
    with pytest.raises(UserError, match=re.escape(said)):
        styles(root, **settings)
    assert contents(root) == before


def test_another_out_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="step=subset"):
        prepare_styles(
            root,
            tmp_path / "other",
            1,
            effects=["gray"],
            parameters={},
            split=None,
            format="png",
            quality=95,
            max_pixels=DEFAULT_MAX_PIXELS,
        )


def take_out(table: Path, *beginnings: str) -> None:
    """Take rows that begin so out of a table."""
    rows = table.read_text().splitlines(keepends=True)
    left = [row for row in rows if not row.startswith(beginnings)]
    assert len(left) == len(rows) - len(beginnings)
    table.write_text("".join(left))


def test_rows_that_people_took_out_stay_out(root: Path) -> None:
    styles(root)
    take_out(root / "drawings.csv", "d0_oil,")
    take_out(root / "pairs.csv", "d0_oil,", "d2_gray,a1,")
    tables = [(root / name).read_bytes() for name in ("drawings.csv", "pairs.csv")]
    for _ in range(2):
        summary = styles(root)
        assert summary.skipped["rows that people took out"] == 2
        assert "(d0_oil)" in "".join(summary.notes)
        assert "(d2_gray, a1)" in "".join(summary.notes)
        assert [(root / name).read_bytes() for name in ("drawings.csv", "pairs.csv")] == tables
    shutil.rmtree(root / ".prepared")
    assert styles(root).made == {"rows in drawings.csv": 1, "rows in pairs.csv": 2}


def test_a_table_without_any_copy_gets_them_again(root: Path) -> None:
    """As one that another step, or somebody else, made anew."""
    before = {name: (root / name).read_bytes() for name in ("drawings.csv", "pairs.csv")}
    made = styles(root).made
    for name, data in before.items():
        (root / name).write_bytes(data)
    rows = {what: count for what, count in made.items() if what.startswith("rows")}
    assert styles(root).made == rows
