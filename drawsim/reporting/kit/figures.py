"""A figure drawn once becomes two: PNG for papers, and SVG for a page that can turn dark.

On paper it has the light colours of the house. In the SVG they become the variables of the page's
style sheet.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from drawsim.common.palette import PAPER
from drawsim.reporting.kit.fonts import base_font, runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

COLOURS = PAPER

WIDTH = 7.2  # inches, the type area of a page of A4
DPI = 200
FONT = 8.5  # points

FINE = re.compile(r"(\d+\.\d\d)\d+")
POINTS = "points-"  # how the names of rows of marks begin

Tips = dict[str, list[str]]
"""What a mark, or each point of a row of marks, says when it is pointed at, by the mark's id."""


@dataclass(frozen=True)
class Drawn:
    """A figure: the stem of its file, its title, its width in inches, PNG bytes and SVG text.

    One that only a page shows has no PNG.
    """

    name: str
    title: str
    width: float
    png: bytes
    svg: str


def drawn(
    name: str,
    title: str,
    size: tuple[float, float],
    plot: Callable[[Figure], Tips],
    *,
    paper: bool = True,
) -> Drawn:
    """Let `plot` draw on a figure of this size in inches; as SVG, and for `paper` as PNG."""
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
        _take_fonts(figure)
        if paper:
            figure.savefig(png, format="png", dpi=DPI)
        figure.patch.set_visible(False)
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return Drawn(name, title, size[0], png.getvalue(), inline_svg(svg.getvalue(), title, tips))


def _take_fonts(figure: Figure) -> None:
    """Give every text the fonts of its letters, where DejaVu Sans lacks some."""
    from matplotlib.font_manager import FontProperties, fontManager
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        others = {font for font, _ in runs(text.get_text())} - {base_font()}
        if others:
            for font in others:
                fontManager.addfont(font)
            names = [FontProperties(fname=font).get_name() for font in sorted(others)]
            text.set_fontfamily(["DejaVu Sans", *names])


def inline_svg(svg: str, title: str, tips: Mapping[str, Sequence[str]]) -> str:
    """An SVG file of matplotlib's as an element of a page, with colours that are variables.

    Groups named in `tips` get these as their titles, and rows of points one each; other names,
    fonts and styles go.
    """
    svg = svg[svg.index("<svg") :]
    useless = r'<metadata>.*?</metadata>|<style.*?</style>|<g id="[^"]*"/>'
    svg = re.sub(useless, "", svg, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None
    head = f'<svg {box[0]} role="img" aria-label="{escape(title)}">'
    svg = re.sub(r"<svg[^>]*>", lambda _: head, svg, count=1)  # a name may hold backslashes
    for name, texts in tips.items():
        svg = _with_titles(svg, name, texts)
    svg = re.sub(r'<g id="([^"]*)">', "<g>", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = svg.replace("<use xlink:href", "<use href")
    for variable, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = re.sub(r"\s*\n\s*", " ", svg)
    # A hundredth of a point is finer than any screen; what is written stays as it is.
    return re.sub(r"<(?:path|use|g) [^>]*>", lambda tag: FINE.sub(r"\1", tag[0]), svg)


def _with_titles(svg: str, name: str, texts: Sequence[str]) -> str:
    """The group of this name as a mark that says a text, or each of its points with its own."""
    before, _, after = svg.partition(f'<g id="{name}">')
    if not name.startswith(POINTS):
        return f'{before}<g class="mark"><title>{escape(texts[0])}</title>{after}'
    left = iter(texts)

    def point(match: re.Match[str]) -> str:
        return f'<g class="mark"><title>{escape(next(left))}</title>{match[0]}</g>'

    return f"{before}<g>{re.sub('<use [^>]*/>', point, after, count=len(texts))}"


def mark(patch: Patch, tips: Tips, text: str) -> None:
    """Let a patch say `text` when it is pointed at."""
    name = f"mark-{len(tips)}"
    patch.set_gid(name)
    tips[name] = [one_line(text)]


def mark_points(axes: Axes, x: ArrayLike, y: ArrayLike, tips: Tips, texts: Sequence[str]) -> None:
    """Let the neighbourhood of each point say a text of its own when it is pointed at."""
    name = f"{POINTS}{len(tips)}"
    unseen: dict[str, Any] = {"color": COLOURS["tile"], "alpha": 0.0, "linewidths": 0}
    axes.scatter(x, y, s=90, zorder=9, gid=name, clip_on=False, **unseen)
    tips[name] = [one_line(text) for text in texts]


def shortened(text: str, letters: int) -> str:
    """
    >>> shortened("Pieter Bruegel", 20), shortened("Pieter Bruegel", 9)
    ('Pieter Bruegel', 'Pieter B…')
    """
    text = one_line(text)
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


def short_names(names: Iterable[str], letters: int) -> dict[str, str]:
    """What each name is called in so many letters, no two alike.

    Names that begin alike are told by what follows.

    >>> short_names(["lite-basic-lr0.001", "lite-basic-lr0.002", "lite"], 12)
    {'lite-basic-lr0.001': '…lr0.001', 'lite-basic-lr0.002': '…lr0.002', 'lite': 'lite'}
    """
    by_beginning: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_beginning.setdefault(shortened(name, letters), []).append(name)
    short: dict[str, str] = {}
    for beginning, alike in by_beginning.items():
        both = zip(min(alike), max(alike), strict=False)
        equal = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))
        shared = alike[0].rfind("-", 0, equal) + 1
        for name in alike:
            told = beginning if len(alike) == 1 else shortened(f"…{name[shared:]}", letters)
            own, number = told, 1
            while own in short.values():
                number += 1
                end = f" ({number})"
                own = shortened(told, letters - len(end)) + end
            short[name] = own
    return short


def one_line(text: str) -> str:
    """The text with spaces for line breaks and whatever else cannot be printed.

    >>> one_line("a\\nb")
    'a b'
    """
    return "".join(letter if letter.isprintable() else " " for letter in text)


def svg_file(figure: Drawn) -> str:
    """The SVG of a figure as a file of its own, in the light colours."""
    svg = re.sub(r"var\(--(\w+)\)", lambda match: COLOURS[match[1]], figure.svg)
    svg = svg.replace("<use href", "<use xlink:href")  # what older programs read
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return svg.replace("<svg ", f'<svg {spaces} font-family="DejaVu Sans, sans-serif" ', 1) + "\n"
