"""From folders of scans and artworks to a collection that can be trained on, by the commands."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from drawsim.collection.tables import Collection
from tests.commands import run

PAIRS = 14


def prepare(step: str, source: Path, out: Path, *more: str) -> str:
    done = run("prepare", f"step={step}", f"source={source}", f"out={out}", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def scan(number: int) -> str:
    return f"2015_14-17_{number:04d}_ITA_R_C"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of scans with their versos and a name that says nothing, and a folder per artist."""
    folder = tmp_path_factory.mktemp("raw")
    generator = np.random.default_rng(0)

    def picture(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 255, (40, 48, 3), np.uint8)).save(path)

    for number in range(PAIRS):
        picture(folder / "scans/TRAIN_01/2015" / f"{scan(number)}.jpg")
        picture(folder / "artworks" / f"Artist_{number % 3}" / f"Work_{number}.png")
    picture(folder / "scans/TRAIN_01/2015" / f"{scan(0).replace('_R_', '_V_')}.jpg")
    picture(folder / "scans/TRAIN_01/holiday.jpg")
    with zipfile.ZipFile(folder / "scans.zip", "w") as archive:
        for path in (folder / "scans").rglob("*.jpg"):
            archive.write(path, path.relative_to(folder / "scans"))
    pairs = [
        {"drawing_id": scan(i), "artwork_id": f"Work_{i}", "pair": "true"} for i in range(PAIRS)
    ]
    pd.DataFrame(pairs).to_csv(folder / "pairs.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def collection(raw: Path) -> Path:
    """The steps one after another, as the README has them."""
    out = raw / "collection"
    prepare("drawings", raw / "scans.zip", out, "step.extract=true")
    prepare("artworks", raw / "artworks", out)
    (out / "pairs.csv").write_bytes((raw / "pairs.csv").read_bytes())
    prepare("styles", out, out, "step.effects=[gray,pencil_gray]")
    prepare("splits", out, out, "step.versions=2")
    return out


def test_the_tables_say_what_the_names_say(collection: Path) -> None:
    made = Collection.open(collection)
    originals = made.drawings[made.drawings["parent"] == ""]
    assert sorted(originals.index) == [scan(i) for i in range(PAIRS)]
    assert set(originals["country"]) == {"ITA"}
    assert str(originals.at[scan(0), "verso"]).endswith("_V_C.jpg")
    assert set(made.artworks["artist"]) == {"Artist_0", "Artist_1", "Artist_2"}
    unparsed = pd.read_csv(collection / "unparsed.csv")
    assert unparsed["path"].str.endswith("holiday.jpg").tolist() == [True]
    assert all(path.is_file() for path in made.paths("drawing", made.drawings.index).values())


def test_copies_train_and_are_never_asked_about(collection: Path) -> None:
    made = Collection.open(collection)
    copies = made.drawings[made.drawings["parent"] != ""]
    assert len(copies) == 2 * PAIRS
    split = pd.read_csv(collection / "splits/v0.csv")
    of_copies = split[split["drawing_id"] != split["parent"]]
    assert set(of_copies["set"]) == {"train"}
    assert len(of_copies) == 2 * (split["set"] == "train").sum() / 3


def test_a_step_that_is_run_again_changes_nothing(raw: Path, collection: Path) -> None:
    files = [*collection.glob("*.csv"), *collection.glob("splits/*.csv")]
    before = {path: path.read_bytes() for path in files}
    prepare("drawings", raw / "scans.zip", collection, "step.extract=true")
    prepare("artworks", raw / "artworks", collection)
    prepare("styles", collection, collection, "step.effects=[gray,pencil_gray]")
    prepare("splits", collection, collection, "step.versions=2")
    assert {path: path.read_bytes() for path in files} == before


def test_the_main_job_takes_it(collection: Path) -> None:
    found = run("train", "data=folder", f"data.root={collection}", "dry_run=true")
    assert found.returncode == 0, found.stderr
    assert f"{PAIRS} artworks" in found.stdout


def test_check_finds_what_is_damaged(collection: Path, tmp_path: Path) -> None:
    for path in collection.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(collection)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    run("prepare", "step=trust", f"source={tmp_path}")  # its artworks lie elsewhere
    path = Collection.open(tmp_path).paths("drawing", [scan(3)])[scan(3)]
    path.write_bytes(path.read_bytes()[:200])
    done = run("prepare", "step=check", f"source={tmp_path}")
    assert scan(3) in done.stdout + done.stderr
    assert (tmp_path / "check/check.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["step=drawngs"], "did you mean drawings"),
        ([], "step must be given: step=artworks or check or"),
        (["step=drawings"], "source must be given"),
        (["step=drawings", "source=/nowhere"], "out must be given"),
        (["step=drawings", "source=/nowhere", "out=x"], "/nowhere: no such file or folder"),
        (["step=splits", "source=/nowhere"], "/nowhere: no such folder"),
        (["step=drawings", "scheme.patern=x", "source=x"], "did you mean scheme.pattern"),
    ],
)
def test_mistakes_get_one_line(arguments: list[str], says: str) -> None:
    done = run("prepare", *arguments)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert says in line
