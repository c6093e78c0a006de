"""The close look at a collection finds what was done to it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from drawsim.common.errors import UserError
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS
from drawsim.pixels.inspection import Inspection, groups_of, inspect_collection
from drawsim.pixels.look import look_at


def picture(path: Path, seed: int, size: tuple[int, int] = (80, 60), gray: bool = False) -> Path:
    """A picture of some large shapes, unlike that of any other seed."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 255, (6, 8, 1 if gray else 3), np.uint8)
    image = Image.fromarray(np.broadcast_to(coarse, (6, 8, 3)).copy())
    path.parent.mkdir(parents=True, exist_ok=True)
    image.resize(size, Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six drawings and eight artworks, with two pairs."""
    for kind, count, first in (("drawing", 6, 0), ("artwork", 8, 100)):
        rows = []
        for i in range(count):
            picture(tmp_path / f"{kind}s/{i}.png", first + i)
            rows.append({"id": f"{kind[0]}{i}", "path": f"{kind}s/{i}.png"})
        pd.DataFrame(rows).to_csv(tmp_path / f"{kind}s.csv", index=False)
    pairs = [{"drawing_id": f"d{i}", "artwork_id": f"a{i}", "pair": "true"} for i in range(2)]
    pd.DataFrame(pairs).to_csv(tmp_path / "pairs.csv", index=False)
    return tmp_path


def inspect(root: Path) -> Inspection:
    return inspect_collection(root, distance=10, max_pixels=DEFAULT_MAX_PIXELS, workers=1)


def told(found: Inspection) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_a_sound_collection_has_no_problems(root: Path) -> None:
    found = inspect(root)
    assert told(found) == []
    assert len(found.images) == 14
    assert set(found.images["width"]) == {"80"}
    assert set(found.images["mode"]) == {"colour"}
    assert found.duplicates.empty


def test_everything_wrong_is_listed_at_once(root: Path) -> None:
    (root / "drawings/1.png").write_bytes((root / "drawings/1.png").read_bytes()[:100])
    (root / "artworks/5.png").unlink()
    with (root / "artworks.csv").open("a") as file:
        file.write("a3,artworks/3.png\n")
    with (root / "pairs.csv").open("a") as file:
        file.write("d2,lost,true\nd0,a0,false\n")
    lines = "\n".join(told(inspect(root)))
    assert "drawings.csv, row 3: 'd1': drawings/1.png cannot be decoded" in lines
    assert "artworks.csv, row 7: 'a5': artworks/5.png is not there" in lines
    assert "artworks.csv, row 10: duplicate id 'a3' (first in row 5)" in lines
    assert "pairs.csv, row 4: artwork_id 'lost' is not in artworks.csv" in lines
    assert "pairs.csv, row 5" in lines
    assert "is both true and false" in lines


def test_copies_are_found_and_grouped(root: Path) -> None:
    (root / "artworks/7.png").write_bytes((root / "artworks/0.png").read_bytes())
    small = Image.open(root / "artworks/0.png").resize((70, 50))
    small.save(root / "drawings/5.png")
    found = inspect(root)
    [group] = groups_of(found.duplicates)
    assert set(group) == {("artwork", "a0"), ("artwork", "a7"), ("drawing", "d5")}
    same = found.duplicates[found.duplicates["same_bytes"]]
    assert set(same[["first", "second"]].to_numpy()[0]) == {"a0", "a7"}
    assert told(found) == []


def test_a_style_copy_is_no_duplicate_of_its_original_and_needs_one(root: Path) -> None:
    table = pd.read_csv(root / "drawings.csv").assign(parent="")
    gray = Image.open(root / "drawings/0.png").convert("L")
    gray.save(root / "drawings/gray.png")
    copy = {"id": "d0_gray", "path": "drawings/gray.png", "parent": "d0"}
    orphan = {"id": "dx_gray", "path": "drawings/4.png", "parent": "dx"}
    pd.concat([table, pd.DataFrame([copy, orphan])]).to_csv(root / "drawings.csv", index=False)
    found = inspect(root)
    [line] = told(found)
    assert line.startswith("drawings.csv, row 9: parent 'dx' is not in drawings.csv")
    assert "d0_gray" not in found.duplicates[["first", "second"]].to_numpy()


def test_spreadsheets_that_nobody_reads_are_said(root: Path) -> None:
    (root / "pairs.ods").write_bytes(b"PK")
    [(name, said)] = inspect(root).problems.notes.items()
    assert (name.name, "save it as CSV" in said) == ("pairs.ods", True)


def test_a_split_that_leaks_is_a_problem(root: Path) -> None:
    (root / "splits").mkdir()
    rows = "drawing_id,artwork_id,set\nd0,a0,train\nd1,a0,test\n"
    (root / "splits/v0.csv").write_text(rows)
    [line] = told(inspect(root))
    assert line.startswith("splits/v0.csv")
    assert "a0" in line


def test_a_look_says_size_and_colour(tmp_path: Path) -> None:
    upright = look_at(picture(tmp_path / "gray.jpg", 1, (90, 40), gray=True), DEFAULT_MAX_PIXELS)
    assert (upright.width, upright.height, upright.colour) == (90, 40, False)
    image = Image.open(picture(tmp_path / "turned.jpg", 2, (900, 400)))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    turned = look_at(tmp_path / "turned.jpg", DEFAULT_MAX_PIXELS)
    assert (turned.width, turned.height, turned.colour) == (400, 900, True)
    assert turned.bytes == (tmp_path / "turned.jpg").stat().st_size
    assert look_at(tmp_path / "turned.jpg", 1000).reason is not None


def test_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        inspect(tmp_path / "nowhere")
