"""The fonts that pages are measured with: named, so that no machine's own choice matters."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.sync_api import Page


@dataclass(frozen=True)
class Font:
    """Families for texts and headings; spacing: added to each letter, in widths of an m."""

    sans: str
    serif: str
    spacing: float = 0


FONTS = {
    "Liberation": Font("Liberation Sans", "Liberation Serif"),
    "Noto": Font("Noto Sans", "Noto Serif"),
    "DejaVu": Font("DejaVu Sans", "DejaVu Serif"),
    "wide": Font("DejaVu Sans", "DejaVu Serif", 0.06),
}
"""As narrow as Arial, between, as wide as Verdana, and wider than any font in use for texts."""

USE = """([sans, serif, spacing]) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    `:root { --sans: "${sans}"; --serif: "${serif}"; } * { letter-spacing: ${spacing}em; }`);
  document.adoptedStyleSheets = [sheet];
}"""
LACKING = """(families) => families.filter((family) => {
  const context = document.createElement("canvas").getContext("2d");
  const width = (fonts) => {
    context.font = `50px ${fonts}`;
    return context.measureText("mmmwwwiiilll0123").width;
  };
  return ["monospace", "cursive"].every((other) => width(`"${family}", ${other}`) === width(other));
})"""


def use(page: Page, name: str) -> None:
    """Show the page in a font; the test is skipped where it is not installed."""
    font = FONTS[name]
    lacking = page.evaluate(LACKING, [font.sans, font.serif])
    if lacking:
        pytest.skip(f"no font {' and no '.join(lacking)}: install fonts-{name_of(lacking[0])}")
    page.evaluate(USE, [font.sans, font.serif, font.spacing])


def name_of(family: str) -> str:
    """What Debian's package of a family is called after `fonts-`."""
    return {"Noto": "noto-core", "DejaVu": "dejavu", "Liberation": "liberation"}[family.split()[0]]


def drop(page: Page) -> None:
    """Show the page in its own fonts again."""
    page.evaluate("document.adoptedStyleSheets = []")
