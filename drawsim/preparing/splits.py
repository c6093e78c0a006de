"""The step `splits`: train, val and test of a collection, and what looks alike across them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from drawsim.collection.csv_files import write_csv
from drawsim.collection.folds import (
    By,
    SplitFile,
    TakenOut,
    fold_splits,
    ratio_splits,
    thesis_splits,
)
from drawsim.collection.ids import among
from drawsim.collection.kinds import KINDS
from drawsim.collection.splits import (
    NEAR_DUPLICATES,
    SETS,
    Set,
    assert_disjoint,
    assert_filled,
    read_split,
    split_files,
)
from drawsim.collection.summary import Summary
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError, nearest
from drawsim.common.words import counted, first_of
from drawsim.preparing.entered import Entered
from drawsim.preparing.renewal import note_taken_out
from drawsim.preparing.rewriting import rewrite
from drawsim.retrieval.analysis.duplicates import (
    Image,
    across_sets,
    check_nearness,
    find_duplicates,
)
from drawsim.retrieval.embeddings import Embeddings, kind_path, load_embeddings

log = logging.getLogger("drawsim.prepare")

Rule = Literal["thesis", "ratios", "kfold"]


@dataclass(frozen=True)
class Nearness:
    """When two images are near-duplicates: bits of hash apart, or cosine of their embeddings."""

    distance: int
    embeddings: Path | None
    similarity: float


def prepare_splits(
    source: Path,
    out: Path,
    workers: int,
    *,
    rule: Rule,
    versions: int,
    folds: int,
    ratios: Sequence[float],
    by: By,
    duplicates: bool,
    distance: int,
    embeddings: str | None,
    similarity: float,
) -> Summary:
    """Make the splits of a collection by a rule, or extend those that are there.

    Writes `out/splits/<name>.csv` where something is new, and `out/splits/near_duplicates.csv`:
    near-duplicate images of different sets, for every split of the folder, by perceptual hash and,
    where `embeddings` names some (`<embeddings>.drawings.safetensors` and so on), by a cosine of at
    least `similarity`. All splits are made and checked before the first is written.

    Raises UserError for a collection or an old split that cannot be used, and if a set of a new one
    would have no pairs, though its share is not 0.
    """
    if rule not in get_args(Rule):
        raise UserError(f"step.rule={rule}: {nearest(rule, get_args(Rule))}")
    check_nearness(distance, similarity)
    collection = Collection.open(source)
    folder = out / "splits"
    log.info("making splits of %s", counted(len(collection.true_pairs), "confirmed pair"))
    gone = _taken_out(collection, out)
    if rule == "kfold":
        files = fold_splits(collection, folder, folds, gone)
    elif rule == "ratios":
        files = ratio_splits(collection, folder, versions, ratios, by, gone)
    else:
        files = thesis_splits(collection, folder, versions, gone)
    for file in files:
        assert_disjoint(file.split, str(file.path))
        new = file.added == len(file.split)
        assert_filled(file.split, str(file.path), _needed(rule, ratios) if new else ())

    summary = Summary(files=[file.path for file in files])
    summary.read["true pairs of original drawings"] = len(_originals(collection.true_pairs))
    for file in files:
        if file.added:
            write_csv(file.table, file.path)
        own = gone.get(file.name, set())
        _record(out, file.name).remember([*_keys(file.split), *own])
        _account(file, summary)
        removed = [f"{drawing} with {artwork}" for drawing, artwork in sorted(own)]
        note_taken_out(summary, f"splits/{file.path.name}", removed)
    _report_conflicts(files, summary)
    if duplicates:
        near = Nearness(distance, Path(embeddings) if embeddings else None, similarity)
        _report_duplicates(collection, out, near, workers, summary)
    return summary


def _taken_out(collection: Collection, out: Path) -> TakenOut:
    """The confirmed pairs that people took out of each split, by its name."""
    true = set(_keys(collection.true_pairs))
    gone = {}
    for path in split_files(out):
        rows = _record(out, path.stem).taken_out(_keys(read_split(path, collection)))
        gone[path.stem] = {(drawing, artwork) for drawing, artwork in rows} & true
    return gone


def _record(out: Path, name: str) -> Entered:
    return Entered(out, f"splits/{name}.csv", ("drawing_id", "artwork_id"))


def _keys(pairs: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(pairs["drawing_id"], pairs["artwork_id"], strict=True))


def _needed(rule: Rule, ratios: Sequence[float]) -> tuple[Set, ...]:
    """The sets that a new split must fill."""
    if rule != "ratios":
        return SETS
    return tuple(name for name, share in zip(SETS, ratios, strict=True) if share)


def _account(file: SplitFile, summary: Summary) -> None:
    """Count a split's pairs by set, and those that are not confirmed."""
    counts = _originals(file.split)["set"].value_counts()
    shown = ", ".join(f"{counts.get(name, 0)} {name}" for name in SETS)
    if not file.added:
        summary.skipped[f"pairs in {file.name}: {shown} (as before)"] = int(counts.sum())
    elif file.added == len(file.split):
        summary.made[f"pairs in {file.name}: {shown}"] = int(counts.sum())
    else:
        rows = counted(file.added, "row")
        summary.made[f"pairs in {file.name}: {shown} ({rows} added)"] = int(counts.sum())
    if file.unconfirmed:
        summary.notes.append(
            f"{file.path.name}: pairs that pairs.csv does not confirm (any more): "
            f"{file.unconfirmed}; delete the file to have the split made anew"
        )


def _report_conflicts(files: list[SplitFile], summary: Summary) -> None:
    """Name the pairs that no split can take, and the sets that they would join."""
    conflicts = pd.concat([file.conflicts.assign(split=file.name) for file in files])
    if conflicts.empty:
        return
    groups = conflicts.groupby(["drawing_id", "artwork_id", "parts"], sort=False)
    shown = [
        f"{drawing!r} with {artwork!r} ({parts} of {', '.join(some['split'])})"
        for (drawing, artwork, parts), some in groups
    ]
    pairs = conflicts.drop_duplicates(["drawing_id", "artwork_id"])
    summary.skipped["pairs that would join sets"] = len(pairs)
    summary.notes.append(
        f"left out, for they would join what is kept apart: {first_of(shown, separator='; ')}"
    )


def _report_duplicates(
    collection: Collection, out: Path, near: Nearness, workers: int, summary: Summary
) -> None:
    """Write and count near-duplicate images that some split has in different sets."""
    splits = {path.stem: _originals(read_split(path, collection)) for path in split_files(out)}
    rows = pd.concat(splits.values())
    drawings = collection.drawings.index[among(collection.drawings.index, rows["drawing_id"])]
    artworks = collection.artworks.index[among(collection.artworks.index, rows["artwork_id"])]
    paths = {
        **{("drawing", name): path for name, path in collection.paths("drawing", drawings).items()},
        **{("artwork", name): path for name, path in collection.paths("artwork", artworks).items()},
    }
    present = {image: path for image, path in paths.items() if path.is_file()}
    if len(present) < len(paths):
        absent = next(path for image, path in paths.items() if image not in present)
        summary.notes.append(
            "images of pairs that are not there and were not compared: "
            f"{len(paths) - len(present)} of {len(paths)}, e.g. {absent}"
        )
    if not present:
        return
    log.info("comparing %s of pairs, for those that look alike", counted(len(present), "image"))
    pairs = _alike(present, near, workers)
    tables = [across_sets(name, split, pairs) for name, split in splits.items()]
    table = pd.concat(tables, ignore_index=True)
    path = out / "splits" / NEAR_DUPLICATES
    if rewrite(table, path):
        summary.made["near-duplicates across sets, over all splits"] = len(table)
    else:
        summary.skipped["near-duplicates across sets, over all splits (as before)"] = len(table)
    summary.files.append(path)
    summary.read["images compared"] = len(present)
    if len(table):
        groups = table.groupby(["first_kind", "first", "second_kind", "second"], sort=False)
        shown = [
            f"{first_kind} {first!r} and {second_kind} {second!r} (in {', '.join(some['split'])})"
            for (first_kind, first, second_kind, second), some in groups
        ]
        told = first_of(shown, separator="; ")
        summary.notes.append(f"look alike and are in different sets: {told}")


def _alike(present: Mapping[Image, Path], near: Nearness, workers: int) -> pd.DataFrame:
    """Near-duplicates as `find_duplicates` gives them, distance and cosine as texts."""
    embeddings: dict[str, Embeddings] | None = None
    if near.embeddings is not None:
        prefix = near.embeddings
        embeddings = {kind: load_embeddings(kind_path(prefix, kind)) for kind in KINDS}
        if not any(name in embeddings[kind].rows for kind, name in present):
            raise UserError(f"step.embeddings={prefix}: holds none of the images in pairs")
    pairs = find_duplicates(
        present,
        distance=near.distance,
        workers=workers,
        embeddings=embeddings,
        similarity=near.similarity,
    )
    cosines = pairs["cosine"].map("{:.4f}".format, na_action="ignore").fillna("")
    return pairs.assign(distance=pairs["distance"].astype(str).replace("<NA>", ""), cosine=cosines)


def _originals(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs[pairs["drawing_id"] == pairs["parent"]]
