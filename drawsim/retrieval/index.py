"""An index on disk: the embeddings of a collection, ready to be searched.

A folder with `index.json` and, for drawings, artworks or both, files that carry the number of the
change that wrote them: `artworks.3.safetensors` and `artworks.3.ids.csv` (unit vectors and ids),
`artworks.3.csv` (what the collection's table says about them), `artworks.3.faiss` (if they can be
searched approximately). A change writes its files, then index.json, which names them with their
sizes, and then deletes the old ones: whenever it is stopped, the folder holds the old index or the
new. One process may write at a time; any number may read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from drawsim import __version__
from drawsim.collection.tables import Collection, write_csv
from drawsim.errors import UserError, nearest
from drawsim.files import write_json
from drawsim.retrieval.ann import (
    Measured,
    Settings,
    build_ann,
    extend_ann,
    load_ann,
    save_ann,
)
from drawsim.retrieval.embeddings import Embeddings, ids_path, load_embeddings
from drawsim.retrieval.filters import offer
from drawsim.retrieval.gallery import UNKNOWN, EmbeddingModel, Gallery, check_ids
from drawsim.runs import KINDS

FORMAT = 1
MANIFEST = "index.json"
AGAIN = "build it again with drawsim index"
_OWN_FILE = re.compile(
    r"\.?(?:drawing|artwork)s\.(\d+)\.(?:safetensors|ids\.csv|csv|faiss)(?:\.\d+\.part)?"
)


@dataclass(frozen=True)
class Part:
    """The drawings or the artworks of an index.

    embeddings: memory-mapped. table: text cells, indexed by `id`, in the order of the embeddings.
    measured: how they can be searched approximately, if at all. change: the number in the names of
    their files.
    """

    kind: str
    embeddings: Embeddings
    table: pd.DataFrame
    measured: Measured | None
    folder: Path
    change: int

    @property
    def settings(self) -> Settings | None:
        """How approximate search was asked for, if at all."""
        return None if self.measured is None else self.measured.settings

    @cached_property
    def matrix(self) -> Tensor:
        """The vectors as float32, (N, d)."""
        return self.embeddings.vectors.float()

    @cached_property
    def names(self) -> npt.NDArray[np.object_]:
        """The ids and, for the row -1, an empty text: (N + 1,)."""
        return np.array([*self.embeddings.ids, ""], dtype=object)

    @cached_property
    def ann(self) -> tuple[Any, Settings]:
        """The FAISS index. Raises UserError if there is none, or FAISS is not installed."""
        if self.measured is None:
            raise UserError(
                f"{self.folder}: the {self.kind}s can be searched exactly only; search exactly, or "
                "build the index for approximate search (hnsw or ivf)"
            )
        return load_ann(self.file("faiss")), self.measured.settings

    @property
    def files(self) -> list[Path]:
        """What it consists of on disk."""
        vectors = self.file("safetensors")
        ann = [] if self.measured is None else [self.file("faiss")]
        return [vectors, ids_path(vectors), self.file("csv"), *ann]

    def file(self, ending: str) -> Path:
        """The file with this ending."""
        return self.folder / f"{self.kind}s.{self.change}.{ending}"

    def rows(self, ids: Sequence[str]) -> list[int]:
        """The row of each id. Raises UserError, with the nearest, for an id that is not there."""
        known = self.embeddings.rows
        for name in ids:
            if name not in known:
                raise UserError(f"no {self.kind} {name!r} in the index, {offer(name, known)}")
        return [known[name] for name in ids]


@dataclass(frozen=True)
class Changes:
    """How many images an addition found new, different, and as they were."""

    added: int
    replaced: int
    unchanged: int


@dataclass(frozen=True)
class Index:
    """An index as it is on disk. What changes it returns the new one.

    collection: the folder of the collection it was made from, if it was made from one. change: how
    often it was written.
    """

    folder: Path
    model: EmbeddingModel
    collection: Path | None
    change: int
    parts: Mapping[str, Part]

    def part(self, kind: str) -> Part:
        """The drawings or the artworks (kind: drawing, artwork). Raises UserError if not held."""
        if kind not in self.parts:
            held = " and ".join(f"{name}s" for name in self.parts)
            raise UserError(f"{self.folder}: holds {held}, no {kind}s; add them to the index")
        return self.parts[kind]

    def check_model(self, model: EmbeddingModel) -> None:
        """Raise UserError if vectors of this model cannot be compared with those of the index."""
        if model.space != self.model.space:
            raise UserError(
                f"{self.folder}: index of {self.model}, not of {model}; use the model of the "
                "index, or build one with the other"
            )

    def check_collection(self, collection: Collection) -> tuple[str, ...]:
        """What is to be said about searching this collection with the index: what it lacks.

        Raises UserError if the index holds images that the collection does not have.
        """
        lacking = []
        for kind, part in self.parts.items():
            listed = collection.drawings if kind == "drawing" else collection.artworks
            gone = [name for name in part.embeddings.ids if name not in listed.index]
            if gone:
                raise UserError(
                    f"{self.folder}: index of another collection ({self.collection or UNKNOWN}): "
                    f"{len(gone)} of its {len(part.embeddings.ids)} {kind}s are not in "
                    f"{collection.root}, such as {gone[0]!r}; name its own collection, or remove "
                    "them from the index"
                )
            new = [name for name in listed.index if name not in part.embeddings.rows]
            if new:
                lacking.append(f"{len(new)} {kind}s are not in the index, such as {new[0]!r}")
        return tuple(lacking)

    def add(self, kind: str, gallery: Gallery) -> tuple[Index, Changes]:
        """Add images that are new, and replace those whose vector or table row differs.

        Cells of columns that the new table lacks stay as they are. A kind that the index does not
        hold yet is begun, for exact search. Vectors are kept in the precision of the index. A FAISS
        index takes in what is new; if a vector is replaced, it is built anew. Raises UserError if
        the model is another, or an id differs from one in the index by its Unicode spelling alone.
        """
        self.check_model(gallery.model)
        ids = gallery.embeddings.ids
        if kind not in self.parts:
            _check_kind(kind)
            part = self._new_part(kind, gallery.embeddings, _described(gallery).fillna(""))
            return self._with(part, None), Changes(len(ids), 0, 0)
        part = self.parts[kind]
        known = part.embeddings.rows
        fresh = [row for row, name in enumerate(ids) if name not in known]
        held = [row for row, name in enumerate(ids) if name in known]
        places = [known[ids[row]] for row in held]
        merged = [*part.embeddings.ids, *(ids[row] for row in fresh)]
        check_ids(merged)

        vectors = part.embeddings.vectors
        new = gallery.embeddings.vectors.to(vectors.dtype)
        moved = (vectors[places] != new[held]).any(dim=1).numpy()
        table = _merged(part.table, _described(gallery), [ids[row] for row in fresh])
        before = part.table.reindex(columns=table.columns).fillna("").iloc[places]
        retold = (before.to_numpy() != table.iloc[places].to_numpy()).any(axis=1)
        replaced = int((moved | retold).sum())
        changes = Changes(len(fresh), replaced, len(held) - replaced)
        if not (fresh or replaced):
            return self, changes

        vectors = torch.cat([vectors, new[fresh]])
        vectors[places] = new[held]
        grows = part.measured is not None and not moved.any()
        ann = load_ann(part.file("faiss")) if grows else None
        larger = self._new_part(kind, Embeddings(merged, vectors), table)
        return self._with(larger, part.settings, ann), changes

    def remove(self, kind: str, ids: Ids[str]) -> Index:
        """Take images out; a FAISS index is built anew.

        Raises UserError for unknown ids, and if nothing would be left.
        """
        part = self.part(kind)
        gone = set(part.rows(list(ids)))
        rows = [row for row in range(len(part.embeddings.ids)) if row not in gone]
        if not rows:
            raise UserError(
                f"{self.folder}: no {kind}s would be left; delete the folder if that is meant"
            )
        if not gone:
            return self
        left = Embeddings([part.embeddings.ids[row] for row in rows], part.embeddings.vectors[rows])
        return self._with(self._new_part(kind, left, part.table.iloc[rows]), part.settings)

    def _new_part(self, kind: str, embeddings: Embeddings, table: pd.DataFrame) -> Part:
        return Part(kind, embeddings, table, None, self.folder, self.change + 1)

    def _with(self, part: Part, settings: Settings | None, ann: Any = None) -> Index:
        """The index with this part in place of the old one, written."""
        written = _write(part, self.model, settings, ann)
        parts = {**self.parts, part.kind: written}
        return _commit(replace(self, change=part.change, parts=parts))


def build_index(
    folder: Path,
    galleries: Mapping[str, Gallery],
    collection: Path | None = None,
    ann: Settings | None = None,
) -> Index:
    """Write an index of drawings, artworks or both (keys: drawing, artwork) and open it.

    An index that was there is replaced, at the end; what a killed one left is deleted. ann: how it
    can be searched approximately too; `measured` of its parts then says with what recall. Raises
    UserError if the two kinds are embedded by different models.
    """
    if not galleries:
        raise ValueError("an index of nothing")
    models = [gallery.model for gallery in galleries.values()]
    if models[0].space != models[-1].space:
        raise UserError(
            f"{folder}: drawings and artworks are embedded by different models, {models[0]} and "
            f"{models[-1]}; embed both with one"
        )
    change = 1 + max((number for _, number in _own_files(folder)), default=0)
    parts = {}
    for kind, gallery in galleries.items():
        _check_kind(kind)
        table = _described(gallery).fillna("")
        parts[kind] = _write(
            Part(kind, gallery.embeddings, table, None, folder, change), models[0], ann
        )
    return _commit(Index(folder, models[0], collection, change, parts))


def open_index(folder: Path) -> Index:
    """Open an index; vectors are memory-mapped.

    Raises UserError if there is none, if it was never finished, or if its files are not those that
    index.json names.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        what = f"half-written index (no {MANIFEST})" if _own_files(folder) else "no index there"
        raise UserError(f"{folder}: {what}; {AGAIN}")
    text = manifest.read_text(encoding="utf-8")
    try:
        return _parsed(folder, text)
    except UserError:
        if manifest.read_text(encoding="utf-8") != text:  # it was changed while it was read
            return open_index(folder)
        raise


def _parsed(folder: Path, text: str) -> Index:
    """The index that the text of a manifest names."""
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise UserError(f"{folder}: index of format {data['format']}, not {FORMAT}; {AGAIN}")
        return Index(
            folder,
            EmbeddingModel(**data["model"]),
            Path(data["collection"]) if data["collection"] is not None else None,
            int(data["change"]),
            {kind: _read(folder, kind, entry) for kind, entry in data["kinds"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{folder / MANIFEST}: damaged ({error!r}); {AGAIN}") from error


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise UserError(f"kind={kind}: {nearest(kind, KINDS)}")


def _described(gallery: Gallery) -> pd.DataFrame:
    """The rows of a gallery's table for its ids, as text; nan where it says nothing."""
    own = pd.Index(list(gallery.embeddings.ids), name="id", dtype=object)
    rows = gallery.table[gallery.table.index.isin(own)]
    return rows.astype(str).astype(object).where(rows.notna()).reindex(own)


def _merged(old: pd.DataFrame, new: pd.DataFrame, fresh: Sequence[str]) -> pd.DataFrame:
    """The old table with the cells that the new one has, and with the fresh rows at the end."""
    columns = [*old.columns, *(name for name in new.columns if name not in old.columns)]
    table = old.reindex(index=[*old.index, *fresh], columns=columns).astype(object)
    table.update(new)
    return table.fillna("").rename_axis("id")


def _write(part: Part, model: EmbeddingModel, settings: Settings | None, ann: Any = None) -> Part:
    """Write the files of a part. ann: its FAISS index as it was before rows were added."""
    if settings is None:
        measured = None
    else:
        make = build_ann(part.matrix, settings) if ann is None else None
        index, measured = make or extend_ann(ann, part.matrix, settings)
        save_ann(index, part.file("faiss"))
    part.embeddings.save(part.file("safetensors"), model.metadata())
    write_csv(part.table.reset_index(), part.file("csv"))
    return replace(part, measured=measured)


def _commit(index: Index) -> Index:
    """Make files that are written the index: name them in index.json, and delete all others."""
    kinds = {}
    for kind, part in index.parts.items():
        kinds[kind] = {
            "count": len(part.embeddings.ids),
            "dtype": str(part.embeddings.vectors.dtype).removeprefix("torch."),
            "ids_sha256": _ids_hash(part.embeddings.ids),
            "change": part.change,
            "bytes": {file.name: file.stat().st_size for file in part.files},
            "ann": None if part.measured is None else part.measured.record(),
        }
    data = {
        "format": FORMAT,
        "drawsim": __version__,
        "change": index.change,
        "model": asdict(index.model),
        "collection": None if index.collection is None else str(index.collection),
        "kinds": kinds,
    }
    write_json(index.folder / MANIFEST, data)
    named = {file for part in index.parts.values() for file in part.files}
    for file, _ in _own_files(index.folder):
        if file not in named:
            # Some systems do not let go of a file that is still mapped; the next change deletes it.
            with suppress(OSError):
                file.unlink()
    return open_index(index.folder)


def _read(folder: Path, kind: str, entry: Mapping[str, Any]) -> Part:
    """Open a part; its files must be those that were written."""
    measured = None if entry["ann"] is None else Measured.of_record(entry["ann"])
    part = Part(
        kind, Embeddings([], torch.empty(0)), pd.DataFrame(), measured, folder, entry["change"]
    )
    for file in part.files:
        size = file.stat().st_size if file.is_file() else None
        if size != entry["bytes"][file.name]:
            raise UserError(f"{file}: {'missing' if size is None else 'damaged'}; {AGAIN}")
    embeddings = load_embeddings(part.file("safetensors"))
    table = pd.read_csv(part.file("csv"), dtype=str, keep_default_na=False).set_index("id")
    ids = embeddings.ids
    if list(table.index) != list(ids) or _ids_hash(ids) != entry["ids_sha256"]:
        raise UserError(
            f"{folder}: the tables of its {kind}s are not those it was built with; {AGAIN}"
        )
    return replace(part, embeddings=embeddings, table=table)


def _ids_hash(ids: Sequence[str]) -> str:
    """SHA-256 of the ids in their order."""
    return hashlib.sha256(json.dumps(list(ids)).encode()).hexdigest()


def _own_files(folder: Path) -> list[tuple[Path, int]]:
    """Files of an index, whole or not, with the number of the change that wrote them."""
    if not folder.is_dir():
        return []
    found = ((file, _OWN_FILE.fullmatch(file.name)) for file in folder.iterdir())
    return [(file, int(match[1])) for file, match in found if match]
