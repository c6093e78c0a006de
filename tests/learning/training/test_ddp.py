"""Two processes side by side give what one gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.models.trainer import make_trainer, settle_hardware, told_of_lost_processes
from drawsim.retrieval.embeddings import load_embeddings
from tests.commands import run

SETS = ("train", "val", "test")


def train(folder: Path, trainer: str) -> Path:
    """The run folder of one epoch on the tiny demo."""
    # In float64, and small steps along the gradient itself: what is left of adding up in another
    # order is far below what float32 can show, on any processor.
    settings = [
        *("+experiment=tiny", "logger=csv", "trainer.max_epochs=1", "workers=0", "image_size=32"),
        "trainer.precision=64-true",
        *("optim=sgd", "optim.optimizer.lr=5e-4", "batch.size=4"),
        *(f"trainer={trainer}", f"name={trainer}", "study=tiny", f"out={folder / 'runs'}"),
        f"data.demo.cache={folder / 'cache'}",
    ]
    done = run("train", *settings)
    assert done.returncode == 0, done
    return folder / "runs/tiny" / trainer


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("ddp")
    return train(folder, "cpu"), train(folder, "ddp")


def metrics(run: Path, model: str) -> dict[str, Any]:
    record = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert record["status"] == "finished"
    assert record["epochs"] == 1
    assert set(record[model]) == set(SETS)
    return {f"{s}/{k}": value for s in SETS for k, value in record[model][s].items()}


# Both runs do the same sums in float64, in another order: they differ by some 1e-12 at most. What
# is written is rounded to float32, where such a difference shows as nothing or as one step, 2^-24
# of values up to 1, and in a difference of rounded values as a few.
ROUNDING = 4 * 2.0**-24


def test_layers_that_a_layout_leaves_out_are_waited_for_by_nobody(tmp_path: Path) -> None:
    settings = {"accelerator": "cpu", "devices": 2, "strategy": "ddp"}
    strategy: Any = make_trainer(settings, tmp_path, [], []).strategy
    assert strategy._ddp_kwargs["find_unused_parameters"]


def test_the_baseline_is_the_same(runs: tuple[Path, Path]) -> None:
    alone, together = (metrics(run, "baseline") for run in runs)
    assert together == pytest.approx(alone, rel=ROUNDING, abs=ROUNDING)


def test_training_differs_by_rounding_alone(runs: tuple[Path, Path]) -> None:
    tables = [pd.read_csv(run / "metrics.csv") for run in runs]
    assert [table["epoch"].tolist() for table in tables] == [[0, 1]] * 2
    for name in ("train/loss", "train/active", "val/loss", "lr"):
        alone, together = (table[name].iloc[-1] for table in tables)
        # A loss is a difference of cosines, which are rounded as values near 1 are.
        assert together == pytest.approx(alone, rel=ROUNDING, abs=ROUNDING), name
    for kind in ("drawings", "artworks"):
        alone, together = (
            load_embeddings(run / f"embeddings/final.{kind}.safetensors") for run in runs
        )
        assert alone.ids == together.ids
        assert float((alone.vectors - together.vectors).abs().max()) <= ROUNDING
        untrained = load_embeddings(runs[0] / f"embeddings/baseline.{kind}.safetensors")
        trained = alone.of(untrained.ids)  # at the end, drawings without a pair are there too
        assert float((trained.vectors - untrained.vectors).abs().max()) > 1000 * ROUNDING
    steps = [pd.read_csv(run / "steps.csv") for run in runs]
    assert len(steps[0]) == len(steps[1])


def test_the_final_metrics_agree(runs: tuple[Path, Path]) -> None:
    alone, together = (metrics(run, "final") for run in runs)
    assert together == pytest.approx(alone, rel=ROUNDING, abs=ROUNDING)


def test_each_run_is_written_once(runs: tuple[Path, Path]) -> None:
    alone, together = (
        sorted(str(path.relative_to(run)) for path in run.rglob("*")) for run in runs
    )
    assert together == alone
    kept = torch.load(runs[1] / "checkpoints/best.ckpt", weights_only=True)
    assert kept["backbone"]["name"] == "lite"
    assert sorted(path.name for path in runs[0].parent.iterdir()) == ["cpu", "ddp"]


def test_inside_joblib_one_line_says_that_it_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawsim.models.trainer.is_worker_of_joblib", lambda: True)
    settings = {"accelerator": "cpu", "precision": "auto"}
    assert settle_hardware({**settings, "devices": 1})
    with pytest.raises(UserError, match=r"trainer\.devices=2: processes of joblib start no others"):
        settle_hardware({**settings, "devices": 2})


def test_a_process_that_died_is_told_in_a_line() -> None:
    lost = RuntimeError("[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:545] Read error")
    said = "another process of this run has ended"
    with pytest.raises(UserError, match=said), told_of_lost_processes():
        raise lost
    with pytest.raises(RuntimeError, match="mat1"), told_of_lost_processes():
        raise RuntimeError("mat1 and mat2")
