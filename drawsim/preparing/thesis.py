"""The step `thesis`: a data folder of the original project becomes a collection."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from drawsim.collection.problems import raise_problems
from drawsim.collection.splits import SETS, assert_disjoint, read_split
from drawsim.collection.summary import Summary
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.common.opening import is_there
from drawsim.common.progress import progress_bar
from drawsim.preparing.listing import list_roots
from drawsim.preparing.renewal import IMAGE, PAIR, renew_whole
from drawsim.preparing.rewriting import rewrite, would_lose
from drawsim.preparing.thesis_tables import ThesisTables, read_thesis, reroot
from drawsim.preparing.unpickling import read_array

if TYPE_CHECKING:
    from drawsim.retrieval.embeddings import Embeddings

UNIT = 1e-3
"""By how much the length of a unit vector may be off: float16 files are."""


def prepare_thesis(source: Path, out: Path, workers: int, *, images: str | None) -> Summary:
    """Write the tables, splits and embeddings of a data folder as a collection.

    images: the folder that the paths of the tables start from; None: `source`, if it has them, else
    the paths stay as they are. Writes drawings.csv, artworks.csv, pairs.csv, left_out.csv,
    `splits/v0.csv` …, and `embeddings/<name>.safetensors` with its ids for every .npy of ids and
    vectors; other .npy files are named. Raises UserError, and writes nothing, for tables that
    cannot be used, for a uid2path pickle that holds more than a table of texts, and if `out` holds
    what would be lost.
    """
    if source.resolve() == out.resolve():
        raise UserError(f"out={out}: choose another folder than the source, such as out=thesis")
    tables = read_thesis(source)
    summary = Summary(read=tables.read, notes=tables.notes)
    _find_images(tables, source, images, out, summary)
    written = {
        out / "drawings.csv": (tables.drawings, ("id",)),
        out / "artworks.csv": (tables.artworks, ("id",)),
        out / "pairs.csv": (tables.pairs, ("drawing_id", "artwork_id", "pair")),
        **{
            out / "splits" / f"{version}.csv": (split, ("drawing_id", "artwork_id", "set"))
            for version, split in tables.splits.items()
        },
    }
    lost = [
        problem
        for path, (table, keys) in written.items()
        for problem in would_lose(path, table, keys)
    ]
    raise_problems(f"{out} holds what {source} does not", lost)

    changed = [
        renew_whole(path, table, IMAGE if "path" in table.columns else PAIR, summary)
        for path, (table, _) in written.items()
    ]
    changed.append(rewrite(tables.left_out, out / "left_out.csv"))
    named = source if images is None else Path(images)
    list_roots(summary, out, pd.concat([tables.drawings, tables.artworks])["path"], named)
    summary.files += [*written, out / "left_out.csv"]
    if any(changed):
        summary.made |= _count(tables, out)
    else:
        summary.skipped |= {f"{what} (as before)": n for what, n in _count(tables, out).items()}
    _account_left_out(tables.left_out, summary)
    _import_embeddings(source, out, tables, summary)
    return summary


def read_embeddings(path: Path) -> Embeddings:
    """The embeddings in an N×2 array of objects, ids and vectors, as the original project has them.

    Vectors keep their values, as float32; if they are not of unit length, they are made so. Raises
    UserError for anything else.
    """
    import torch

    from drawsim.retrieval.embeddings import Embeddings

    array = read_array(path)
    if array.dtype != object or array.ndim != 2 or array.shape[1] != 2 or not len(array):
        raise UserError(f"{path}: not a table of ids and vectors")
    ids = array[:, 0].tolist()
    if not all(isinstance(name, str) for name in ids) or len(set(ids)) < len(ids):
        raise UserError(f"{path}: its ids are not distinct texts")
    rows = [np.ravel(vector) for vector in array[:, 1]]
    if len({row.shape for row in rows}) > 1 or rows[0].dtype.kind != "f":
        raise UserError(f"{path}: its vectors are not floats of one length")
    vectors = np.stack(rows).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise UserError(f"{path}: it has vectors without a direction")
    if np.abs(lengths - 1).max() > UNIT:
        vectors /= lengths
    return Embeddings(ids, torch.from_numpy(vectors))


def _find_images(
    tables: ThesisTables, source: Path, images: str | None, out: Path, summary: Summary
) -> None:
    """Make the paths of the tables lead from `out` to the images, where there are any."""
    folder = source if images is None else Path(images)
    rooted = {
        kind: reroot(table["path"], folder, out)
        for kind, table in (("drawings", tables.drawings), ("artworks", tables.artworks))
    }
    if images is not None and all(paths is None for paths in rooted.values()):
        example = tables.drawings["path"].iloc[0]
        raise UserError(
            f"step.images={images}: none of the images is there, e.g. {example}, nor without its "
            "leading folders"
        )
    lacking = [kind for kind, paths in rooted.items() if paths is None]
    if lacking:
        summary.notes.append(
            f"no images of {' and '.join(lacking)} in {folder}: their paths stay as they are; to "
            "train on them, run the step again with step.images=FOLDER"
        )
    for kind, table in (("drawings", tables.drawings), ("artworks", tables.artworks)):
        paths = rooted[kind]
        if paths is None:
            continue
        table["path"] = paths
        end = out.resolve()  # not there yet, maybe: its .. are resolved without it
        absent = [path for path in paths if not is_there(os.path.normpath(end / path))]
        if absent:
            summary.notes.append(
                f"images of {kind} that are not there: {len(absent)} of {len(paths)}, e.g. "
                f"{absent[0]}"
            )


def _count(tables: ThesisTables, out: Path) -> dict[str, int]:
    """Read the collection back, with every split, and count it."""
    collection = Collection.open(out)
    copies = int((tables.drawings["parent"] != "").sum())
    counts = {
        "drawings": len(collection.drawings) - copies,
        "style copies of drawings": copies,
        "artworks": len(collection.artworks),
    }
    false = collection.pairs[~collection.pairs["pair"]]
    for name, pairs in (("true", collection.true_pairs), ("false", false)):
        originals = int((pairs["drawing_id"] == pairs["parent"]).sum())
        counts[f"{name} pairs, and {len(pairs) - originals} of style copies"] = originals
    for version in tables.splits:
        path = out / "splits" / f"{version}.csv"
        split = read_split(path, collection)
        assert_disjoint(split, str(path))
        sets = split.loc[split["drawing_id"] == split["parent"], "set"].value_counts()
        shown = ", ".join(f"{sets.get(name, 0)} {name}" for name in SETS)
        counts[f"pairs in {version}: {shown}"] = int(sets.sum())
    return counts


def _account_left_out(left_out: pd.DataFrame, summary: Summary) -> None:
    for (file, reason), rows in left_out.groupby(["file", "reason"]):
        summary.skipped[f"rows of {file}: {reason}"] = len(rows)
    if len(left_out):
        first = left_out.iloc[0]
        summary.notes.append(
            f"rows left out and listed in left_out.csv: {len(left_out)}, e.g. {first['file']}, "
            f"row {first['row']}: {first['drawing_id']!r} with {first['artwork_id']!r}: "
            f"{first['reason']}"
        )


def _import_embeddings(source: Path, out: Path, tables: ThesisTables, summary: Summary) -> None:
    """Write every .npy of ids and vectors as embeddings; say which others there are, and why."""
    files = sorted(source.rglob("*.npy"))
    if not files:
        return
    known = {*tables.drawings["id"], *tables.artworks["id"]}
    with progress_bar("importing embeddings", len(files)) as advance:
        for file in files:
            advance()
            try:
                embeddings = read_embeddings(file)
            except UserError as error:
                summary.skipped["embedding files"] = summary.skipped.get("embedding files", 0) + 1
                summary.notes.append(str(error))
                continue
            target = out / "embeddings" / f"{file.stem}.safetensors"
            shown = f"embeddings in {target.name}"
            if target in summary.files:
                raise UserError(f"{file}: there is another {file.name}; rename one of the two")
            if _is_saved(embeddings, target):
                summary.skipped[f"{shown} (as before)"] = len(embeddings.ids)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                embeddings.save(target, {"imported_from": file.name})
                summary.made[shown] = len(embeddings.ids)
            summary.files.append(target)
            strange = [name for name in embeddings.ids if name not in known]
            if strange:
                summary.notes.append(
                    f"{file.name}: ids in no table: {len(strange)} of {len(embeddings.ids)}, e.g. "
                    f"{strange[0]!r}"
                )


def _is_saved(embeddings: Embeddings, path: Path) -> bool:
    from drawsim.retrieval.embeddings import load_embeddings

    try:
        old = load_embeddings(path)
    except UserError:  # missing or damaged
        return False
    return list(old.ids) == list(embeddings.ids) and old.vectors.equal(embeddings.vectors)
