"""Fonts for every script: DejaVu Sans, and for what it lacks whatever font the system has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

STYLES = ("bold", "italic", "oblique", "light", "thin", "black", "medium", "condensed", "mono")
"""Words in the names of fonts that are taken only where there is no plain one."""


@cache
def base_font() -> Path:
    """DejaVu Sans, as matplotlib ships it."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@cache
def font_for(letter: str) -> Path | None:
    """The font that shows a letter: the base font if it can; None if no font here can.

    What is not printed, such as the end of a line, is the base font's.
    """
    if not letter.isprintable():
        return base_font()
    return next((font for font in _fonts() if ord(letter) in _letters(font)), None)


def runs(text: str) -> Iterator[tuple[Path, str]]:
    """The text in pieces, each with its font; letters that no font has stay with the base font."""
    for font, letters in groupby(text, lambda letter: font_for(letter) or base_font()):
        yield font, "".join(letters)


def missing_letters(texts: Iterable[str]) -> str:
    """The letters of some texts that no font here has, each once, sorted."""
    letters = {letter for text in texts for letter in text}
    return "".join(sorted(letter for letter in letters if font_for(letter) is None))


@cache
def _fonts() -> list[Path]:
    """All fonts of this machine, the base font first, then plain ones without serifs."""
    from matplotlib.font_manager import findSystemFonts

    def order(font: Path) -> tuple[bool, bool, str]:
        name = font.name.lower()
        return any(style in name for style in STYLES), "sans" not in name, str(font)

    return [base_font(), *sorted(map(Path, findSystemFonts()), key=order)]


@cache
def _letters(font: Path) -> frozenset[int]:
    """The code points that a font has a glyph for; of a collection, its first font."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(font, fontNumber=0, lazy=True) as opened:
            # Fonts of bitmaps alone have no outlines to print.
            outlines = "glyf" in opened or "CFF " in opened
            return frozenset(opened.getBestCmap() or ()) if outlines else frozenset()
    except (OSError, TTLibError, AssertionError, KeyError):
        return frozenset()
