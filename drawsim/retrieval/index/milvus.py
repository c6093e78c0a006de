"""Vectors in Milvus: in a Milvus Lite inside of the index's folder, or in a server or cluster.

A graph (HNSW) of each segment; what it finds is scored again by the vectors of the index's folder.
Filters are expressions over numbers that stand for cells. Milvus has no transactions: an index is
built as a collection of its own, and named once it is whole; a change puts rows in, and takes those
of before out when the index no longer names them.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import torch
from torch import Tensor

from drawsim.common.errors import UserError, brief
from drawsim.retrieval.index.base import Approximate, InDatabase, Items
from drawsim.retrieval.index.databases import (
    AGAIN,
    VARIABLE,
    Named,
    chosen_address,
    key_of,
    storable,
)
from drawsim.retrieval.index.filters import Passing, Term

LITE = "milvus.db"
"""The Milvus Lite of an index, in its folder."""
SCHEMES = ("http", "https", "tcp", "unix")
BYTES = 1 << 24
"""Of vectors that are sent at a time."""
MOST_TOLD = 4096
"""Cells of a row that filters can ask for: the longest array that Milvus takes."""
MOST_RESULTS = 16_384
AT_A_TIME = 2000
"""Results that are asked for at a time: Milvus Lite reads the whole row of each."""
MOST_LETTERS = 1000
"""Of an id, as it stands beside its vector for people."""
SECONDS = 10
"""How long a server may take to answer that it is there."""


@dataclass(frozen=True)
class Milvus(InDatabase):
    """neighbours: links of each item (M). build_width, search_width: items that are kept in view
    while a new item is linked (efConstruction) and while a query is answered (ef)."""

    ending = "milvus"

    neighbours: int = 16
    build_width: int = 100
    search_width: int = 128

    def build(self, items: Items) -> Collection:
        place = items.place
        given = place.database or os.environ.get(VARIABLE, "")
        own = not given or (not place.database and urlsplit(given).scheme not in SCHEMES)
        server = Server(place.folder, LITE if own else given, new=True)
        collection = Collection(self, Named.new(server.shown, place), server, items)
        file = place.file(self.ending)
        collection.named.write(file)
        try:
            with server.failing("cannot take the vectors"):
                collection.create()
        except UserError:
            file.unlink()
            raise
        return collection

    def load(self, items: Items) -> Collection:
        named = Named.read(items.place.file(self.ending))
        server = _server(items.place.folder, items.place.database, named)
        collection = Collection(self, named, server, items)
        collection.check()
        return collection

    def tidy(self, items: Items) -> None:
        named = Named.read(items.place.file(self.ending))
        server = _server(items.place.folder, items.place.database, named)
        Collection(self, named, server, items).tidy()

    @classmethod
    def drop(cls, file: Path, database: str | None) -> None:
        named = Named.read(file)
        if named.elsewhere(file):
            return
        if named.address == LITE and not (file.parent / LITE).exists():
            return
        server = _server(file.parent, database, named)
        with server.failing("cannot be tidied"):
            if server.inside or named.owned_by(file.parent):
                for table in _tables(server, named):
                    server.client.drop_collection(table)


class Collection(Approximate):
    """A collection of Milvus, named by the index and its model. items: what is searched."""

    def __init__(self, settings: Milvus, named: Named, server: Server, items: Items) -> None:
        self.settings: Milvus = settings
        self.named = named
        self.server = server
        self.items = items
        model = [*items.place.model.metadata().values()][1:4]
        self.table = f"{named.table}_{hashlib.sha256(json.dumps(model).encode()).hexdigest()[:8]}"

    @property
    def count(self) -> int:
        with self.server.failing("cannot be read"):
            found = self.server.client.query(self.table, filter="", output_fields=["count(*)"])
            return int(found[0]["count(*)"])

    @property
    def bytes(self) -> int:
        """Of vectors and links, reckoned: Milvus does not say."""
        width = self.items.place.model.dimensions
        return len(self.items.ids) * (4 * width + 8 * self.settings.neighbours)

    def looked_at(self, k: int) -> int:
        return min(MOST_RESULTS, k + 10)

    def create(self) -> None:
        """The collection, with all items."""
        library, client, place = self.server.library, self.server.client, self.items.place
        types = library.DataType
        schema = client.create_schema(auto_id=False)
        schema.add_field("key", types.VARCHAR, is_primary=True, max_length=48)
        schema.add_field("id", types.VARCHAR, max_length=4 * MOST_LETTERS)
        schema.add_field("cells", types.ARRAY, element_type=types.INT64, max_capacity=MOST_TOLD)
        schema.add_field("vector", types.FLOAT_VECTOR, dim=place.model.dimensions)
        index = client.prepare_index_params()
        graph = {"M": self.settings.neighbours, "efConstruction": self.settings.build_width}
        index.add_index("vector", index_type="HNSW", metric_type="IP", params=graph)
        client.create_collection(
            self.table, schema=schema, index_params=index, consistency_level="Strong"
        )
        self._insert(self.items, range(len(self.items.ids)))

    def check(self) -> None:
        """Raise UserError if the database does not hold what the index says, of its model."""
        place = self.items.place
        with self.server.failing("cannot be read"):
            there = _tables(self.server, self.named)
        if not there:
            raise UserError(
                f"{place.folder}: database {self.server.shown} does not hold its {place.kind}s; "
                f"give the one that does, or {AGAIN}"
            )
        if self.table not in there:
            raise UserError(
                f"{place.folder}: index of {place.model}, but what is kept in {self.server.shown} "
                f"is of another model; {AGAIN}"
            )
        with self.server.failing("cannot be read"):
            self.server.client.load_collection(self.table)

    def remove(self, items: Items, ids: Sequence[str]) -> None:
        self._check_owned(items)  # they go when the index no longer names them: `tidy`

    def add(self, items: Items, rows: Sequence[int]) -> None:
        self._check_owned(items)
        with self.server.failing("cannot take the vectors"):
            self._insert(items, rows)

    def _check_owned(self, items: Items) -> None:
        if not self.server.inside:  # else a copy of the folder has vectors of its own
            self.named.check_owned(items.place)

    def save(self, items: Items) -> None:
        self.named.write(items.place.file(self.settings.ending))
        with self.server.failing("cannot take the vectors"):
            self.server.client.flush(self.table)
        self.items = items
        self.__dict__.pop("_rows", None)

    def tidy(self) -> None:
        """Take out rows that the items do not name, or that a later change brought anew."""
        if self.count == len(self.items.ids):
            return
        name, client = self.table, self.server.client
        gone: list[str] = []
        latest: dict[str, str] = {}
        with self.server.failing("cannot be tidied"):
            for key in self._keys():
                own, change = key[:32], int(key[32:], 16)
                if own not in self._rows or change > self.items.place.change:
                    gone.append(key)
                    continue
                other = latest.get(own)
                if other is not None:
                    gone.append(min(other, key))
                latest[own] = key if other is None else max(other, key)
            for start in range(0, len(gone), 1000):
                client.delete(name, ids=gone[start : start + 1000])

    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        terms = () if passing is None else passing.terms
        found = []
        with self.server.failing("cannot be searched"):
            for some in torch.split(queries, max(1, AT_A_TIME // k)):
                found += self.server.client.search(
                    self.table,
                    data=some.tolist(),
                    limit=k,
                    filter=" and ".join(_expression(term) for term in terms),
                    search_params={
                        "metric_type": "IP",
                        "params": {"ef": max(self.settings.search_width, 2 * k)},
                    },
                )
        scores = torch.full((len(queries), k), -torch.inf)
        rows = torch.full((len(queries), k), -1, dtype=torch.int64)
        for place, hits in enumerate(found):
            known: dict[int, float] = {}
            for hit in hits:
                row = self._rows.get(str(hit["key"])[:32])
                if row is not None and (passing is None or passing.mask[row]):
                    known.setdefault(row, float(hit["distance"]))
            rows[place, : len(known)] = torch.tensor(list(known), dtype=torch.int64)
            scores[place, : len(known)] = torch.tensor(list(known.values()))
        return scores, rows

    @cached_property
    def _rows(self) -> dict[str, int]:
        """The row of each key, less the change that brought it."""
        return {key_of(name).hex(): row for row, name in enumerate(self.items.ids)}

    def _keys(self) -> Iterator[str]:
        """The keys of all rows of the collection."""
        batches = self.server.client.query_iterator(
            self.table, batch_size=1000, filter="", output_fields=["key"]
        )
        while some := batches.next():
            yield from (str(row["key"]) for row in some)
        batches.close()

    def _insert(self, items: Items, rows: Sequence[int]) -> None:
        """Put rows of items into the collection."""
        columns = ["id", *items.table.columns]
        step = max(1, BYTES // (4 * items.vectors.shape[1]))
        for start in range(0, len(rows), step):
            some = list(rows[start : start + step])
            vectors = items.vectors[some].float().tolist()
            cells = items.table.iloc[some].to_numpy().tolist()
            self.server.client.upsert(
                self.table,
                [
                    {
                        "key": f"{key_of(items.ids[row]).hex()}{items.place.change:08x}",
                        "id": storable(items.ids[row])[:MOST_LETTERS],
                        "cells": [
                            _number(column, str(cell))
                            for column, cell in zip(columns, [items.ids[row], *own], strict=True)
                        ][:MOST_TOLD],
                        "vector": vector,
                    }
                    for row, vector, own in zip(some, vectors, cells, strict=True)
                ],
            )


class Server:
    """A Milvus. address: as the user gives it, or LITE for the one inside of an index's folder.

    new: make the file of a Milvus Lite where there is none. Raises UserError where it is not there
    or cannot be reached.
    """

    def __init__(self, folder: Path, address: str, *, new: bool = False) -> None:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it speaks of what mends itself
        try:
            self.library = importlib.import_module("pymilvus")
        except ImportError as error:
            raise UserError(
                f"ann=milvus: needs more ({error}): pip install 'drawsim[milvus]'"
            ) from error
        for name in ("pymilvus", "milvus_lite", "grpc"):  # they tell everything twice
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.inside = address == LITE
        parts = urlsplit(address)
        remote = parts.scheme in SCHEMES
        if not remote and not address.endswith(".db"):
            raise UserError(
                "database: what was given is no address of a Milvus; write http://HOST:19530, or "
                "FILE.db for a Milvus Lite"
            )
        port = f":{parts.port}" if remote and parts.port else ""
        self.shown = f"{parts.scheme}://{parts.hostname or ''}{port}" if remote else address
        file = folder / LITE if self.inside else Path(address)
        uri = address if remote else str(file.absolute())
        if new and not remote:
            file.parent.mkdir(parents=True, exist_ok=True)
        elif not remote and not file.exists():
            raise UserError(f"database {file}: is not there; {AGAIN}")
        token = os.environ.get("MILVUS_TOKEN", "")
        try:
            self.client = self.library.MilvusClient(uri=uri, token=token, timeout=SECONDS)
        except self.library.MilvusException as error:
            why = (
                "is the address right, the server running, and the token in MILVUS_TOKEN?"
                if remote
                else "another program may have it open, or it is damaged: stop that program, or "
                "run a Milvus and give database=http://HOST:19530"
            )
            raise UserError(
                f"database {self.shown if remote else file} cannot be opened: {_first(error)}; "
                f"{why}"
            ) from error

    @contextmanager
    def failing(self, what: str) -> Iterator[None]:
        """What the server refuses becomes a line."""
        try:
            yield
        except self.library.MilvusException as error:
            raise UserError(f"database {self.shown} {what}: {_first(error)}") from error


def _server(folder: Path, database: str | None, named: Named) -> Server:
    """Where what an index names is kept: inside of its folder, or where the user says."""
    return Server(folder, LITE if named.address == LITE else chosen_address(database, named))


def _tables(server: Server, named: Named) -> list[str]:
    """The collections of an index: one, of its model."""
    return [name for name in server.client.list_collections() if name.startswith(named.table)]


def _expression(term: Term) -> str:
    """A term as Milvus reads it: numbers alone, so that no cell is ever part of the text."""
    numbers = ", ".join(str(_number(term.column, cell)) for cell in term.cells)
    any_of = f"array_contains_any(cells, [{numbers}])"
    return any_of if term.fulfil else f"not ({any_of})"


def _number(column: str, cell: str) -> int:
    """The number that stands for a cell of a column: 62 bits of a hash of both."""
    text = json.dumps([column, cell])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 2


def _first(error: BaseException) -> str:
    """The first line of what a server says."""
    text = str(getattr(error, "message", "") or error)
    return brief(text.strip().partition("\n")[0]).strip("'\"")
