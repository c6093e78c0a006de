"""Near-identical images of a collection, in groups: a page to look at, and a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import write_csv
from drawsim.collection.tables import Collection
from drawsim.common.files import write_text
from drawsim.pixels.duplicates import DISTANCE
from drawsim.pixels.inspection import groups_of
from drawsim.reporting.duplicates.groups import (
    Image,
    in_order_of_sections,
    picture_groups,
    sections,
)
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.pages import environment
from drawsim.reporting.kit.thumbnails import SIDE
from drawsim.retrieval.analysis.duplicates import find_duplicates
from drawsim.retrieval.embeddings import Embeddings


def write_duplicates(
    collection: Collection,
    out: Path,
    workers: int,
    *,
    distance: int = DISTANCE,
    embeddings: Mapping[str, Embeddings] | None = None,
    similarity: float = 0.95,
    pictured: int = 200,
) -> pd.DataFrame:
    """Compare all images of a collection; write `out/duplicates.html` and `out/duplicates.csv`.

    distance, embeddings (by kind: drawing, artwork), similarity: what counts as the same, see
    `find_duplicates`. pictured: groups shown on the page. Returns the table that was written: a
    row for each pair, with the number of its group, from 1. Raises UserError as `find_duplicates`.
    """
    files = _files(collection)
    present = {image: file for image, file in files.items() if file.is_file()}
    table = find_duplicates(
        present,
        distance=distance,
        workers=workers,
        embeddings=embeddings,
        similarity=similarity,
        parents=_parents(collection),
    )
    groups = in_order_of_sections(groups_of(table))
    number = {image: n for n, group in enumerate(groups, start=1) for image in group}
    firsts = zip(table["first_kind"], table["first"], strict=True)
    table.insert(0, "group", [number[image] for image in firsts])
    table = table.sort_values("group", kind="stable", ignore_index=True)
    pictures = picture_groups(groups, files, pictured)
    page = (
        environment()
        .get_template("duplicates/templates/duplicates.html.j2")
        .render(
            name=collection.root.resolve().name,
            compared=len(present),
            absent=len(files) - len(present),
            distance=distance,
            similarity=similarity if embeddings else None,
            table=table,
            pictures=pictures,
            captions=Captions.of(collection),
            members=sum(map(len, groups)),
            sections=sections(pictures, _captions(table)),
            sheet=pictures.sheet,
            side=SIDE,
        )
    )
    write_csv(table, out / "duplicates.csv")
    write_text(out / "duplicates.html", page)
    return table


def _files(collection: Collection) -> dict[Image, Path]:
    drawings = collection.paths("drawing", collection.drawings.index)
    return {
        **{("drawing", name): path for name, path in drawings.items()},
        **{("artwork", name): path for name, path in collection.paths("artwork").items()},
    }


def _parents(collection: Collection) -> dict[str, str]:
    """The original of each style copy, as either table has it."""
    pairs, drawings = collection.pairs, collection.drawings
    parents = dict(zip(pairs["drawing_id"], pairs["parent"], strict=True))
    if "parent" in drawings.columns:
        parents |= {str(name): parent for name, parent in drawings["parent"].items() if parent}
    return parents


def _captions(table: pd.DataFrame) -> list[str]:
    """What is said of each group."""
    return [_caption(pairs) for _, pairs in table.groupby("group", sort=True)]


def _caption(pairs: pd.DataFrame) -> str:
    """How near the images of a group are, from the nearest pair to the farthest."""
    ends = (zip(pairs[f"{end}_kind"], pairs[end], strict=True) for end in ("first", "second"))
    size = len({image for end in ends for image in end})
    words = [] if size == 2 else [f"{size:,} images"]
    bits = pairs["distance"].dropna().astype(int)
    if len(bits):
        words.append(f"{_span(str(bits.min()), str(bits.max()))} of 64 bits apart")
    cosines = pairs["cosine"].dropna()
    if len(cosines):
        words.append(f"cosine {_span(f'{cosines.min():.3f}', f'{cosines.max():.3f}')}")
    return ", ".join(words)


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} – {high}"
