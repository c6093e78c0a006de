"""From judgements to the next training, by the commands of docs/annotation.md."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from drawsim.collection.grades import Grade
from drawsim.collection.splits import load_split
from drawsim.collection.tables import Collection
from drawsim.web.events.database import connect
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from tests.commands import run

JUDGED: list[tuple[str, str, Grade]] = [
    ("d7", "a7", "same work"),  # was ambiguous
    ("d7", "a8", "different"),
    ("d0", "a9", "different"),
    ("d0", "a10", "different"),
    ("d0", "a11", "same motif"),
    ("d1", "a9", "same work"),
]


def drawsim(name: str, *arguments: str) -> str:
    done = run(name, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, collection_root: Path) -> Path:
    """A collection with a split, some of whose candidates were judged since."""
    root = tmp_path_factory.mktemp("loop") / "collection"
    shutil.copytree(collection_root, root)
    load_split(Collection.open(root), "v0", write=True)
    url = f"sqlite:///{root}/annotations/annotations.sqlite"
    drafts = [
        Draft(f"judged-{n}", "grade", "drawing", drawing_id=d, artwork_id=a, grade=grade)
        for n, (d, a, grade) in enumerate(JUDGED)
    ]
    EventStore(connect(url)).save("local", drafts, MadeWith("lite", "0" * 64))
    return root


@pytest.fixture(scope="module")
def before(judged: Path) -> tuple[Collection, pd.DataFrame]:
    """The collection and its split as they were."""
    collection = Collection.open(judged)
    return collection, load_split(collection, "v0")


@pytest.fixture(scope="module")
def exported(judged: Path, before: object) -> str:
    """What the export says; the split is extended after it."""
    told = drawsim("annotate", "export", f"collection={judged}")
    drawsim("prepare", "step=splits", f"source={judged}", f"out={judged}", "step.versions=1")
    return told


def test_the_account_shows_what_changes(
    judged: Path, before: tuple[Collection, pd.DataFrame], exported: str
) -> None:
    lines = exported.splitlines()
    assert {"+  d1  a9  true  same work  local", "~  d7  a7  true  same work  local"} <= set(lines)
    old, new = before[0].pairs, Collection.open(judged).pairs
    assert len(new) == len(old) + 5
    assert new["pair"].sum() == old["pair"].sum() + 2


def test_old_pairs_keep_their_sets(
    judged: Path, before: tuple[Collection, pd.DataFrame], exported: str
) -> None:
    keys = ["drawing_id", "artwork_id"]
    after = load_split(Collection.open(judged), "v0").set_index(keys)
    old = before[1].set_index(keys)
    assert set(after.index) - set(old.index) == {("d7", "a7"), ("d1", "a9")}
    pd.testing.assert_frame_equal(after.loc[old.index], old)
    sets = after["set"].to_dict()
    assert sets["d1", "a9"] == sets["d1", "a0"]


def test_training_takes_what_was_judged(judged: Path, exported: str, tmp_path: Path) -> None:
    drawsim(
        "train",
        *("data=folder", f"data.root={judged}", "image_size=64", "trainer.max_epochs=1"),
        *(
            "miner=hardest",
            "miner.negatives=4",
            "miner.near_duplicate_similarity=null",
            "trainer=cpu",
        ),
        *("logger=csv", f"out={tmp_path}", "study=loop"),
    )
    [run] = (tmp_path / "loop").iterdir()
    triplets = pd.read_csv(run / "triplets" / "epoch_000.csv")
    negatives = triplets.groupby("drawing_id")["negative_id"].unique().map(list)
    assert set(negatives["d0"][:2]) == {"a9", "a10"}  # d0 trains, d7 validates
    assert "a11" not in negatives["d0"]
    assert negatives["d7"][0] == "a8"
