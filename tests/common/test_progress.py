"""The bar of long work: where it shows, when, and that work is the same without it."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rich.progress import Progress

from drawsim.common import progress
from drawsim.common.progress import Pace, progress_bar


@pytest.mark.parametrize(
    ("terminal", "patience", "shown"), [(True, -1, True), (True, 1e9, False), (False, -1, False)]
)
def test_the_bar_shows_on_a_terminal_and_only_in_long_work(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, patience: float, shown: bool
) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=80)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    monkeypatch.setattr(progress, "PATIENCE", patience)
    with progress_bar("counting sheep", 3) as advance:
        advance()
        advance(2)
    assert ("counting sheep" in screen.getvalue()) == shown
    assert ("3/3" in screen.getvalue()) == shown
    assert shown or not screen.getvalue()


@pytest.mark.parametrize(
    ("unit", "total", "says"),
    [
        ("images", 7260, "2.0 images/s, 1:00:20 left"),
        ("images", None, "2.0 images/s"),
        ("", 40, "2.0/s, 0:00:10 left"),
    ],
)
def test_the_pace_is_what_was_done_in_the_time_it_took(
    unit: str, total: int | None, says: str
) -> None:
    now = 100.0
    pace = Pace(unit)
    bar = Progress(pace, get_time=lambda: now, disable=True)
    task = bar.add_task("x", total=total)
    assert pace.render(bar.tasks[0]).plain == ""
    for _ in range(10):
        now += 1
        bar.advance(task, 2)
    assert pace.render(bar.tasks[0]).plain == says


def test_the_rate_is_on_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    monkeypatch.setattr(progress, "PATIENCE", -1)
    with progress_bar("looking for duplicates", 12_000, "images") as advance:
        for _ in range(6000):
            advance()
    assert "looking for duplicates" in screen.getvalue()
    assert "6000/12000" in screen.getvalue()
    assert re.search(r"images/s, 0:00:\d\d left", screen.getvalue())


def test_the_bar_is_gone_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    monkeypatch.setattr(progress, "PATIENCE", -1)

    def work() -> None:
        with progress_bar("counting sheep", None) as advance:
            advance()
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert screen.getvalue().rstrip("\n").endswith("\x1b[2K")  # the line is wiped
