"""What an evaluation looks at: embedding files or a run folder, with pairs and a split."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import as_listed
from drawsim.collection.kinds import KINDS
from drawsim.collection.pairs import read_pairs, with_parents
from drawsim.collection.problems import Problems, raise_problems
from drawsim.collection.splits import assert_disjoint, read_split
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings, kind_path, load_embeddings
from drawsim.retrieval.index.gallery import read_metadata
from drawsim.retrieval.reranking.base import Pictures
from drawsim.retrieval.reranking.chain import Chain
from drawsim.runs.folder import read_record
from drawsim.runs.settings import CONFIG, data_root, read_values
from drawsim.runs.stages import ADAPTED, FINAL, KEPT, UNADAPTED, embeddings_of_stages


@dataclass(frozen=True)
class Embedded:
    """One embedding of drawings and artworks, under the name that the results give it.

    made_by: what made it, as its files say; empty where they do not. reranker: looks at the lists
    again, at the pictures that `pictures` finds for the ids of drawings and of artworks, if it
    does.
    """

    name: str
    drawings: Embeddings
    artworks: Embeddings
    made_by: Mapping[str, str] = field(default_factory=dict)
    reranker: Chain | None = None
    pictures: Callable[[Sequence[str], Sequence[str]], Pictures] | None = None


@dataclass(frozen=True)
class Inputs:
    """models: one, or the stages of one, which may hold further drawings without a pair.

    collection: drawings and artworks that are embedded, with what is known about them, and pairs;
    its images may be absent. split: as `read_split` gives it. absent: pairs that name an id without
    an embedding, which count as not found in the protocol `thesis` and are left out otherwise;
    style copies, of which none is needed, are not among them. record: the `metrics.json` of the run
    whose model it is, empty where there is none. source: what is evaluated: the study and name of a
    run, or the files. split_name: what its split is called. Both may be empty.
    """

    models: tuple[Embedded, ...]
    collection: Collection
    split: pd.DataFrame
    absent: pd.DataFrame
    record: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    split_name: str = ""


def from_files(
    queries: Path, gallery: Path, pairs: Path | None, split: Path, root: Path | None
) -> Inputs:
    """Embeddings of drawings and of artworks, a split, and a table of pairs.

    pairs: None takes the split's own. root: the collection's folder, for what else is known about
    drawings and artworks.
    """
    model = _of_files("embeddings", queries, gallery)
    found = _assemble((model,), _pairs(pairs, split), split, root)
    return replace(found, source=f"{queries.name}, {gallery.name}", split_name=split.stem)


def from_run(run: Path, root: Path | None) -> Inputs:
    """A run's embeddings by the stages of its model, the plain network first, and its split.

    root: the collection's folder, where it is no longer what the run's configuration says.
    """
    if not (run / "split.csv").is_file():
        raise UserError(f"{run}: no run folder (no split.csv in it). Give run=runs/STUDY/NAME.")
    record = read_record(run)
    there = [one for one in KEPT if _files(run, one)[0].is_file()]
    if not there:
        raise UserError(f"{run}: no embeddings in it; the run ended before its baseline was made.")
    left_out = {one["stage"] for one in record.get("decisions") or () if not one["kept"]}
    found = embeddings_of_stages(
        there,
        adapted=UNADAPTED in there and ADAPTED not in left_out,
        learnt=FINAL in there and record.get("best_epoch") != 0,
    )
    if FINAL in there:  # as it was embedded last, whether anything was learnt or not
        found[list(found)[-1]] = FINAL
    models = tuple(_of_files(stage, *_files(run, own)) for stage, own in found.items())
    split = run / "split.csv"
    whole = _assemble(models, _pairs(None, split), split, root or run_data(run))
    return replace(whole, record=record, source=run_name(run), split_name=run_split(run))


def _files(run: Path, embeddings: str) -> tuple[Path, ...]:
    """The files of a run's embeddings, of drawings and of artworks."""
    return tuple(kind_path(run / "embeddings" / embeddings, kind) for kind in KINDS)


def _of_files(name: str, drawings: Path, artworks: Path) -> Embedded:
    embeddings = (read_embeddings(drawings), read_embeddings(artworks))
    return Embedded(name, *embeddings, {} if artworks.suffix == ".npz" else read_metadata(artworks))


def _pairs(file: Path | None, split: Path) -> pd.DataFrame:
    """The confirmed pairs of a table of pairs, or those of a split."""
    problems = Problems()
    if file is None:
        pairs = with_parents(read_csv(split, ("drawing_id", "artwork_id"), problems))
    else:
        pairs = read_pairs(file, problems)
        pairs = pairs[pairs["pair"]]
    raise_problems(f"{file or split} cannot be used", problems)
    return pairs.assign(pair=True).drop_duplicates(["drawing_id", "artwork_id"])


def run_data(run: Path) -> Path | None:
    """The folder of the collection that a run was trained on, if it is still there."""
    return data_root(read_values(run)) if (run / CONFIG).is_file() else None


def run_name(run: Path) -> str:
    """The study and the name of a run, as its folder says them."""
    return "/".join(run.resolve().parts[-2:])


def run_split(run: Path) -> str:
    """What the split of a run is called; empty where its configuration does not say."""
    split = read_values(run).get("split") if (run / CONFIG).is_file() else None
    return str(split.get("name", "")) if isinstance(split, Mapping) else ""


def read_embeddings(path: Path) -> Embeddings:
    """Embeddings from `<name>.safetensors`, or from an `.npz` with `ids` (text) and `vectors`.

    Returns float32 or, where the file has it, float64. Raises UserError for a file that is missing,
    damaged or without these arrays, for ids that come twice and for vectors that are not finite.
    """
    embeddings = _read_npz(path) if path.suffix == ".npz" else load_embeddings(path)
    vectors = embeddings.vectors
    if not vectors.is_floating_point() or vectors.ndim != 2:
        raise UserError(f"{path}: vectors must be a matrix of floating-point numbers.")
    if len(set(embeddings.ids)) < len(embeddings.ids):
        raise UserError(f"{path}: some ids come twice; keep one vector of each.")
    if not bool(torch.isfinite(vectors).all()):
        raise UserError(f"{path}: some vectors hold nan or infinity; embed again.")
    return Embeddings(
        embeddings.ids, vectors if vectors.dtype == torch.float64 else vectors.float()
    )


def _read_npz(path: Path) -> Embeddings:
    if not path.is_file():
        raise UserError(f"{path}: no such file.")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            ids, vectors = arrays["ids"], arrays["vectors"]
    except KeyError as error:
        raise UserError(f"{path}: it must have the arrays ids and vectors.") from error
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not an .npz of ids (text) and vectors: {error}") from error
    if len(ids) != len(vectors):
        raise UserError(f"{path}: {len(vectors)} vectors but {len(ids)} ids.")
    return Embeddings([str(name) for name in ids], torch.from_numpy(vectors))


def _assemble(
    models: tuple[Embedded, ...], pairs: pd.DataFrame, split_file: Path, root: Path | None
) -> Inputs:
    drawings, artworks = models[0].drawings.ids, models[0].artworks.ids
    pairs = _spelt(pairs, drawings, artworks)
    known = pairs["drawing_id"].isin(drawings) & pairs["artwork_id"].isin(artworks)
    if not known.any():
        raise UserError(
            "no pair names a drawing and an artwork that have embeddings. Are these the ids of "
            f"this collection? {drawings[0]!r}, {artworks[0]!r}"
        )
    collection = Collection(
        root or Path(),
        _described([*drawings, *pairs["drawing_id"]], root, "drawings.csv"),
        _described([*artworks, *pairs["artwork_id"]], root, "artworks.csv"),
        pairs[known].reset_index(drop=True),
    )
    split = read_split(split_file, collection)
    assert_disjoint(split, str(split_file))
    embedded = split["drawing_id"].isin(drawings) & split["artwork_id"].isin(artworks)
    return Inputs(
        models,
        replace(
            collection,
            drawings=collection.drawings.loc[list(drawings)],
            artworks=collection.artworks.loc[list(artworks)],
        ),
        split[embedded].reset_index(drop=True),
        absent=pairs[~known & (pairs["drawing_id"] == pairs["parent"])].reset_index(drop=True),
    )


def _spelt(pairs: pd.DataFrame, drawings: Sequence[str], artworks: Sequence[str]) -> pd.DataFrame:
    """The pairs with their ids as the embeddings spell them."""
    listed = {"drawing_id": drawings, "artwork_id": artworks, "parent": drawings}
    return pairs.assign(**{name: as_listed(pairs[name], ids) for name, ids in listed.items()})


def _described(ids: Sequence[str], root: Path | None, file: str) -> pd.DataFrame:
    """The rows of a collection's table for these ids, empty where it says nothing."""
    table = pd.DataFrame(index=pd.Index(dict.fromkeys(ids), name="id"))
    if root is None or not (root / file).is_file():
        return table.assign(path="")
    problems = Problems()
    known = read_csv(root / file, ("id", "path"), problems)
    raise_problems(f"{root / file} cannot be used", problems)
    known = known.assign(id=as_listed(known["id"], table.index))
    return table.join(known.drop_duplicates("id").set_index("id")).fillna("")
