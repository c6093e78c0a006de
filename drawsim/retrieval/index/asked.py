"""What a search looks for: ids of an index, image files, a region of one, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drawsim.collection.ids import IdList
from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.pixels.decode import ImageReadError, decode, read_image
from drawsim.pixels.decoding.wanted import Wanted
from drawsim.pixels.folders import images_below
from drawsim.retrieval.index.filters import offer
from drawsim.retrieval.index.folder import Index
from drawsim.retrieval.index.results import picture

Box = tuple[int, int, int, int]
"""x, y of the upper left corner, width, height, in pixels of the upright image."""


@dataclass(frozen=True)
class Asked:
    """One thing that is looked for: an image of the index, or an image file.

    name: for people. kind: what it is. id: of the index, else None. file: the picture, where known.
    box: the region that is meant, where it is not the whole picture. words: whether it is its name
    that is looked for, a text; its kind is then the one that is not searched.
    """

    name: str
    kind: Kind
    id: str | None
    file: Path | None
    box: Box | None = None
    words: bool = False

    @property
    def picture(self) -> Path | np.ndarray | None:
        """Its file, or the pixels of the region, (height, width, 3); None where it is not known."""
        if self.file is None or self.box is None:
            return self.file
        return cropped(self.file, self.box)

    def pixels(self) -> np.ndarray:
        """The picture, or the region of it, (height, width, 3). Raises UserError without one."""
        if self.file is None:
            raise UserError(f"{self.name}: the index does not know where its picture is")
        return read_image(self.file) if self.box is None else cropped(self.file, self.box)


def find_ids(index: Index, ids: Sequence[str], kind: str | None) -> list[Asked]:
    """Images of an index by id, drawings or artworks (kind; None: whichever has the id).

    A text may be any that is meant for one id alone, such as the name of its file (see `IdList`).
    Raises UserError, with the nearest ids, for one that is not there, and for one that both kinds
    have.
    """
    parts = [index.part(kind)] if kind else list(index.parts.values())
    listed = [(part, IdList(part.embeddings.ids)) for part in parts]
    asked = []
    for name in ids:
        same = [(part, name) for part in parts if name in part.embeddings.rows]
        others = [(part, held) for part, own in listed if (held := own.find(name)) is not None]
        found = same or others
        if not found:
            known = [other for part in parts for other in part.embeddings.ids]
            said, _ = IdList(known).why_unknown(name)
            why = said or f", {offer(name, known)}"
            raise UserError(f"no {kind or 'image'} {name!r} in the index{why}")
        if len(found) > 1:
            raise UserError(f"{name!r} is a drawing and an artwork; say which with from=…")
        part, held = found[0]
        its: Kind = "drawing" if part.kind == "drawing" else "artwork"
        asked.append(Asked(held, its, held, picture(index, part.kind, held)))
    return asked


def find_files(paths: Sequence[Path], kind: Kind) -> tuple[list[Asked], list[str]]:
    """Image files, and those below folders, as queries of a kind; and notes on what was left out.

    Raises ImageReadError for a named file that cannot be decoded, and UserError for a folder
    without any image that can. In a folder, such files are left out.
    """
    asked, notes = [], []
    for path in paths:
        if not path.is_dir():
            read_image(path, min_size=1)
            asked.append(Asked(path.name, kind, None, path))
            continue
        files, met = images_below(path)
        wrong = {file: what for _, file in files if (what := _unreadable(file))}
        if len(wrong) == len(files):
            raise UserError(f"{path}: none of its images can be read; {next(iter(wrong.values()))}")
        notes += [*met.notes(), *(f"left out: {what}" for what in wrong.values())]
        asked += [Asked(name, kind, None, file) for name, file in files if file not in wrong]
    names = [each.name for each in asked]
    if len(set(names)) < len(names):
        asked = [Asked(str(each.file), kind, None, each.file) for each in asked]
    return asked, notes


def _unreadable(file: Path) -> str:
    """Why an image file cannot be decoded; empty if it can."""
    try:
        read_image(file, min_size=1)
    except ImageReadError as error:
        return str(error)
    return ""


def parse_box(text: str) -> Box:
    """x,y,width,height as whole numbers. Raises UserError for anything else.

    >>> parse_box("10,20,300,200")
    (10, 20, 300, 200)
    """
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError as error:
        raise UserError(f"box={text}: must be x,y,width,height, whole numbers of pixels") from error
    if x < 0 or y < 0 or width < 1 or height < 1:
        raise UserError(f"box={text}: x and y from 0 on, width and height from 1 on")
    return x, y, width, height


def cropped(file: Path, box: Box) -> np.ndarray:
    """The region of an image file, (height, width, 3). Raises UserError if it is not inside."""
    whole = decode(file, Wanted())
    x, y, width, height = box
    if x + width > whole.width or y + height > whole.height:
        text = ",".join(map(str, box))
        raise UserError(
            f"box={text}: reaches outside {file}, which has {whole.width} x {whole.height} pixels"
        )
    scale = whole.pixels.shape[1] / whole.width  # below 1 where it was decoded smaller
    left, top = int(x * scale), int(y * scale)
    right, bottom = round((x + width) * scale), round((y + height) * scale)
    return whole.pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
