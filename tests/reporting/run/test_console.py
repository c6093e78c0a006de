"""A run's results in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drawsim.common.files import write_json
from drawsim.reporting.run.console import print_results
from drawsim.retrieval.metrics import registry

SHOWN = registry.headline(registry.computed())


@pytest.fixture
def record() -> dict[str, Any]:
    """Metrics of which each value tells where it belongs."""
    scores = {
        model: {
            name: {
                metric: (base + i) / (1 if metric == "median_rank" else 100) + k / 1000
                for k, metric in enumerate(SHOWN)
            }
            for i, name in enumerate(("val", "test"))
        }
        for base, model in ((10, "baseline"), (20, "final"))
    }
    counts = {"val": {"queries": 33, "pairs": 34}, "test": {"queries": 44, "pairs": 45}}
    return {
        **{"study": "demo", "name": "lite-v0", "monitor": "val/mrr", **scores},
        **{
            "counts": counts,
            "gallery_size": 600,
            "best_epoch": 3,
            "seconds": {"fit": 40.0, "embed": 12.3, "total": 61.4},
        },
    }


def shown(
    record: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[str, dict[tuple[str, str], list[str]]]:
    """What is printed, and the cells of its rows by set and model."""
    write_json(folder / "metrics.json", record)
    print_results(folder)
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines()]
    cells = {(r[0], r[1]): r[2:] for r in rows if len(r) > 2 and r[1] in ("untrained", "trained")}
    return text, cells


def test_each_number_stands_in_its_place(
    record: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, cells = shown(record, tmp_path, capsys)
    assert list(cells) == [
        (name, model) for name in ("val", "test") for model in ("untrained", "trained")
    ]
    for (name, label), values in cells.items():
        model = "baseline" if label == "untrained" else "final"
        assert values[0] == str(record["counts"][name]["queries"])
        assert [float(v) for v in values[1:]] == pytest.approx(
            [record[model][name][metric] for metric in SHOWN], abs=0.051
        )
    assert cells["test", "trained"][1:3] == ["0.210", "0.211"]
    assert "demo / lite-v0" in text
    assert (
        "gallery of 600 artworks, best epoch 3 by val/mrr, fit 40 s, embed 12 s, in all 61 s"
        in text
    )
    assert "No epoch beat" not in text
    text, _ = shown(record | {"timed_starts": 2, "commands": [[], []]}, tmp_path, capsys)
    assert "in all 61 s, over 2 starts\n" in text


def test_a_model_that_learnt_nothing_is_not_praised(
    record: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, _ = shown({**record, "best_epoch": 0}, tmp_path, capsys)
    assert "No epoch beat the untrained model on val/mrr: it was kept" in text


def test_few_validation_drawings_are_said_to_choose_nothing(
    record: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {**record, "keep": "last", "kept_because": "2 validation drawings cannot tell"}
    text, _ = shown(said, tmp_path, capsys)
    assert "epoch 3 kept (keep=last: 2 validation drawings cannot tell)" in text
