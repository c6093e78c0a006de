"""The step `check`: everything wrong with a collection, in tables and on a page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.collection.rewriting import rewrite
from drawsim.collection.summary import Summary
from drawsim.collection.tables import Problem, raise_problems
from drawsim.errors import UserError
from drawsim.files import write_json, write_text
from drawsim.pixels.inspection import KINDS, Inspection, groups_of, inspect_collection
from drawsim.reporting.duplicate_groups import picture_groups
from drawsim.reporting.pages import environment
from drawsim.reporting.thumbnails import SIDE

SIDES = (0, 128, 256, 512, 1024, 2048, 4096)
"""Longer sides in pixels at which the classes of sizes begin."""

LISTED = 500  # problems on the page


def prepare_check(
    source: Path, out: Path, workers: int, *, distance: int, pictured: int, max_pixels: int
) -> Summary:
    """Look at every table and every image of a collection; write what was found to `out/check`.

    Writes problems.csv, images.csv (one row an image), duplicates.csv, check.json (the counts) and
    report.html. Raises UserError that lists the problems if there are any: after writing.
    """
    if pictured < 0:
        raise UserError(f"step.pictured={pictured}: must be 0 or more")
    found = inspect_collection(source, distance=distance, max_pixels=max_pixels, workers=workers)
    counts = count(found)
    folder = out / "check"
    names = ("report.html", "check.json", "problems.csv", "images.csv", "duplicates.csv")
    files = [folder / name for name in names]
    write_text(files[0], render(found, counts, source, pictured))
    write_json(files[1], counts)
    rewrite(problems_table(found.problems), files[2])
    rewrite(found.images, files[3])
    rewrite(found.duplicates, files[4])
    looked_at = ", ".join(f"{counts[kind]['images']:,} {kind}s" for kind in KINDS)
    raise_problems(f"{source} ({looked_at} looked at, all listed in {files[0]})", found.problems)

    summary = Summary(files=files)
    for kind in KINDS:
        own = counts[kind]
        what = f"{kind}s, all sound ({own['colour']:,} in colour, {own['gray']:,} gray)"
        summary.read[what] = own["images"]
    summary.read["pairs"] = counts["pairs"]
    for what, number in counts["duplicates"].items():
        if number:
            summary.notes.append(f"{number:,} pairs of images that {what}: see duplicates.csv")
    return summary


def count(found: Inspection) -> dict[str, Any]:
    """What check.json holds: images by kind, pairs, problems by file, duplicates."""
    kinds: dict[str, Any] = {}
    for kind in KINDS:
        images = found.images[found.images["kind"] == kind]
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
    same = int(found.duplicates["same_bytes"].sum())
    return {
        **kinds,
        "pairs": len(found.pairs),
        "true_pairs": int(found.pairs["pair"].sum()),
        "problems": dict(Counter(problem.file for problem in found.problems)),
        "duplicates": {
            "have the same bytes": same,
            "look the same": len(found.duplicates) - same,
        },
    }


def problems_table(problems: list[Problem]) -> pd.DataFrame:
    """The problems as problems.csv has them."""
    rows = [(p.file, "" if p.row is None else str(p.row), p.what, p.cure) for p in problems]
    return pd.DataFrame(rows, columns=["file", "row", "problem", "cure"])


def render(found: Inspection, counts: dict[str, Any], root: Path, pictured: int) -> str:
    """The page as HTML, the same for the same findings."""
    images = zip(*(found.images[column] for column in ("kind", "id", "path")), strict=True)
    files = {(kind, name): root / path for kind, name, path in images}
    pictures = picture_groups(groups_of(found.duplicates), files, pictured)
    return (
        environment()
        .get_template("check.html.j2")
        .render(
            name=root.resolve().name,
            counts=counts,
            kinds=list(KINDS),
            sides=list(zip(SIDES, [*SIDES[1:], None], strict=True)),
            problems=found.problems[:LISTED],
            total=len(found.problems),
            groups=pictures.groups,
            shown=pictures.shown,
            symbol=pictures.symbol,
            sheet=pictures.sheet,
            side=SIDE,
        )
    )
