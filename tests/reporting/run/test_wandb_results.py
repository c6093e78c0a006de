"""What W&B is given at the end of a run, read back from the files it writes offline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.common.files import write_json
from drawsim.reporting.run import wandb_results
from drawsim.reporting.run.wandb_results import QUERIES, SIDE, TOP, log_inputs, log_results
from tests.wandb_files import files_of, records

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

    def __init__(self, folder: Path) -> None:
        self.dir = str(folder / "files")
        self.summary: dict[str, Any] = {}
        self.artifacts: list[Any] = []

    def log_artifact(self, artifact: Any) -> None:
        self.artifacts.append(artifact)


@pytest.fixture
def pictured(collection: Collection) -> Collection:
    """The collection, in which drawing `007` has a picture, too; `NA` has lost its own."""
    drawings = collection.drawings
    return replace(
        collection, drawings=pd.concat([drawings, drawings.loc[["d0"]].set_axis(["007"])])
    )


Log = Callable[..., Experiment]


@pytest.fixture
def log(run: Path, pictured: Collection, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Logs the run."""
    monkeypatch.setenv("WANDB_DATA_DIR", str(run))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(run))

    def to_experiment(*, pictures: bool = True, artifacts: bool = True) -> Experiment:
        experiment = Experiment(run / "wandb" / "offline-run-1-abc")
        log_results(experiment, run, pictured, pictures=pictures, artifacts=artifacts)
        return experiment

    return to_experiment


def test_metrics_of_both_models_are_in_the_summary(log: Log) -> None:
    summary = {key: value for key, value in log().summary.items() if key != "queries"}
    assert summary == {
        "baseline/val/mrr": 0.125,
        "final/val/mrr": 0.25,
        "final/val/recall@20": 0.5,
        "final/test/mrr": 0.75,
        "best_epoch": 4,
    }


def test_weights_and_split_are_artifacts_that_are_not_copied(log: Log, run: Path) -> None:
    weights, split = log().artifacts
    assert (weights.name, weights.type) == ("model-abc", "model")
    assert (split.name, split.type) == ("split-abc", "split")
    [entry] = weights.manifest.entries.values()
    assert entry.path == "best.ckpt"
    sent = Path(entry.local_path)
    assert sent.samefile(run / "checkpoints" / "best.ckpt")
    assert "offline-run-1-abc" in sent.parts, "a name that no other run has"


def test_neither_pictures_nor_weights_leave_unless_wanted(log: Log) -> None:
    experiment = log(pictures=False, artifacts=False)
    assert experiment.artifacts == []
    rows = {row[1]: row[4:] for row in experiment.summary["queries"].data}
    assert rows["d1"] == ["d1", "a0", *(f"a{i}" for i in range(TOP))], "ids in their place"


def test_what_a_run_stands_on_is_its_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By checksums that were taken when it began; no file of it and no path of this machine."""
    inputs = {"drawings.csv": "12ab", "images/drawings": "34cd"}
    used: list[tuple[Any, dict[str, Any]]] = []

    class Run:
        def _log_artifact(self, artifact: Any, **how: Any) -> None:
            used.append((artifact, how))

    for digest in ("12ab", "12ab", "99ff"):
        found = {**inputs, "drawings.csv": digest}
        log_inputs(Run(), {"inputs": found, "counts": {"val": {"pairs": 3}}}, "demo")
    (artifact, how), (same, _), (other, _) = used
    assert (artifact.name, artifact.type) == ("collection-demo", "dataset")
    assert how["use_after_commit"]
    entries = artifact.manifest.entries
    assert {name: entry.ref for name, entry in entries.items()} == {
        "drawings.csv": "drawsim:drawings.csv?sha256=12ab",
        "images/drawings": "drawsim:images/drawings?sha256=34cd",
    }
    assert all(entry.local_path is None for entry in entries.values())
    assert artifact.digest == same.digest != other.digest
    assert capsys.readouterr().err == ""


def test_queries_come_worst_first_with_their_ranks(log: Log) -> None:
    table = log().summary["queries"]
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


def test_pictures_stand_beside_their_query(log: Log, collection: Collection) -> None:
    rows = {row[1]: row[4:] for row in log().summary["queries"].data}
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


def test_rights_stand_below_pictures(run: Path, log: Log, pictured: Collection) -> None:
    told = pictured.artworks.assign(rights="", required_statement="")
    told.loc["a0", "rights"] = "http://creativecommons.org/licenses/by/4.0/"
    told.loc["a0", "required_statement"] = "Me"
    experiment = Experiment(run / "wandb" / "offline-run-1-abc")
    collection = replace(pictured, artworks=told)
    log_results(experiment, run, collection, pictures=True, artifacts=False)
    rows = {row[1]: row[4:] for row in experiment.summary["queries"].data}
    captions = [picture._caption for picture in rows["007"][:4]]
    assert captions == ["007", "a0 · CC BY 4.0, Me", "a0 · CC BY 4.0, Me", "a1"]


def test_a_gallery_smaller_than_the_table_is_wide(run: Path, log: Log) -> None:
    rows = [ranks_row("val", "d1", model, [1.0], ["a0", "a1"]) for model in ("baseline", "final")]
    pd.DataFrame(rows).to_csv(run / "ranks.csv", index=False)
    [row] = log().summary["queries"].data
    assert len(row) == 6 + TOP
    assert row[8:] == [None] * (TOP - 2)


def test_no_more_than_sixty_queries(run: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wandb_results, "TOP", 1)
    rows = [
        ranks_row("val", f"q{i}", model, [float(i)])
        for i in range(QUERIES + 9)
        for model in ("baseline", "final")
    ]
    pd.DataFrame(rows).to_csv(run / "ranks.csv", index=False)
    shown = [row[3] for row in log().summary["queries"].data]
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
    yield wandb.init(
        mode="offline", dir=str(folder), project="x", settings=settings, reinit="create_new"
    )
    wandb.teardown()


def test_w_and_b_takes_it(run: Path, collection: Collection, offline: Any) -> None:
    """The real library writes inputs, table, pictures and files, and knows the numbers."""
    log_inputs(offline, {"inputs": {"drawings.csv": "12ab"}, "counts": {}}, "demo")
    log_results(offline, run, collection, pictures=True, artifacts=True)
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
    artifacts = {one["type"]: one for one in records(files.parent, "artifact")}
    assert artifacts.keys() == {"dataset", "run_table", "model", "split"}
    assert [kind for kind, one in artifacts.items() if one.get("use_after_commit")] == ["dataset"]
    assert files_of(artifacts["dataset"]) == []
    [weights] = files_of(artifacts["model"])
    assert weights.samefile(run / "checkpoints/best.ckpt")
    assert records(files.parent, "history") == [], "epochs are all that is in it"
