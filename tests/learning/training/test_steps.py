"""The scalars of every step in a plain table that survives kills."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from drawsim.learning.training.loggers.steps import StepLog

Lines = list[tuple[str, str, str]]


def lines(path: Path) -> Lines:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["step", "name", "value"]
    return [(step, name, value) for step, name, value in rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "steps.csv"


def test_scalars_in_long_form(path: Path) -> None:
    log = StepLog(path)
    log.log_hyperparams({"a": 1})
    assert (log.name, log.version) == ("steps", 0)
    log.log_metrics({"train/loss": 0.1 + 0.2, "lr": 1e-6}, step=0)
    log.log_metrics({"train/loss": float("nan")}, step=1)
    assert lines(path) == [
        ("0", "train/loss", "0.30000000000000004"),
        ("0", "lr", "1e-06"),
        ("1", "train/loss", "nan"),
    ]


def test_a_resumed_run_goes_on_where_it_is_taken_up(path: Path) -> None:
    first = StepLog(path)
    for step in range(12):
        first.log_metrics({"loss": step / 7, "x,y": 1.0}, step=step)
    before = lines(path)
    resumed = StepLog(path)
    assert lines(path) == before, "nothing is dropped until something takes its place"
    for step in range(8, 12):
        resumed.log_metrics({"loss": step / 7, "x,y": 1.0}, step=step)
    assert lines(path) == before, "as if the run had not been broken, to the last digit"


@pytest.mark.parametrize("left", ["", "st", "step,name,value\n", "step,name,value\n3,l"])
def test_whatever_a_kill_has_left_of_the_first_lines(path: Path, left: str) -> None:
    path.write_text(left)
    StepLog(path).log_metrics({"loss": 0.5}, step=3)
    assert lines(path) == [("3", "loss", "0.5")]


@pytest.mark.parametrize("torn", ["1", "12", "12,", "12,lo", "12,loss", "12,loss,", "12,loss,0.2"])
def test_a_torn_last_line_goes(path: Path, torn: str) -> None:
    path.write_text(f"step,name,value\n0,loss,0.5\n1,loss,nan\n{torn}")
    StepLog(path).log_metrics({"loss": 0.25}, step=12)
    assert lines(path) == [("0", "loss", "0.5"), ("1", "loss", "nan"), ("12", "loss", "0.25")]
