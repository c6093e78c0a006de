"""A figure drawn once becomes two: PNG for papers, and SVG for a page that can turn dark.

On paper it has the light colours of the house. In the SVG they become the variables of the page's
style sheet.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

COLOURS = {
    "page": "#ffffff",
    "ink": "#1d1c1a",
    "soft": "#5d5952",
    "rule": "#dcd8cf",
    "tile": "#f0ede6",
    "c1": "#1565b0",
    "c4": "#a85a00",
    "m0": "#cae3f9",
    "m1": "#a5c6e5",
    "m2": "#82a9d1",
    "m3": "#608dbd",
    "m4": "#3f70a8",
    "m5": "#1d5494",
    "m6": "#133a6e",
}
"""Light colours by the names of their variables. No two are equal, so that each can be found."""

WIDTH = 7.2  # inches, the type area of a page of A4
DPI = 200
FONT = 8.5  # points

Tips = dict[str, str]
"""What a mark says when it is pointed at, by the mark's id."""


@dataclass(frozen=True)
class Drawn:
    """A figure: the stem of its file, its title, its width in inches, PNG bytes and SVG text."""

    name: str
    title: str
    width: float
    png: bytes
    svg: str


def drawn(
    name: str, title: str, size: tuple[float, float], plot: Callable[[Figure], Tips]
) -> Drawn:
    """Let `plot` draw on a figure of this size in inches, and write it as PNG and as SVG."""
    import matplotlib
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": FONT,
        "text.color": COLOURS["ink"],
        "text.parse_math": False,  # a name may have two dollar signs
        "axes.edgecolor": COLOURS["rule"],
        "axes.labelcolor": COLOURS["soft"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": COLOURS["rule"],
        "grid.linewidth": 0.6,
        "xtick.color": COLOURS["soft"],
        "ytick.color": COLOURS["soft"],
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "xtick.minor.size": 0,
        "svg.fonttype": "none",
        "svg.hashsalt": name,
    }
    png, svg = io.BytesIO(), io.StringIO()
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # A letter that the font lacks is a box on paper; the page has it in the reader's font.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(size, layout="constrained", facecolor=COLOURS["page"])
        tips = plot(figure)
        figure.savefig(png, format="png", dpi=DPI)
        figure.patch.set_visible(False)
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return Drawn(name, title, size[0], png.getvalue(), inline_svg(svg.getvalue(), title, tips))


def inline_svg(svg: str, title: str, tips: Mapping[str, str]) -> str:
    """An SVG file of matplotlib's as an element of a page, with colours that are variables.

    Groups named in `tips` get these as their titles; other names, fonts and styles go.
    """

    def group(match: re.Match[str]) -> str:
        tip = tips.get(match[1])
        return "<g>" if tip is None else f'<g class="mark"><title>{escape(tip)}</title>'

    svg = svg[svg.index("<svg") :]
    useless = r'<metadata>.*?</metadata>|<style.*?</style>|<g id="[^"]*"/>'
    svg = re.sub(useless, "", svg, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None
    head = f'<svg {box[0]} role="img" aria-label="{escape(title)}">'
    svg = re.sub(r"<svg[^>]*>", head, svg, count=1)
    svg = re.sub(r'<g id="([^"]*)">', group, svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    for variable, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = re.sub(r"\s*\n\s*", " ", svg)
    # A hundredth of a point is finer than any screen.
    return re.sub(r"(\d+\.\d\d)\d+", r"\1", svg)


def mark(patch: Patch, tips: Tips, text: str) -> None:
    """Let a patch say `text` when it is pointed at."""
    name = f"mark-{len(tips)}"
    patch.set_gid(name)
    tips[name] = one_line(text)


def counted(number: int, what: str) -> str:
    """
    >>> counted(1, "drawing"), counted(2000, "drawing")
    ('1 drawing', '2,000 drawings')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def shortened(text: str, letters: int) -> str:
    """
    >>> shortened("Pieter Bruegel", 20), shortened("Pieter Bruegel", 9)
    ('Pieter Bruegel', 'Pieter B…')
    """
    text = one_line(text)
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


def one_line(text: str) -> str:
    """The text with spaces for line breaks and whatever else cannot be printed.

    >>> one_line("a\\nb")
    'a b'
    """
    return "".join(letter if letter.isprintable() else " " for letter in text)


def svg_file(figure: Drawn) -> str:
    """The SVG of a figure as a file of its own, in the light colours."""
    svg = re.sub(r"var\(--(\w+)\)", lambda match: COLOURS[match[1]], figure.svg)
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return svg.replace("<svg ", f'<svg {spaces} font-family="DejaVu Sans, sans-serif" ', 1) + "\n"
