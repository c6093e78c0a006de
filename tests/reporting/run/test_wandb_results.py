"""What W&B is given at the end of a run, read back from the files it writes offline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.common.files import write_json
from drawsim.reporting.run import wandb_results
from drawsim.reporting.run.wandb_results import QUERIES, SIDE, TOP, log_results

Row = dict[str, Any]
Table = tuple[list[str], list[list[Any]]]


def ranks_row(
    set_: str, drawing: str, model: str, ranks: list[float], top: list[str] | None = None
) -> Row:
    return {
        "set": set_,
        "drawing_id": drawing,
        "relevant_ids": json.dumps([f"a{i}" for i in range(len(ranks))]),
        "relevant_ranks": json.dumps(ranks),
        "top_ids": json.dumps(top or [f"a{i}" for i in range(9)]),
        "top_scores": json.dumps([0.5] * len(top or range(9))),
        "model": model,
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run folder: d0 trains, d1 and d2 validate, `007` and `NA` test."""
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "best.ckpt").write_bytes(b"weights")
    (folder / "split.csv").write_text("drawing_id\nd0\n")
    scores = {"val": {"mrr": 0.25, "recall@20": 0.5}, "test": {"mrr": 0.75}}
    write_json(
        folder / "metrics.json",
        {"baseline": {"val": {"mrr": 0.125}}, "final": scores, "best_epoch": 4},
    )
    ranks = {
        "train": {"d0": ([1.0], [1.0])},
        "val": {"d1": ([9.0, 3.5], [2.0, 11.0]), "d2": ([8.0], [12.0])},
        "test": {"007": ([5.0], [4.0]), "NA": ([7.0], [6.0])},
    }
    rows = [
        ranks_row(name, drawing, model, found)
        for name, queries in ranks.items()
        for drawing, both in queries.items()
        for model, found in zip(("baseline", "final"), both, strict=True)
    ]
    pd.DataFrame(rows).to_csv(folder / "ranks.csv", index=False)
    return folder


class Experiment:
    """Stands in for a W&B run, and keeps what it is given."""

    id = "abc"

    def __init__(self) -> None:
        self.summary: dict[str, Any] = {}
        self.logged: dict[str, Any] = {}
        self.artifacts: list[Any] = []

    def log(self, values: dict[str, Any]) -> None:
        self.logged |= values

    def log_artifact(self, artifact: Any) -> None:
        self.artifacts.append(artifact)


@pytest.fixture
def log(
    run: Path, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Experiment]:
    """Logs the run; drawing `007` has a picture, `NA` has lost its own."""
    monkeypatch.setenv("WANDB_DATA_DIR", str(run))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(run))
    drawings = collection.paths("drawing", [f"d{i}" for i in range(3)])
    drawings["007"] = drawings["d0"]

    def to_experiment() -> Experiment:
        experiment = Experiment()
        log_results(experiment, run, drawings, collection.paths("artwork"))
        return experiment

    return to_experiment


def test_metrics_of_both_models_are_in_the_summary(log: Callable[[], Experiment]) -> None:
    assert log().summary == {
        "baseline/val/mrr": 0.125,
        "final/val/mrr": 0.25,
        "final/val/recall@20": 0.5,
        "final/test/mrr": 0.75,
        "best_epoch": 4,
    }


def test_weights_and_split_are_artifacts_that_are_not_copied(
    log: Callable[[], Experiment], run: Path
) -> None:
    weights, split = log().artifacts
    assert (weights.name, weights.type) == ("model-abc", "model")
    assert (split.name, split.type) == ("split-abc", "split")
    [entry] = weights.manifest.entries.values()
    assert entry.path == "best.ckpt"
    assert Path(entry.local_path) == run / "checkpoints" / "best.ckpt"


def test_queries_come_worst_first_with_their_ranks(log: Callable[[], Experiment]) -> None:
    table = log().logged["queries"]
    assert table.columns == [
        *("set", "drawing_id", "rank before", "rank after", "drawing", "artwork"),
        *(f"top {i + 1}" for i in range(TOP)),
    ]
    # The rank of a query is that of its best artwork; ids that look like numbers stay as they are.
    assert [row[:4] for row in table.data] == [
        ["val", "d2", 8.0, 12.0],
        ["test", "NA", 7.0, 6.0],
        ["test", "007", 5.0, 4.0],
        ["val", "d1", 3.5, 2.0],
    ]


def test_pictures_stand_beside_their_query(
    log: Callable[[], Experiment], collection: Collection
) -> None:
    rows = {row[1]: row[4:] for row in log().logged["queries"].data}
    drawing, artwork, *top = rows["007"]
    assert [picture._caption for picture in (drawing, artwork)] == ["007", "a0"]
    for picture, path in (
        (drawing, collection.paths("drawing", ["d0"])["d0"]),
        (artwork, collection.paths("artwork", ["a0"])["a0"]),
        (top[3], collection.paths("artwork", ["a3"])["a3"]),
    ):
        assert np.array_equal(np.asarray(picture.image), np.asarray(Image.open(path)))
    assert len(top) == TOP
    assert rows["NA"][0] is None, "no picture, but a row all the same"
    assert rows["NA"][1] is not None


def test_a_gallery_smaller_than_the_table_is_wide(run: Path, log: Callable[[], Experiment]) -> None:
    rows = [ranks_row("val", "d1", model, [1.0], ["a0", "a1"]) for model in ("baseline", "final")]
    pd.DataFrame(rows).to_csv(run / "ranks.csv", index=False)
    [row] = log().logged["queries"].data
    assert len(row) == 6 + TOP
    assert row[8:] == [None] * (TOP - 2)


def test_no_more_than_sixty_queries(
    run: Path, log: Callable[[], Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wandb_results, "TOP", 1)
    rows = [
        ranks_row("val", f"q{i}", model, [float(i)])
        for i in range(QUERIES + 9)
        for model in ("baseline", "final")
    ]
    pd.DataFrame(rows).to_csv(run / "ranks.csv", index=False)
    shown = [row[3] for row in log().logged["queries"].data]
    assert shown == [float(i) for i in range(QUERIES + 8, 8, -1)]


@pytest.mark.parametrize(
    ("width", "height", "expected"), [(800, 400, (160, 80)), (30, 40, (30, 40))]
)
def test_large_pictures_are_made_small(
    tmp_path: Path, width: int, height: int, expected: tuple[int, int]
) -> None:
    Image.new("RGB", (width, height), (200, 100, 50)).save(tmp_path / "x.png")
    small = wandb_results._small(tmp_path / "x.png")
    assert (small.shape[1], small.shape[0]) == expected
    assert max(expected) <= SIDE
    assert (small == (200, 100, 50)).all()


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A W&B run with no server, in a folder of its own."""
    import wandb

    folder = tmp_path / "wandb"
    folder.mkdir()
    for name in ("DATA_DIR", "CACHE_DIR", "CONFIG_DIR"):
        monkeypatch.setenv(f"WANDB_{name}", str(folder))
    settings = wandb.Settings(console="off", silent=True, disable_git=True)
    experiment = wandb.init(mode="offline", dir=str(folder), project="x", settings=settings)
    yield experiment
    wandb.finish()


def test_w_and_b_takes_it(run: Path, collection: Collection, offline: Any) -> None:
    """The real library writes the table and its pictures, and knows the numbers."""
    drawings = collection.paths("drawing", collection.drawings.index)
    log_results(offline, run, drawings, collection.paths("artwork"))
    assert offline.summary["final/test/mrr"] == 0.75
    offline.finish()
    files = Path(offline.dir)
    [file] = files.glob("media/table/queries*.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    pictures = ["Image"] * (1 + TOP)
    assert content["data"] == [
        ["val", "d2", 8.0, 12.0, "Image", *pictures],
        ["test", "NA", 7.0, 6.0, None, *pictures],
        ["test", "007", 5.0, 4.0, None, *pictures],
        ["val", "d1", 3.5, 2.0, "Image", *pictures],
    ]
