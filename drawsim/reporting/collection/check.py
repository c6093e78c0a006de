"""Everything wrong with a collection, counted, in tables and on a page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.collection.problems import Problem
from drawsim.common.remote import located
from drawsim.pixels.inspection import SEPARATOR, Inspection, groups_of
from drawsim.reporting.collection.publishing import Publishing, publishing_of
from drawsim.reporting.duplicates.groups import in_order_of_sections, picture_groups, sections
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.pages import environment
from drawsim.reporting.kit.thumbnails import SIDE

SIDES = (0, 128, 256, 512, 1024, 2048, 4096)
"""Longer sides in pixels at which the classes of sizes begin."""

WHAT = {
    "drawing": ("drawing", "drawings"),
    "copy": ("style copy", "style copies"),
    "artwork": ("artwork", "artworks"),
}
"""What images are counted as, in check.json and, one and many, for people."""

LISTED = 500  # problems on the page


def count(found: Inspection) -> dict[str, Any]:
    """What check.json holds: images by what they are, pairs, problems by file, duplicates.

    Style copies are counted apart from drawings, and their pairs from those of originals.
    """
    kinds: dict[str, Any] = {}
    what = found.images["kind"].where(found.images["parent"] == "", "copy")
    for kind in WHAT:
        images = found.images[what == kind]
        sound = images[images["problem"] == ""]
        width, height = sound["width"].astype(int), sound["height"].astype(int)
        longer = pd.concat([width, height], axis=1).max(axis=1)
        classes = pd.cut(longer, [*SIDES, float("inf")], right=False).value_counts(sort=False)
        kinds[kind] = {
            "images": len(images),
            "unusable": len(images) - len(sound),
            "gray": int((sound["mode"] == "gray").sum()),
            "colour": int((sound["mode"] == "colour").sum()),
            "bytes": int(sound["bytes"].astype(int).sum()),
            "median_width": float(width.median()) if len(sound) else None,
            "median_height": float(height.median()) if len(sound) else None,
            "longer_side_from": dict(zip(map(str, SIDES), classes.tolist(), strict=True)),
        }
    of_originals = found.pairs["drawing_id"] == found.pairs["parent"]
    pairs = found.pairs[of_originals]
    same = int(found.duplicates["same_bytes"].sum())
    return {
        **kinds,
        "pairs": len(pairs),
        "true_pairs": int(pairs["pair"].sum()),
        "pairs_of_copies": len(found.pairs) - len(pairs),
        "drawings_like_artworks": len(like_artworks(found)),
        "problems": dict(Counter(problem.file for problem in found.problems)),
        "duplicates": {
            "have the same bytes": same,
            "look the same": len(found.duplicates) - same,
        },
    }


def like_artworks(found: Inspection) -> dict[str, str]:
    """Drawings that are the same picture as an artwork, or nearly, and that artwork."""
    originals = set(found.images.loc[found.images["parent"] == "", "id"])
    copies: dict[str, str] = {}
    for group in groups_of(found.duplicates):
        artworks = [name for kind, name in group if kind == "artwork"]
        drawings = [name for kind, name in group if kind == "drawing" and name in originals]
        copies |= dict.fromkeys(drawings, artworks[0]) if artworks else {}
    return copies


def said_of_images(found: Inspection) -> dict[str, list[str]]:
    """What is to be known of images that are sound, and the ids of those of which it is so."""
    said: dict[str, list[str]] = {}
    for name, note in zip(found.images["id"], found.images["note"], strict=True):
        for clause in str(note).split(SEPARATOR) if note else ():
            said.setdefault(clause, []).append(str(name))
    return said


def listed(counts: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What there is, as in WHAT: style copies only where there are any."""
    return {kind: names for kind, names in WHAT.items() if kind != "copy" or counts[kind]["images"]}


def problems_table(problems: list[Problem]) -> pd.DataFrame:
    """The problems as problems.csv has them."""
    rows = [(p.file, "" if p.row is None else str(p.row), p.what, p.cure) for p in problems]
    return pd.DataFrame(rows, columns=["file", "row", "problem", "cure"])


def publishing(found: Inspection) -> Publishing:
    """Which of the pictures may be published."""
    copies = found.images.loc[found.images["parent"] != "", "id"]
    return publishing_of(found.tables, set(copies))


def render(found: Inspection, counts: dict[str, Any], root: Path, pictured: int) -> str:
    """The page as HTML, the same for the same findings."""
    images = zip(*(found.images[column] for column in ("kind", "id", "path")), strict=True)
    files = {(kind, name): located(path, root) for kind, name, path in images}
    groups = in_order_of_sections(groups_of(found.duplicates))
    pictures = picture_groups(groups, files, pictured)
    return (
        environment()
        .get_template("collection/templates/check.html.j2")
        .render(
            name=root.resolve().name,
            counts=counts,
            kinds=listed(counts),
            sides=list(zip(SIDES, [*SIDES[1:], None], strict=True)),
            problems=found.problems[:LISTED],
            total=len(found.problems),
            readings={path.name: said for path, said in found.problems.notes.items()},
            images_said=said_of_images(found),
            publishing=publishing(found),
            groups=pictures.groups,
            shown=len(pictures.shown),
            sections=sections(pictures),
            symbol=pictures.symbol,
            captions=Captions(found.tables),
            sheet=pictures.sheet,
            side=SIDE,
        )
    )
