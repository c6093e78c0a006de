"""Drawings beside their five style effects, in one picture to look at.

    python scripts/style_sheet.py ORIGINAL... out=SHEET.png [reference=FOLDER]

With `reference`, a second row below each drawing has the copies of that folder, called
`<name of the original>_<effect>.*`, and how far ours are from them (mean difference of 255 levels).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from drawsim.common.files import atomic
from drawsim.pixels.decode import read_image
from drawsim.pixels.styles import EFFECTS

SETTINGS = ("out=", "reference=")
SIDE = 400  # pixels of the longer side of a picture
GAP = 16
FONT = 18
LINE = 30
TITLES = {
    "oil": "oil",
    "water": "watercolour",
    "texture": "texture",
    "gray": "gray",
    "pencil_gray": "pencil",
}


def row(pictures: list[np.ndarray], labels: list[str]) -> Image.Image:
    """Pictures side by side, each with its label below; an empty one leaves its place free."""
    font = ImageFont.load_default(FONT)
    small = [Image.fromarray(picture) for picture in pictures]
    for image in small:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    height = max(image.height for image in small)
    sheet = Image.new("RGB", (len(small) * (SIDE + GAP) + GAP, height + LINE + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for place, (image, label) in enumerate(zip(small, labels, strict=True)):
        left = GAP + place * (SIDE + GAP)
        if label:
            sheet.paste(image, (left, GAP))
            draw.text((left, GAP + height + 4), label, "black", font)
    return sheet


def rows_of(original: Path, reference: Path | None) -> list[Image.Image]:
    """Our effects on a drawing and, where there are any, the copies to compare them with."""
    drawing = read_image(original)
    ours = {name: effect(drawing) for name, effect in EFFECTS.items()}
    rows = [row([drawing, *ours.values()], [original.stem, *(TITLES[name] for name in ours)])]
    if reference is None:
        return rows
    pictures, labels = [drawing], [""]
    for name, copy in ours.items():
        found = sorted(reference.glob(f"{original.stem}_{name}.*"))
        theirs = read_image(found[0]) if found else drawing
        same_size = theirs.shape == copy.shape
        apart = np.abs(theirs.astype(int) - copy).mean() if same_size else float("nan")
        pictures.append(theirs)
        labels.append(f"{TITLES[name]}, reference: {apart:.2f} apart" if found else "")
    return [*rows, row(pictures, labels)]


def main() -> None:
    """Draw the sheet."""
    settings = dict(part.split("=", 1) for part in sys.argv[1:] if part.startswith(SETTINGS))
    originals = [Path(part) for part in sys.argv[1:] if not part.startswith(SETTINGS)]
    if "out" not in settings or not originals:
        sys.exit(__doc__)
    reference = Path(settings["reference"]) if "reference" in settings else None
    rows = [image for original in originals for image in rows_of(original, reference)]
    sheet = Image.new("RGB", (rows[0].width, sum(image.height for image in rows)), "white")
    top = 0
    for image in rows:
        sheet.paste(image, (0, top))
        top += image.height
    with atomic(Path(settings["out"])) as temporary:
        sheet.save(temporary, "PNG")


if __name__ == "__main__":
    main()
