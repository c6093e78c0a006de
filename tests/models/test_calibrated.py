"""Where the calibration of an index is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawsim.models.calibrated import own_calibration
from drawsim.models.sources import save_source


def run_folder(place: Path) -> Path:
    (place / "checkpoints").mkdir(parents=True)
    (place / "checkpoints" / "best.ckpt").write_bytes(b"weights")
    (place / "config.yaml").write_text("out: runs\nstudy: s\nname: r\n", encoding="utf-8")
    return place


@pytest.mark.parametrize(
    ("place", "results"), [("runs/s/r", "runs/s/r/evaluation"), ("else/s/r", "evaluations/s/r")]
)
def test_an_index_keeps_that_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, results: str
) -> None:
    monkeypatch.chdir(tmp_path)
    run, index = run_folder(Path(place)), Path("INDEX")
    source = {"checkpoint": str((run / "checkpoints/best.ckpt").resolve())}
    save_source(index, source)
    before = own_calibration(index)
    assert before.file is None
    assert "drawsim.evaluate run=runs/s/r calibrate=true" in before.note
    Path(results).mkdir(parents=True)
    (Path(results) / "calibration.json").write_text("fitted")
    assert own_calibration(index, run).file is not None
    assert own_calibration(index).file is None  # made before
    save_source(index, source)
    kept = own_calibration(index)
    assert kept.file is not None
    assert kept.file.is_relative_to(index)
    assert kept.file.read_text() == "fitted"
    (Path(results) / "calibration.json").unlink()
    save_source(index, source)  # nothing of an earlier one stays
    assert own_calibration(index).file is None


def test_an_index_of_no_run_says_what_to_give(tmp_path: Path) -> None:
    found = own_calibration(tmp_path)
    assert found.file is None
    assert found.note.startswith("uncalibrated: the index is of no run; calibration=FILE")
