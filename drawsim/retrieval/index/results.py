"""What is known about results of a search: tables with pictures, known pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from drawsim.collection.ids import IdList
from drawsim.collection.kinds import KINDS
from drawsim.collection.pairs import read_pairs
from drawsim.collection.paths import Places
from drawsim.collection.problems import Problems
from drawsim.common.errors import UserError
from drawsim.retrieval.analysis.calibration import LIST, Calibration, Chance
from drawsim.retrieval.index.folder import Index
from drawsim.retrieval.index.gallery import UNKNOWN, EmbeddingModel
from drawsim.retrieval.index.queries import Hits


def picture(index: Index, kind: str, name: str, places: Places | None = None) -> Path | None:
    """The image file of a drawing or artwork of the index, if its collection is known.

    places: of the collection, for those who ask for many. Raises UserError for a path that leaves
    the collection, and as `Places.of` does.
    """
    table = index.part(kind).table
    if index.collection is None or "path" not in table.columns or name not in table.index:
        return None
    path = str(table.at[name, "path"])
    return (places or Places.of(index.collection)).resolve(path) if path else None


def result_table(found: Hits, row: int, indexes: Sequence[Index]) -> pd.DataFrame:
    """The results of one query, best first: `rank`, `id`, `score`, `kind`, `path`, and metadata.

    row: which of the queries. path: of the image file, empty where it is not known. Columns of the
    collection whose names are taken get the kind before theirs.
    """
    one = slice(row, row + 1)
    own = replace(found, queries=found.queries[one], ids=found.ids[one], scores=found.scores[one])
    metadata = pd.concat([index.part(found.kind).table for index in indexes])
    taken = {name: f"{found.kind}_{name}" for name in ("kind", "known", "cosine", "spatial")}
    metadata = metadata[~metadata.index.duplicated()].rename(columns=taken)
    table = own.table(metadata).drop(columns="query").reset_index(drop=True)
    files = [
        next(filter(None, (picture(index, found.kind, name) for index in indexes)), None)
        for name in table["id"]
    ]
    return table.assign(kind=found.kind, path=["" if file is None else str(file) for file in files])


def known_pairs(
    index: Index, kind: str, asked: Mapping[str, Iterable[str]], results: Iterable[str]
) -> list[bool]:
    """Which results, of a kind, are confirmed pairs of an image that was looked for.

    asked: ids by kind. Nothing is known without the collection's pairs.csv. Raises UserError if
    that cannot be read.
    """
    results = list(results)
    other = "drawing" if kind == "artwork" else "artwork"
    partners = set().union(*confirmed(index, other, asked.get(other, ()), results).values())
    return [name in partners for name in results]


def confirmed(
    index: Index, kind: str, names: Iterable[str], others: Iterable[str] = ()
) -> dict[str, set[str]]:
    """The confirmed partners of images of a kind, only where there are any.

    others: ids of the other kind that may not be in the index. Nothing is known without the
    collection's pairs.csv. Raises UserError if that cannot be read.
    """
    file = None if index.collection is None else index.collection / "pairs.csv"
    wanted = set(names)
    other = "drawing" if kind == "artwork" else "artwork"
    if file is None or not file.is_file() or not wanted:
        return {}
    problems = Problems()
    named: dict[str, Iterable[str]] = {kind: wanted, other: others}
    parts = {own: part.embeddings.ids for own, part in index.parts.items()}
    listed = {own: IdList([*parts.get(own, ()), *named[own]]) for own in KINDS}
    pairs = read_pairs(file, problems, listed)
    if problems:
        raise UserError(f"{file}: cannot be read; {problems[0]}")
    own = pairs[pairs["pair"] & pairs[f"{kind}_id"].isin(wanted)]
    found: dict[str, set[str]] = {}
    for one, two in zip(own[f"{kind}_id"], own[f"{other}_id"], strict=True):
        found.setdefault(one, set()).add(two)
    return found


def check_calibration(calibration: Calibration, model: EmbeddingModel) -> None:
    """Raise UserError if a calibration is of another model than some embeddings."""
    said = calibration.made_with
    own = model.metadata()
    for key in ("weights_sha256", "transform", "adaptation_sha256", "reading"):
        told = (said.get(key, UNKNOWN), own[key])
        if UNKNOWN not in told and told[0] != told[1]:
            raise UserError(
                f"calibration: fitted with another model ({key} {said[key][:40]}) than the "
                f"embeddings, {model}; fit it again"
            )


def top_chances(found: Hits, index: Index, calibration: Calibration) -> list[Chance | None]:
    """How likely the first of each list is a true match; None for a list that is too short.

    Raises UserError if the calibration is of another model, or the lists are not of artworks.
    """
    if found.kind != "artwork":
        raise UserError("calibration: is of drawings that look for artworks: in=artworks")
    check_calibration(calibration, index.model)
    if found.scores.shape[1] < LIST:
        return [None] * len(found.queries)
    scores = found.scores[:, :LIST]
    short = np.isnan(scores).any(axis=1)
    chances = calibration.chances(torch.from_numpy(np.nan_to_num(scores)))
    return [
        None if missing else chance for chance, missing in zip(chances, short.tolist(), strict=True)
    ]
