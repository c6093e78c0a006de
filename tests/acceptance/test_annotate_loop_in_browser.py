"""The closed loop: decisions made in a browser are exported, put into a split, and trained on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser

from drawsim.collection.splits import load_split
from drawsim.collection.tables import Collection
from tests.acceptance.annotators import Server
from tests.acceptance.test_annotate_loop import drawsim
from tests.web.browser.visitor import Visitor, started
from tests.web.conftest import make_index

DECISIONS = {
    "d7": {"a7": "w", "a8": "d"},  # its pair was ambiguous
    "d0": {"a9": "d", "a10": "m"},
    "d1": {"a9": "w", "a3": "q"},
}
"""Which key is pressed for which pair: six grades."""
ADDED = {
    ("d0", "a10", False, "same motif"),
    ("d0", "a9", False, "different"),
    ("d1", "a3", False, "unsure"),
    ("d1", "a9", True, "same work"),
    ("d7", "a8", False, "different"),
}
CONFIRMED = ("d7", "a7", True, "same work")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, collection_root: Path) -> Path:
    """The small collection with a split, to be judged and exported into."""
    root = tmp_path_factory.mktemp("loop") / "collection"
    shutil.copytree(collection_root, root)
    load_split(Collection.open(root), "v0", write=True)
    return root


@pytest.fixture(scope="module")
def before(root: Path) -> tuple[Collection, pd.DataFrame]:
    """The collection and its split as they were."""
    collection = Collection.open(root)
    return collection, load_split(collection, "v0")


def decide(browser: Browser, address: str) -> None:
    """Give all grades by keyboard, as a script of a curator's hands would."""
    visitor = Visitor(browser, address)
    for drawing, keys in DECISIONS.items():
        visitor.open(f"/judge?id={drawing}")
        cards = visitor.page.locator("#candidates cite").all()
        names = [card.get_attribute("title") for card in cards]
        for artwork, key in keys.items():
            way = names.index(artwork) - names.index(visitor.current)
            visitor.press(*["ArrowRight" if way > 0 else "ArrowLeft"] * abs(way), key)
        visitor.press("Enter")
    assert visitor.close() == []


@pytest.fixture(scope="module")
def exported(
    root: Path,
    before: tuple[Collection, pd.DataFrame],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """What the export says of the decisions; afterwards the split is extended by them."""
    folder = tmp_path_factory.mktemp("server")
    make_index(folder / "INDEX", before[0], 0)
    settings = [f"collection={root}", f"index={folder / 'INDEX'}", "audit=0"]
    with started() as browser, Server(settings) as server:
        decide(browser, server.address)
    told = drawsim("annotate", "export", f"collection={root}")
    drawsim("prepare", "step=splits", f"source={root}", f"out={root}", "step.versions=1")
    return told


def rows(pairs: pd.DataFrame) -> set[tuple[str, str, bool, str]]:
    columns = ["drawing_id", "artwork_id", "pair", "grade"]
    return set(pairs.reindex(columns=columns, fill_value="").itertuples(index=False, name=None))


def test_the_pairs_before_and_after(
    root: Path, before: tuple[Collection, pd.DataFrame], exported: str
) -> None:
    old, new = rows(before[0].pairs), rows(Collection.open(root).pairs)
    assert new - old == ADDED | {CONFIRMED}
    assert old - new == {("d7", "a7", False, "")}
    assert (root / "pairs.csv.bak").is_file()
    # The account says the same: a line for each.
    told = {tuple(line.split("  ")[:4]) for line in exported.splitlines() if line[:1] in "+~-"}
    expected = {("+", drawing, artwork, str(pair).lower()) for drawing, artwork, pair, _ in ADDED}
    assert told == expected | {("~", "d7", "a7", "true")}


def test_a_training_takes_the_new_pairs(
    root: Path, before: tuple[Collection, pd.DataFrame], exported: str, tmp_path: Path
) -> None:
    keys = ["drawing_id", "artwork_id"]
    split = load_split(Collection.open(root), "v0").set_index(keys)
    old = before[1].set_index(keys)
    assert set(split.index) - set(old.index) == {("d1", "a9"), ("d7", "a7")}
    pd.testing.assert_frame_equal(split.loc[old.index], old)  # old pairs keep their sets

    drawsim(
        "train",
        *("data=folder", f"data.root={root}", "image_size=64", "trainer.max_epochs=1"),
        *(
            "miner=hardest",
            "miner.negatives=4",
            "miner.near_duplicate_similarity=null",
            "trainer=cpu",
        ),
        *("logger=csv", f"out={tmp_path}", "study=loop"),
    )
    [run] = (tmp_path / "loop").iterdir()
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert set(metrics["final"]) >= {"train", "val"}
    triplets = pd.read_csv(run / "triplets" / "epoch_000.csv")
    trained = set(triplets[["set", "drawing_id", "positive_id"]].itertuples(index=False, name=None))
    assert trained >= {("train", "d1", "a9"), ("val", "d7", "a7")}
    negatives = triplets.groupby("drawing_id")["negative_id"].agg(list)
    assert (negatives["d0"][0], negatives["d7"][0]) == ("a9", "a8")  # those found different, first
    assert "a10" not in negatives["d0"]  # of the same motif
    assert "a3" not in negatives["d1"]  # in question
