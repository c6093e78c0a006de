"""How unsure the models are is worked out beside the server, told on the way, and kept."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from drawsim.collection.kinds import Kind
from drawsim.web.queue import uncertainty as module
from drawsim.web.queue.uncertainty import UNKNOWN, Uncertainty, Values

IDS: dict[Kind, list[str]] = {"drawing": [f"d{i}" for i in range(100)], "artwork": ["a0", "a1"]}
LONG = 60.0


class Measuring:
    """Says of each query its number; blocks may have to wait."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = threading.Semaphore(10**6)

    def __call__(self, kind: Kind, names: Sequence[str]) -> Values:
        assert self.go_on.acquire(timeout=LONG)
        self.asked += names
        return np.array([float(name[1:]) for name in names])


def test_all_values_in_the_order_of_the_ids() -> None:
    measure = Measuring()
    mine = Uncertainty(measure, IDS, "index", patience=LONG)
    assert measure.asked == []  # not before it is wanted
    assert mine("drawing").tolist() == list(range(100))
    assert mine("artwork").tolist() == [0, 1]
    assert sorted(measure.asked) == sorted([*IDS["drawing"], *IDS["artwork"]])
    assert mine("drawing") is mine("drawing")


def test_what_is_known_by_now_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 10)
    measure = Measuring()
    measure.go_on = threading.Semaphore(0)
    mine = Uncertainty(measure, IDS, "index", patience=0)
    first = mine("drawing")
    assert (first == UNKNOWN).all()  # nobody waited
    measure.go_on.release(3)
    end = threading.Event()
    while (mine("drawing") > UNKNOWN).sum() < 20:
        assert not end.wait(0.01)
    known = np.flatnonzero(mine("drawing") > UNKNOWN)
    assert mine("drawing")[known].tolist() == known.tolist()
    assert np.abs(np.median(known) - 50) < 40  # from all parts of the collection
    measure.go_on.release(100)
    while (mine("drawing") > UNKNOWN).sum() < 100:
        assert not end.wait(0.01)
    mine.stop()


def test_it_stops_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(module, "BREATH", LONG)
    measure = Measuring()
    mine = Uncertainty(measure, IDS, "index", patience=0)
    mine("drawing")
    mine.stop()
    assert len(measure.asked) <= 1


def test_finished_values_are_kept_for_the_next_start(tmp_path: Path) -> None:
    for index, ids, again in (
        ("index", IDS, True),
        ("index", IDS, False),
        ("another", IDS, True),
        ("another", {**IDS, "drawing": IDS["drawing"][::-1]}, True),
    ):
        measure = Measuring()
        mine = Uncertainty(measure, ids, index, tmp_path, patience=LONG)
        assert mine("drawing").tolist() == [float(name[1:]) for name in ids["drawing"]]
        mine.stop()  # and so it is written
        assert bool(measure.asked) == again
    assert [file.name for file in tmp_path.iterdir()] == ["uncertainty-drawing.npz"]


def test_a_broken_file_is_worked_out_again(tmp_path: Path) -> None:
    (tmp_path / "uncertainty-artwork.npz").write_bytes(b"PK no zip")
    mine = Uncertainty(Measuring(), IDS, "index", tmp_path, patience=LONG)
    assert mine("artwork").tolist() == [0, 1]
    mine.stop()
