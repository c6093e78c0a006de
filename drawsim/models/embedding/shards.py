"""Shards: a list of images embedded in parts, by jobs that need not know of each other.

`embed shard=3/16 out=F.safetensors` embeds every sixteenth image of the list, from the third on,
into `F.3-of-16.safetensors`: an embedding file like any other, that also says where in the list its
rows belong, which images of its part were left out, and of which list and model it is. `Shards`
puts such files together into the file that one command for all images would have written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from drawsim.collection.ids import check_ids
from drawsim.common.errors import UserError, brief
from drawsim.common.words import counted
from drawsim.models.embedding.shard import Shard
from drawsim.retrieval.embeddings import load_embeddings
from drawsim.retrieval.exports import write_embeddings

SHARD, LISTED, LISTING = "shard", "images", "listing_sha256"
"""Keys of the metadata: which part it is, how many images there are, the hash of their ids."""
PLACES, LEFT_OUT = "places", "left_out"
"""Tensors, int64: where in the list the rows belong; which images of the part have none."""
_BLOCK = 2048


@dataclass(frozen=True)
class Part:
    """What a shard's file says of itself. ids: of the whole list, in order."""

    shard: Shard
    ids: Sequence[str]

    def metadata(self) -> dict[str, str]:
        """Which part it is of which list."""
        return {SHARD: str(self.shard), LISTED: str(len(self.ids)), LISTING: _hash(self.ids)}

    def tensors(self, embedded: Mapping[str, Any]) -> dict[str, Tensor]:
        """Where its rows belong, and what was left out. embedded: by id, in the order of rows."""
        own = range(self.shard.number - 1, len(self.ids), self.shard.of)
        places = [place for place in own if self.ids[place] in embedded]
        left_out = [place for place in own if self.ids[place] not in embedded]
        return {PLACES: torch.tensor(places).long(), LEFT_OUT: torch.tensor(left_out).long()}


@dataclass(frozen=True)
class _File:
    """A shard's file, opened. made_by: its metadata but for what is of shards."""

    path: Path
    ids: Sequence[str]
    vectors: Tensor
    shard: Shard
    listed: int
    listing: str
    places: npt.NDArray[np.int64]
    left_out: npt.NDArray[np.int64]
    made_by: Mapping[str, str] = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> _File:
        """Raises UserError for a file that is missing, damaged or no shard."""
        embeddings = load_embeddings(path)
        try:
            with safe_open(path, framework="pt") as file:
                said = dict(file.metadata() or {})
                places, left_out = (_places(file.get_tensor(name)) for name in (PLACES, LEFT_OUT))
            shard, listed = Shard.read(said.pop(SHARD)), int(said.pop(LISTED))
            listing = said.pop(LISTING)
        except (SafetensorError, KeyError, ValueError, UserError) as error:
            raise UserError(
                f"{path}: is no shard; embed it with shard=K/N, or name it in no merge"
            ) from error
        both = np.sort(np.concatenate([places, left_out]))
        # No more images than a part of them can say: a number beyond it would fill all memory.
        most = shard.of * (len(both) + 1)
        own = range(shard.number - 1, listed if 0 <= listed <= most else 0, shard.of)
        whole = len(own) == len(both) and np.array_equal(both, np.asarray(own, np.int64))
        whole = whole and 0 <= listed <= most and bool((np.diff(places) > 0).all())
        if len(places) != len(embeddings.ids) or not whole:
            raise UserError(f"{path}: damaged (not the images of shard {shard}); embed it again")
        return cls(
            path,
            *(embeddings.ids, embeddings.vectors, shard, listed, listing, places, left_out),
            made_by=said,
        )


@dataclass(frozen=True)
class Shards:
    """Files of all shards of one list, which fit together: `merged` writes what they make.

    source, row: for each image that has a row, in the order of the list, the number of a file and
    the row in it.
    """

    files: Sequence[_File]
    source: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]

    @classmethod
    def open(cls, paths: Sequence[Path]) -> Shards:
        """Raises UserError for a file that is no shard, shards of other lists, models, versions or
        numbers, one that is there twice, shards that overlap with different vectors, if an image is
        in none of them, and if their ids are not those of the list, as far as they can tell."""
        files = [_File.open(path) for path in paths]
        for other in files[1:]:
            _check_alike(files[0], other)
        _check_numbers(files)
        source, row = _sources(files)
        there = source >= 0
        shards = cls(files, source[there], row[there])
        _check_ids(shards, whole=bool(there.all()))
        return shards

    @property
    def ids(self) -> list[str]:
        """Of the images that have a row, in the order of the list."""
        return [self.files[f].ids[r] for f, r in zip(self.source, self.row, strict=True)]

    @property
    def left_out(self) -> list[tuple[Path, npt.NDArray[np.int64]]]:
        """Places of images without a row, by file."""
        return [(file.path, file.left_out) for file in self.files]

    @property
    def dimensions(self) -> int:
        """Of each row."""
        return int(self.files[0].vectors.shape[1])

    def __len__(self) -> int:
        return len(self.source)

    def merged(self, out: Path) -> None:
        """Write the file that one command for the whole list writes: the same bytes."""
        first, files = self.files[0], self.files
        blocks = _blocks(files, self.source, self.row)
        vectors = first.vectors
        write_embeddings(out, self.ids, blocks, self.dimensions, vectors.dtype, first.made_by)


def _hash(ids: Sequence[str]) -> str:
    """Of a list: SHA-256 of its ids in their order."""
    return hashlib.sha256(json.dumps(list(ids)).encode()).hexdigest()


def _places(tensor: Tensor) -> npt.NDArray[np.int64]:
    """Raises ValueError for what is no list of places."""
    if tensor.dtype != torch.int64 or tensor.ndim != 1:
        raise ValueError("places that are no whole numbers")
    return tensor.numpy()


def _check_ids(shards: Shards, whole: bool) -> None:
    """Raise UserError for ids that come twice, or, if every image has a row, are of other lists."""
    first, ids = shards.files[0], shards.ids
    with_first = f"{first.path} and the shards named with it"
    try:
        check_ids(ids)
    except UserError as error:
        raise UserError(f"{with_first}: {error}; embed them again") from error
    if whole and _hash(ids) != first.listing:
        raise UserError(f"{with_first}: their ids are not those of their list; embed them again")


def _check_alike(first: _File, other: _File) -> None:
    names = f"{first.path} and {other.path}"
    if (first.listed, first.listing) != (other.listed, other.listing):
        raise UserError(
            f"{names}: shards of different lists of images ({first.listed:,} and "
            f"{other.listed:,}); embed both again, what is in the store is not computed anew"
        )
    keys = sorted({*first.made_by, *other.made_by})
    if differ := [key for key in keys if first.made_by.get(key) != other.made_by.get(key)]:
        own = _said(first.made_by.get(differ[0]), other.made_by.get(differ[0]))
        raise UserError(
            f"{names}: of different {'versions' if differ == ['versions'] else 'models'} "
            f"({differ[0]}: {own}); embed one of them again"
        )
    if (first.vectors.dtype, first.vectors.shape[1]) != (
        other.vectors.dtype,
        other.vectors.shape[1],
    ):
        raise UserError(f"{names}: one is float16; embed one of them again")


def _said(one: str | None, other: str | None) -> str:
    """Two values of metadata that differ; of versions, the first that does."""
    try:
        ours, theirs = json.loads(one or ""), json.loads(other or "")
        name = next(key for key in ours if ours[key] != theirs.get(key))
        return f"{name} {ours[name]} and {theirs.get(name)}"
    except (ValueError, TypeError, StopIteration, AttributeError):
        return f"{brief(one)} and {brief(other)}"


def _check_numbers(files: Sequence[_File]) -> None:
    """Raise UserError for a shard that is there twice, or lacks beside all others of its kind."""
    known: dict[Shard, Path] = {}
    for file in files:
        if file.shard in known:
            raise UserError(
                f"{known[file.shard]} and {file.path} are both shard {file.shard}: name one of them"
            )
        known[file.shard] = file.path
    kinds = {shard.of for shard in known}
    if len(kinds) == 1:
        of = kinds.pop()
        numbers = {shard.number for shard in known}
        lacking = [str(Shard(number, of)) for number in range(1, of + 1) if number not in numbers]
        if lacking:
            more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
            raise UserError(
                f"of {counted(of, 'shard')} there lack {', '.join(lacking[:5])}{more}: embed them, "
                f"with shard={lacking[0]}"
            )


def _sources(files: Sequence[_File]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each place of the list the number of a file and a row in it; -1 where none has one.

    Raises UserError where two files differ, and where an image is in none of them.
    """
    source, row = (np.full(files[0].listed, -1, np.int64) for _ in range(2))
    seen = np.zeros(files[0].listed, bool)
    for number, file in enumerate(files):
        for own in np.flatnonzero(source[file.places] >= 0):
            place = file.places[own]
            other = files[source[place]]
            if not torch.equal(other.vectors[row[place]], file.vectors[own]):
                raise UserError(
                    f"{other.path} and {file.path}: different vectors of "
                    f"{brief(file.ids[int(own)])}; embed one of them again"
                )
        source[file.places], row[file.places] = number, np.arange(len(file.places))
        seen[file.places] = seen[file.left_out] = True
    if not seen.all():
        lacking = int((~seen).sum())
        raise UserError(
            f"{counted(lacking, 'image')} of {len(seen):,} in none of the {len(files)} files: "
            "name the shards that lack"
        )
    return source, row


def _blocks(
    files: Sequence[_File], source: npt.NDArray[np.int64], row: npt.NDArray[np.int64]
) -> Iterator[Tensor]:
    """The rows in the order of the list, some at a time: memory does not depend on how many."""
    shape = files[0].vectors.shape[1]
    for start in range(0, len(source), _BLOCK):
        own, rows = source[start : start + _BLOCK], row[start : start + _BLOCK]
        block = torch.empty(len(own), shape, dtype=files[0].vectors.dtype)
        for number in np.unique(own):
            mask = own == number
            block[torch.from_numpy(mask)] = files[number].vectors[torch.from_numpy(rows[mask])]
        yield block
