"""Pictures beside simulated views of them, in one picture to look at.

python scripts/view_sheet.py IMAGE... --out SHEET.png [--views photograph|drawing] [--count N]
    [--set NAME=NUMBER ...]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from drawsim.common.errors import UserError
from drawsim.common.files import atomic
from drawsim.pixels.decode import read_image
from drawsim.pixels.photographs import OtherPhotograph
from drawsim.pixels.pseudo_drawings import PseudoDrawing
from drawsim.pixels.transforms import resize

GAP = 4
PHOTOGRAPH = {
    "gray": 0.3,
    "crop": 0.55,
    "turn": 5.0,
    "tilt": 0.05,
    "colour": 0.7,
    "frame": 0.3,
    "wear": 0.35,
}
DRAWING = {
    "line": 0.4,
    "wobble": 0.05,
    "loose": 0.4,
    "missing": 0.4,
    "recolour": 0.3,
    "paper": 0.85,
}


def sheet(
    pictures: list[np.ndarray], views: OtherPhotograph | PseudoDrawing, count: int, seed: int
) -> np.ndarray:
    """A row for each picture: itself, then `count` views of it."""
    step = views.size + GAP
    canvas = np.full((len(pictures) * step + GAP, (count + 1) * step + GAP, 3), 128, np.uint8)
    for row, picture in enumerate(pictures):
        shown = [resize(picture, views.size)]
        shown += [views(picture, seed + row * count + column) for column in range(count)]
        for column, view in enumerate(shown):
            top, left = GAP + row * step, GAP + column * step
            canvas[top : top + views.size, left : left + views.size] = view
    return canvas


def settings(defaults: dict[str, float], changes: list[str]) -> dict[str, float]:
    """The settings of a view with `NAME=NUMBER` changes; raises UserError for what is neither."""
    changed = dict(defaults)
    for change in changes:
        name, _, value = change.partition("=")
        try:
            changed[name] = {**defaults, name: float(value)}[name]
        except ValueError:
            raise UserError(f"--set {change}: must be NAME=NUMBER") from None
        if name not in defaults:
            raise UserError(f"--set {change}: choose from {', '.join(defaults)}")
    return changed


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("images", nargs="+", type=Path, help="files of any kind")
    parser.add_argument("--out", type=Path, required=True, help="the sheet, a PNG file")
    parser.add_argument("--views", choices=("photograph", "drawing"), default="drawing")
    parser.add_argument("--count", type=int, default=10, help="views of each picture")
    parser.add_argument("--size", type=int, default=128, help="side of a view in pixels")
    parser.add_argument("--seed", type=int, default=0, help="of the first view")
    parser.add_argument("--set", action="append", default=[], help="NAME=NUMBER, a setting")
    chosen = parser.parse_args()
    views: OtherPhotograph | PseudoDrawing
    try:
        if chosen.views == "photograph":
            views = OtherPhotograph(size=chosen.size, **settings(PHOTOGRAPH, chosen.set))
        else:
            views = PseudoDrawing(size=chosen.size, **settings(DRAWING, chosen.set))
        pictures = [read_image(path) for path in chosen.images]
    except UserError as error:
        sys.exit(str(error))
    with atomic(chosen.out) as temporary:
        Image.fromarray(sheet(pictures, views, chosen.count, chosen.seed)).save(temporary, "PNG")


if __name__ == "__main__":
    main()
