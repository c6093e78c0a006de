"""From raw folders to training and back, with style copies and drawings that nobody has paired.

At each step the number of drawings is that of the originals: in the queue, the index, the search.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from drawsim.collection.paths import SETTINGS
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import load_embeddings
from drawsim.retrieval.index.folder import open_index
from drawsim.retrieval.index.queries import of_ids, search
from drawsim.web.events.database import connect
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from drawsim.web.queue.finder import Finder
from drawsim.web.queue.queue import Queue, Wish
from drawsim.web.review.export import export_all
from drawsim.workflows.compare import compare
from drawsim.workflows.evaluate import of_checkpoint
from tests.acceptance.test_annotate_loop import drawsim

PAIRED, UNPAIRED, ARTWORKS = 8, 5, 16
DRAWINGS = PAIRED + UNPAIRED
IDS = [f"2017_14-17_{1000 + number}_FRA_R_C" for number in range(DRAWINGS)]
TRAIN = (
    *("data=folder", "image_size=64", "trainer=cpu", "trainer.max_epochs=1", "workers=0"),
    *("logger=csv", "miner.negatives=2", "miner.near_duplicate_similarity=null"),
)


def paint(folder: Path, names: list[str], seed: int) -> None:
    """Write smooth random pictures."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for name in names:
        coarse = rng.integers(0, 256, (4, 5, 3), np.uint8)
        assert cv2.imwrite(str(folder / f"{name}.jpg"), cv2.resize(coarse, (80, 64)))


def train(root: Path, out: Path) -> Path:
    """A run on the collection; what it embedded must be every original, and no copy."""
    drawsim("train", *TRAIN, f"data.root={root}", f"out={out}", "study=loop")
    [run] = (out / "loop").iterdir()
    embedded = load_embeddings(run / "embeddings" / "final.drawings.safetensors")
    assert sorted(embedded.ids) == IDS
    lengths = np.linalg.norm(embedded.vectors.numpy(), axis=1)
    assert np.allclose(lengths, 1, atol=1e-3)
    return run


def index(run: Path, out: Path) -> None:
    """An index of the run, in which every original can be found and be looked for."""
    drawsim("index", f"run={run}", f"out={out}")
    made = open_index(out)
    assert sorted(made.part("drawing").embeddings.ids) == IDS
    drawings = search(made, "drawing", of_ids(made, "artwork", ["a0"]), 100)
    assert sorted(drawings.ids[0]) == IDS
    for name in IDS:
        assert len(search(made, "artwork", of_ids(made, "drawing", [name]), 100).ids[0]) == ARTWORKS


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection made of folders of images beside it, with style copies and splits."""
    base = tmp_path_factory.mktemp("raw")
    paint(base / "scans", IDS, 0)
    paint(base / "museum" / "Unknown", [f"a{i}" for i in range(ARTWORKS)], 1)
    root = base / "collection"
    drawsim("prepare", "step=drawings", f"source={base / 'scans'}", f"out={root}")
    drawsim("prepare", "step=artworks", f"source={base / 'museum'}", f"out={root}")
    rows = [f"{name},a{number},true" for number, name in enumerate(IDS[:PAIRED])]
    (root / "pairs.csv").write_text("\n".join(["drawing_id,artwork_id,pair", *rows]) + "\n")
    told = drawsim("prepare", "step=styles", f"source={root}", "step.effects=[gray]")
    assert "copies" in told
    drawsim("prepare", "step=splits", f"source={root}", "step.versions=1")
    return root


def test_prepare_lists_the_folders_that_images_lie_in(root: Path) -> None:
    assert "roots:\n- ../scans\n- ../museum\n" in (root / SETTINGS).read_text()
    collection = Collection.open(root)
    assert list(collection.originals.index) == IDS
    assert list(collection.copies.index) == [f"{name}_gray" for name in IDS[:PAIRED]]
    assert all(path.is_file() for path in collection.paths("drawing").values())


def test_every_original_at_every_step(root: Path, tmp_path: Path) -> None:
    index(train(root, tmp_path / "first"), tmp_path / "index1")

    collection, store = Collection.open(root), EventStore(connect(f"sqlite:///{tmp_path}/a.sqlite"))
    made = open_index(tmp_path / "index1")
    assert made.check_collection(collection) == ()
    finder = Finder([made], None, collection)
    queue = Queue(
        store.engine,
        finder.tables,
        lambda kind: np.zeros(len(finder.tables[kind])),
        lease=timedelta(hours=1),
    )
    judged: list[str] = []
    while (claim := queue.claim("ada", Wish(order="id"))) is not None:
        assert len(finder.candidates("drawing", claim.id, count=100)) == ARTWORKS
        first = claim.id == IDS[PAIRED]
        grade = Draft(
            f"grade-{len(judged):03}",
            "grade",
            "drawing",
            drawing_id=claim.id,
            artwork_id="a15" if first else "a14",
            grade="same work" if first else "different",
        )
        done = Draft(f"done-{len(judged):04}", "done", "drawing", drawing_id=claim.id)
        store.save("ada", [grade, done], MadeWith("lite", "0" * 64))
        judged.append(claim.id)
    assert sorted(judged) == IDS

    export_all(store, collection, None)
    pairs = pd.read_csv(root / "pairs.csv", dtype=str, keep_default_na=False)
    added = pairs[pairs["artwork_id"].isin(["a14", "a15"])]
    assert set(added["drawing_id"]) == set(IDS), "a judgement is of an original"
    drawsim("prepare", "step=splits", f"source={root}", "step.versions=1", "step.duplicates=false")
    index(train(root, tmp_path / "second"), tmp_path / "index2")
    assert sorted(Collection.open(root).originals.index) == IDS


def test_a_collection_of_test_pairs_alone_is_measured(
    collection_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "collection"
    shutil.copytree(collection_root, root)
    (root / "splits").mkdir()
    rows = [f"d{number},a{number},test" for number in range(3, 6)]
    text = "\n".join(["drawing_id,artwork_id,set", *rows]) + "\n"
    (root / "splits" / "only.csv").write_text(text)
    settings = [*TRAIN, f"data.root={root}", "split=file", "split.name=only"]
    drawsim("train", *settings, "trainer.max_epochs=0", f"out={tmp_path}", "study=only")
    [run] = (tmp_path / "only").iterdir()
    assert len(load_embeddings(run / "embeddings" / "baseline.drawings.safetensors").ids) == 3
    assert len(load_embeddings(run / "embeddings" / "final.drawings.safetensors").ids) == 8
    told = drawsim("evaluate", f"run={run}", f"out={tmp_path / 'evaluated'}")
    assert "test" in told
    found, page = compare(tmp_path / "compared", runs=[run])
    assert page.is_file()
    assert set(found.results.scores["set"]) == {"test"}
    [checkpoint] = (run / "checkpoints").glob("*.ckpt")
    (root / "splits" / "only.csv").rename(tmp_path / "else.csv")
    measured = of_checkpoint(checkpoint, root, split_file=tmp_path / "else.csv")
    assert set(measured.split["set"]) == {"test"}
    assert len(measured.collection.originals) == 8
    with pytest.raises(UserError, match=r"split only: there is no .*/splits/only\.csv"):
        of_checkpoint(checkpoint, root)
