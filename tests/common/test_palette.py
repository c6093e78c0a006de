"""One palette: the same names in light and in dark, legible in both."""

from __future__ import annotations

import re

import pytest

from drawsim.common.palette import DARK, LIGHT, PAPER, style_sheet

LETTERS = ("ink", "soft", "true", "warn", "bad", "link", "c0", "c1", "c2", "c3", "c4")


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_both_themes_have_the_same_names_and_no_colour_twice() -> None:
    assert list(LIGHT) == list(DARK)
    for colours in (LIGHT, PAPER):
        assert len(set(colours.values())) == len(colours)


@pytest.mark.parametrize("colours", [LIGHT, DARK, PAPER], ids=["light", "dark", "paper"])
@pytest.mark.parametrize("name", LETTERS)
def test_letters_can_be_read(colours: dict[str, str], name: str) -> None:
    assert contrast(colours[name], colours["page"]) >= 4.5


def test_the_style_sheet_has_every_colour_of_every_theme() -> None:
    text = style_sheet()
    for name in LIGHT:
        assert set(re.findall(rf"--{name}: (#\w+);", text)) == {
            LIGHT[name],
            DARK[name],
            PAPER[name],
        }
