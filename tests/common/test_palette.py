"""One palette: the same names in light and in dark, legible in both."""

from __future__ import annotations

import itertools
import re

import pytest

from drawsim.collection.grades import MEANINGS
from drawsim.common.palette import DARK, LIGHT, PAPER, style_sheet

GRADES = tuple({each.colour: None for each in MEANINGS})
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


def test_contrast_is_measured_as_the_standard_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # just short of AA


@pytest.mark.parametrize("colours", [LIGHT, DARK, PAPER], ids=["light", "dark", "paper"])
@pytest.mark.parametrize("name", LETTERS)
def test_letters_can_be_read(colours: dict[str, str], name: str) -> None:
    assert contrast(colours[name], colours["page"]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK, PAPER], ids=["light", "dark", "paper"])
def test_texts_and_controls_stand_out(colours: dict[str, str]) -> None:
    """AA: 4.5 for texts, 3 for what shows where a control is (WCAG 2.2, 1.4.3 and 1.4.11)."""
    texts = ("ink", "soft", "link", "true", "warn", "bad", *GRADES)
    for text, ground in itertools.product(texts, ("page", "raised")):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for text in ("ink", "soft"):
        assert contrast(colours[text], colours["tile"]) >= 4.5, text
    for edge, ground in itertools.product(("line", "c1", *GRADES), ("page", "raised", "tile")):
        assert contrast(colours[edge], colours[ground]) >= 3, (edge, ground)
    assert contrast(colours["box"], colours["page"]) >= 4.5  # the two edges of a box on a picture


def test_the_style_sheet_has_every_colour_of_every_theme() -> None:
    text = style_sheet()
    for name in LIGHT:
        assert set(re.findall(rf"--{name}: (#\w+);", text)) == {
            LIGHT[name],
            DARK[name],
            PAPER[name],
        }
