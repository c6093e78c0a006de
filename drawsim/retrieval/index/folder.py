"""An index on disk: the embeddings of a collection, ready to be searched.

A folder with `index.json` and, for drawings, artworks or both, files that carry the number of the
change that wrote them: `artworks.3.safetensors` and `artworks.3.ids.csv` (unit vectors and ids),
`artworks.3.csv` (what the collection's table says about them), `artworks.3.faiss` (if they can be
searched approximately). A change writes its files, then index.json, which names them with their
sizes, and then deletes the old ones: whenever it is stopped, the folder holds the old index or the
new. One process writes at a time, others wait for it and change what it wrote; any number reads.
"""

from __future__ import annotations

import re
from collections.abc import Collection as Ids
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from drawsim import __version__
from drawsim.collection.ids import check_ids
from drawsim.collection.kinds import KINDS
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError, nearest
from drawsim.common.files import parse_json, read_json, read_text, write_json
from drawsim.common.opening import path_in_file
from drawsim.common.words import counted
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.backends import backends
from drawsim.retrieval.index.base import InDatabase, Settings
from drawsim.retrieval.index.changing import changing
from drawsim.retrieval.index.gallery import UNKNOWN, EmbeddingModel, Gallery
from drawsim.retrieval.index.parts import (
    AGAIN,
    Change,
    Part,
    described,
    merged_tables,
    read_part,
    whole_change,
    write_part,
)

if TYPE_CHECKING:
    from drawsim.retrieval.index.found import Found

FORMAT = 1
MANIFEST = "index.json"


@dataclass(frozen=True)
class Changes:
    """How many images an addition found new, different, and as they were."""

    added: int
    replaced: int
    unchanged: int


@dataclass(frozen=True, repr=False)
class Index:
    """An index as it is on disk. What changes it returns the new one.

    collection: the folder of the collection it was made from, if it was made from one. change: how
    often it was written. database: the address that the user gave, for what is kept in one.
    """

    folder: Path
    model: EmbeddingModel
    collection: Path | None
    change: int
    parts: Mapping[str, Part]
    database: str | None = None

    def part(self, kind: str) -> Part:
        """The drawings or the artworks (kind: drawing, artwork). Raises UserError if not held."""
        if kind not in self.parts:
            held = " and ".join(f"{name}s" for name in self.parts)
            raise UserError(f"{self.folder}: holds {held}, no {kind}s; add them to the index")
        return self.parts[kind]

    @classmethod
    def open(cls, folder: Path | str, database: str | None = None) -> Index:
        """Open an index; its vectors are memory-mapped. Raises UserError as `open_index` does."""
        return open_index(Path(folder), database)

    def search(
        self, ids: Sequence[str], k: int = 20, *, kind: str | None = None, where: str | None = None
    ) -> Found:
        """What images of the index find among the other kind: a table, in a notebook pictures.

        kind: what the ids are, where drawings and artworks share theirs. Raises UserError, with the
        nearest ids, for one that is not there.
        """
        from drawsim.retrieval.index.asked import find_ids
        from drawsim.retrieval.index.found import Found
        from drawsim.retrieval.index.queries import joined, of_ids, search

        asked = find_ids(self, ids, kind)
        searched = next((other for other in self.parts if other != asked[0].kind), asked[0].kind)
        queries = joined([of_ids(self, each.kind, [str(each.id)]) for each in asked])
        return Found(search(self, searched, queries, k, where), self)

    def __repr__(self) -> str:
        held = ", ".join(f"{len(p.embeddings.ids):,} {kind}s" for kind, p in self.parts.items())
        return f"Index({self.folder}: {held})"

    def check_model(self, model: EmbeddingModel) -> None:
        """Raise UserError if vectors of this model cannot be compared with those of the index."""
        if model.space != self.model.space:
            raise UserError(
                f"{self.folder}: index of {self.model}, not of {model}; use the model of the "
                "index, or build one with the other"
            )

    def check_collection(self, collection: Collection) -> tuple[str, ...]:
        """What is to be said about searching this collection with the index: what it lacks.

        Raises UserError if the index holds images that the collection does not have, or style
        copies, which are no drawings.
        """
        lacking = []
        for kind, part in self.parts.items():
            listed = collection.originals if kind == "drawing" else collection.artworks
            count = f"of its {len(part.embeddings.ids)} {kind}s"
            gone = [name for name in part.embeddings.ids if name not in listed.index]
            copies = [
                name for name in gone if kind == "drawing" and name in collection.copies.index
            ]
            if copies:
                raise UserError(
                    f"{self.folder}: {counted(len(copies), f'{count} is', f'{count} are')} among "
                    "the style copies, such as "
                    f"{copies[0]!r}; {AGAIN}, which leaves them out"
                )
            if gone:
                raise UserError(
                    f"{self.folder}: index of another collection ({self.collection or UNKNOWN}): "
                    f"{counted(len(gone), f'{count} is', f'{count} are')} not in "
                    f"{collection.root}, such as {gone[0]!r}; name "
                    "its own collection, or remove them from the index"
                )
            new = [name for name in listed.index if name not in part.embeddings.rows]
            if new:
                lacking.append(
                    f"{counted(len(new), f'{kind} is', f'{kind}s are')} not in the index, "
                    f"such as {new[0]!r}"
                )
        return tuple(lacking)

    def add(self, kind: str, gallery: Gallery) -> tuple[Index, Changes]:
        """Add images that are new, and replace those whose vector or table row differs.

        Cells of columns that the new table lacks stay as they are. A kind that the index does not
        hold yet is begun, for exact search. Vectors are kept in the precision of the index. What
        searches approximately takes in what is new; if a vector is replaced, it is built anew, but
        in a database. Raises UserError if
        the model is another, or an id differs from one in the index by its Unicode spelling alone.
        """
        with changing(self.folder):
            return self._now()._added(kind, gallery)

    def _added(self, kind: str, gallery: Gallery) -> tuple[Index, Changes]:
        self.check_model(gallery.model)
        ids = gallery.embeddings.ids
        if kind not in self.parts:
            _check_kind(kind)
            part = self._new_part(kind, gallery.embeddings, described(gallery).fillna(""))
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
        table = merged_tables(part.table, described(gallery), [ids[row] for row in fresh])
        before = part.table.reindex(columns=table.columns).fillna("").iloc[places]
        retold = (before.to_numpy() != table.iloc[places].to_numpy()).any(axis=1)
        replaced = int((moved | retold).sum())
        changes = Changes(len(fresh), replaced, len(held) - replaced)
        if not (fresh or replaced):
            return self, changes

        vectors = torch.cat([vectors, new[fresh]])
        vectors[places] = new[held]
        larger = self._new_part(kind, Embeddings(merged, vectors), table)
        changed = [places[row] for row in np.flatnonzero(moved | retold)]
        come = range(len(part.embeddings.ids), len(merged))
        change = None
        if isinstance(part.settings, InDatabase):
            gone = [merged[row] for row in changed]
            change = Change(part.load_ann(), gone, [*changed, *come])
        elif part.settings is not None and not moved.any():
            change = Change(part.load_ann(), [], come)
        return self._with(larger, part.settings, change), changes

    def remove(self, kind: str, ids: Ids[str]) -> Index:
        """Take images out; what searches approximately is built anew, but in a database.

        Raises UserError for unknown ids, and if nothing would be left.
        """
        with changing(self.folder):
            return self._now()._removed(kind, ids)

    def _removed(self, kind: str, ids: Ids[str]) -> Index:
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
        change = None
        if isinstance(part.settings, InDatabase):
            names = [part.embeddings.ids[row] for row in sorted(gone)]
            change = Change(part.load_ann(), names, [])
        return self._with(self._new_part(kind, left, part.table.iloc[rows]), part.settings, change)

    def _now(self) -> Index:
        """The index as it is on disk, where it was changed since this one was opened."""
        with suppress(OSError, UserError):
            if read_json(self.folder / MANIFEST) == _manifest(self):
                return self
        return open_index(self.folder, self.database)

    def _new_part(self, kind: str, embeddings: Embeddings, table: pd.DataFrame) -> Part:
        place = self.folder, self.change + 1, self.model, self.database
        return Part(kind, embeddings, table, None, *place)

    def _with(self, part: Part, settings: Settings | None, change: Change | None = None) -> Index:
        """The index with this part in place of the old one, written."""
        written = write_part(part, settings, change)
        parts = {**self.parts, part.kind: written}
        return _commit(replace(self, change=part.change, parts=parts))


def build_index(
    folder: Path,
    galleries: Mapping[str, Gallery],
    collection: Path | None = None,
    ann: Settings | None = None,
    database: str | None = None,
) -> Index:
    """Write an index of drawings, artworks or both (keys: drawing, artwork) and open it.

    An index that was there is replaced, at the end; what a killed one left is deleted. ann: how it
    can be searched approximately too; `measured` of its parts then says with what recall. database:
    the address of one, for what is kept there. Raises UserError if the two kinds are embedded by
    different models.
    """
    if not galleries:
        raise ValueError("an index of nothing")
    models = [gallery.model for gallery in galleries.values()]
    if models[0].space != models[-1].space:
        raise UserError(
            f"{folder}: drawings and artworks are embedded by different models, {models[0]} and "
            f"{models[-1]}; embed both with one"
        )
    for kind in galleries:
        _check_kind(kind)
    with changing(folder):
        change = 1 + max((number for _, number in _own_files(folder)), default=0)
        place = folder, change, models[0], database
        parts = {}
        for kind, gallery in galleries.items():
            table = described(gallery).fillna("")
            parts[kind] = write_part(Part(kind, gallery.embeddings, table, None, *place), ann)
        return _commit(Index(folder, models[0], collection, change, parts, database))


def open_index(folder: Path, database: str | None = None) -> Index:
    """Open an index; vectors are memory-mapped.

    database: the address of the one that holds what searches it approximately, if one does: what a
    folder says of it is not followed. Raises UserError if there is none, if it was never finished,
    or if its files are not those that index.json names.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        what = f"half-written index (no {MANIFEST})" if _own_files(folder) else "no index there"
        raise UserError(f"{folder}: {what}; {AGAIN}")
    text = read_text(manifest)
    try:
        return _parsed(folder, text, database)
    except UserError:
        if read_text(manifest) != text:  # it was changed while it was read
            return open_index(folder, database)
        raise


def _parsed(folder: Path, text: str, database: str | None) -> Index:
    """The index that the text of a manifest names."""
    try:
        data = parse_json(text, folder / MANIFEST)
    except UserError as error:
        raise UserError(f"{error}; {AGAIN}") from error
    try:
        if data["format"] != FORMAT:
            raise UserError(f"{folder}: index of format {data['format']!r}, not {FORMAT}; {AGAIN}")
        model, collection = EmbeddingModel(**data["model"]), data["collection"]
        parts = {
            kind: read_part(folder, kind, entry, model, database)
            for kind, entry in data["kinds"].items()
        }
        return Index(
            folder,
            model,
            None if collection is None else path_in_file(collection),
            whole_change(data["change"]),
            parts,
            database,
        )
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise UserError(f"{folder / MANIFEST}: damaged ({error!r}); {AGAIN}") from error


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise UserError(f"kind={kind}: {nearest(kind, KINDS)}")


def _manifest(index: Index) -> dict[str, Any]:
    """What index.json says of it. Raises OSError where its files are no longer there."""
    return {
        "format": FORMAT,
        "drawsim": __version__,
        "change": index.change,
        "model": asdict(index.model),
        "collection": None if index.collection is None else str(index.collection),
        "kinds": {kind: part.record() for kind, part in index.parts.items()},
    }


def _commit(index: Index) -> Index:
    """Make files that are written the index: name them in index.json, and delete all others."""
    write_json(index.folder / MANIFEST, _manifest(index))
    named = {file for part in index.parts.values() for file in part.files}
    _delete([file for file, _ in _own_files(index.folder) if file not in named], index.database)
    for part in index.parts.values():
        if isinstance(part.settings, InDatabase) and part.change == index.change:
            with suppress(UserError):  # what is left is never found, and goes with the next change
                part.settings.tidy(part.items)
    return open_index(index.folder, index.database)


def _delete(files: Iterable[Path], database: str | None) -> None:
    """Delete files of earlier changes, with what they name in a database.

    What cannot be deleted now is by the next change: some systems do not let go of a file that is
    still mapped, and a database may be out of reach.
    """
    kept = {f".{each.ending}": each for each in backends().values() if issubclass(each, InDatabase)}
    for file in files:
        with suppress(OSError, UserError):
            if file.suffix in kept:
                kept[file.suffix].drop(file, database)
            file.unlink()


def _own_files(folder: Path) -> list[tuple[Path, int]]:
    """Files of an index, whole or not, with the number of the change that wrote them."""
    if not folder.is_dir():
        return []
    built = {settings.ending for settings in backends().values()}
    endings = "|".join(["safetensors", r"ids\.csv", "csv", *built])
    own = re.compile(rf"\.?(?:drawing|artwork)s\.(\d+)\.(?:{endings})(?:\.\d+\.part)?")
    found = ((file, own.fullmatch(file.name)) for file in folder.iterdir())
    return [(file, int(match[1])) for file, match in found if match]
