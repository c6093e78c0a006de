"""Results of a search in the terminal, with pictures where it can show them."""

from __future__ import annotations

import base64
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from PIL import Image
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drawsim.collection.names import display_name
from drawsim.reporting.kit.pages import percent
from drawsim.reporting.kit.pictures import load, placeholder
from drawsim.reporting.search.page import SearchSheet

Protocol = Literal["kitty", "iterm"]

SIDE = 160  # pixels of a picture in the strip
LINES = 8  # that the strip takes
PICTURES = 8  # in a strip
GAP = 8
CHUNK = 4096  # bytes that kitty takes at a time
KITTY = ("xterm-kitty", "xterm-ghostty")
ITERM = ("iTerm.app", "WezTerm")


def print_sheets(sheets: Sequence[SearchSheet], above: str = "", calibrated: str = "") -> None:
    """Print each query with its results: rank, score, id, title, artist, ✓ for confirmed pairs.

    above: what the share of strangers is that a result is above. calibrated: where chances are
    from.
    """
    console = Console(highlight=False)
    protocol = picture_protocol(os.environ) if sys.stdout.isatty() else None
    for sheet in sheets:
        console.print(f"[bold]{escape(sheet.query)}[/]{escape(_chance(sheet))}", soft_wrap=True)
        for note in sheet.notes:
            console.print(escape(f"! {note}"), style="yellow", soft_wrap=True)
        console.print(hits_table(sheet))
        if protocol:
            files = [Path(str(path)) for path in sheet.hits.get("path", [])[:PICTURES] if path]
            if files:
                sys.stdout.write(as_escape(strip(files), protocol) + "\n")
                sys.stdout.flush()
    for line in (f"above: {above}" if above else "", calibrated):
        if line:
            console.print(escape(line), style="dim", soft_wrap=True)


def hits_table(sheet: SearchSheet) -> Table:
    """The results of a query; columns of which nothing is known are left out."""
    hits = sheet.hits
    table = Table(box=SIMPLE_HEAD)
    table.add_column("", justify="right")
    table.add_column("score", justify="right")
    above = "above_strangers" in hits
    if above:
        table.add_column("above", justify="right")
    table.add_column("id", overflow="fold")
    known = [c for c in ("title", "artist") if c in hits and any(map(_text, hits[c]))]
    for column in known:
        table.add_column(column, overflow="fold")
    paired = "known" in hits and bool(hits["known"].any())
    if paired:
        table.add_column("pair")
    for row in hits.to_dict("records"):
        texts = [_text(row[c]) for c in known]
        texts = [
            display_name(text) if column == "artist" else text
            for column, text in zip(known, texts, strict=True)
        ]
        score = [f"{row['score']:.3f}", *([percent(row["above_strangers"])] if above else [])]
        cells = [str(row["rank"]), *score, str(row["id"]), *texts]
        table.add_row(*map(escape, cells), *(["✓" if row["known"] else ""] if paired else []))
    return table


def _chance(sheet: SearchSheet) -> str:
    return "" if sheet.chance is None else f"  {sheet.chance} that the first is a true match"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def picture_protocol(environment: Mapping[str, str]) -> Protocol | None:
    """How the terminal shows pictures, by what it says of itself; None if it does not.

    Within tmux and screen nothing is shown: they do not hand pictures on.

    >>> picture_protocol({"TERM": "xterm-kitty"}), picture_protocol({"TERM_PROGRAM": "iTerm.app"})
    ('kitty', 'iterm')
    """
    term = environment.get("TERM", "")
    if "TMUX" in environment or term.startswith(("screen", "tmux")):
        return None
    if "KITTY_WINDOW_ID" in environment or term in KITTY:
        return "kitty"
    program = environment.get("TERM_PROGRAM")
    return "iterm" if program in ITERM or environment.get("LC_TERMINAL") == "iTerm2" else None


def strip(files: Sequence[Path]) -> Image.Image:
    """The pictures side by side, in their order; a crossed tile for one that cannot be read."""
    pictures = [(each or placeholder()).copy() for each in load(files, 1, SIDE)]
    for picture in pictures:
        picture.thumbnail((SIDE, SIDE))
    page = Image.new("RGB", ((SIDE + GAP) * len(pictures) - GAP, SIDE), "white")
    for place, picture in enumerate(pictures):
        left = place * (SIDE + GAP) + (SIDE - picture.width) // 2
        page.paste(picture, (left, (SIDE - picture.height) // 2))
    return page


def as_escape(picture: Image.Image, protocol: Protocol) -> str:
    """The picture as the terminal takes it, LINES lines high.

    kitty: https://sw.kovidgoyal.net/kitty/graphics-protocol; iTerm2:
    https://iterm2.com/documentation-images.html.
    """
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    if protocol == "iterm":
        size = f"size={buffer.tell()};height={LINES};preserveAspectRatio=1"
        return f"\x1b]1337;File=inline=1;{size}:{data}\x07"
    parts = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    sent = []
    for number, part in enumerate(parts):
        first = f"a=T,f=100,r={LINES}," if number == 0 else ""
        sent.append(f"\x1b_G{first}m={int(number < len(parts) - 1)};{part}\x1b\\")
    return "".join(sent)
