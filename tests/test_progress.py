"""The bar of long work: where it shows, when, and that work is the same without it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from drawsim import progress
from drawsim.progress import progress_bar


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
