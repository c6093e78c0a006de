"""Vectors in PostgreSQL with its extension pgvector: in the server that keeps the annotations, too.

A graph (HNSW) over vectors of half precision; what it finds is scored again by the vectors of the
index's folder, so that halves cost nothing but a few more candidates, and take half the room and
time. Filters are SQL: cells of the index's tables are beside the vectors. Rows carry the change of
the index that brought them and the one that took them out: whoever reads an index of before still
finds its rows, and what an interrupted change left is seen by nobody. A build is one transaction.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.retrieval.index.base import Approximate, InDatabase, Items
from drawsim.retrieval.index.databases import (
    AGAIN,
    Named,
    chosen_address,
    key_of,
    storable,
)
from drawsim.retrieval.index.filters import Passing, Term
from drawsim.retrieval.index.gallery import EmbeddingModel
from drawsim.retrieval.index.postgres import REGISTRY, Server

MOST_DIMENSIONS = 4000
"""Of a vector of half precision that a graph can be built over."""
WIDEST = 1000
"""The largest hnsw.ef_search; an iterative scan goes on from there."""
BLOCK = 1000
"""Rows that are read from the folder at a time."""
MEMORY = 2048
"""MiB in which the server may build the graph, at most; a graph that takes more is slow."""
FOREVER = 2**31 - 1
"""The change that takes out what is in the index."""
Key = bytes
"""What `key_of` makes of an id."""


@dataclass(frozen=True)
class Pgvector(InDatabase):
    """neighbours: links of each item (m). build_width, search_width: items that are kept in view
    while a new item is linked (ef_construction) and while a query is answered (ef_search)."""

    ending = "pgvector"

    neighbours: int = 16
    build_width: int = 100
    search_width: int = 200

    def build(self, items: Items) -> PgvectorTable:
        place = items.place
        if place.model.dimensions > MOST_DIMENSIONS:
            raise UserError(
                f"ann=pgvector: takes vectors of {MOST_DIMENSIONS:,} dimensions at most, not of "
                f"{place.model.dimensions:,}; take ann=hnsw"
            )
        server = Server(chosen_address(place.database))
        server.prepare()
        table = PgvectorTable(
            self, Named.new(server.shown, place), server, items, born=place.change
        )
        file = place.file(self.ending)
        table.named.write(file)
        try:
            with server.failing("cannot take the vectors"):
                table.create()
        except UserError:
            server.close()
            file.unlink()
            raise
        return table

    def load(self, items: Items) -> PgvectorTable:
        place = items.place
        named = Named.read(place.file(self.ending))
        server = Server(chosen_address(place.database, named))
        table = PgvectorTable(self, named, server, items, born=place.change)
        table.check()
        return table

    def tidy(self, items: Items) -> None:
        place = items.place
        named = Named.read(place.file(self.ending))
        server = Server(chosen_address(place.database, named))
        with server.failing("cannot be tidied"), server.transaction() as run:
            gone = f"DELETE FROM {named.table} WHERE died <= %s OR born > %s"
            run.execute(gone, [place.change, place.change])
        server.close()

    @classmethod
    def drop(cls, file: Path, database: str | None) -> None:
        named = Named.read(file)
        if named.elsewhere(file):
            return
        server = Server(chosen_address(database, named))
        with server.failing("cannot be tidied"), server.transaction() as run:
            if named.owned_by(file.parent):
                run.execute(f"DROP TABLE IF EXISTS {named.table}")
                run.execute(f"DELETE FROM {REGISTRY} WHERE name = %s", [named.name])
        server.close()


class PgvectorTable(Approximate):
    """born: the change of the index that it searches. items: what is searched."""

    def __init__(
        self, settings: Pgvector, named: Named, server: Server, items: Items, born: int
    ) -> None:
        self.settings: Pgvector = settings
        self.named = named
        self.server = server
        self.items = items
        self.change = born

    @property
    def count(self) -> int:
        with self.server.failing("cannot be read"), self.server.transaction() as run:
            asked = f"SELECT count(*) FROM {self.named.table} WHERE born <= %s AND died > %s"
            return int(run.execute(asked, [self.change, self.change]).fetchone()[0])

    @property
    def bytes(self) -> int:
        with self.server.failing("cannot be read"), self.server.transaction() as run:
            asked = "SELECT pg_total_relation_size(%s::regclass)"
            return int(run.execute(asked, [self.named.table]).fetchone()[0])

    def looked_at(self, k: int) -> int:
        return k + max(10, k // 4)  # halves put near-equal scores in another order

    def create(self) -> None:
        """The table, with all items and their graph, in a transaction that `save` ends."""
        place, table = self.items.place, self.named.table
        run = self.server.connection
        run.execute(
            f"INSERT INTO {REGISTRY} (name, kind, owner, model) VALUES (%s, %s, %s, %s)",
            [
                self.named.name,
                place.kind,
                self.named.owner,
                storable(json.dumps(asdict(place.model), ensure_ascii=False)),
            ],
        )
        run.execute(
            f"CREATE TABLE {table} (key bytea, id text NOT NULL, facts jsonb NOT NULL, "
            f"vector halfvec({place.model.dimensions}) NOT NULL, born int NOT NULL, "
            f"died int NOT NULL DEFAULT {FOREVER}, PRIMARY KEY (key, born))"
        )
        self._copy(self.items, range(len(self.items.ids)))
        each = 2 * place.model.dimensions + 32 * self.settings.neighbours + 200
        room = min(MEMORY, 64 + 2 * each * len(self.items.ids) // 2**20)
        run.execute(f"SET LOCAL maintenance_work_mem = '{room}MB'")
        run.execute(
            f"CREATE INDEX ON {table} USING hnsw (vector halfvec_ip_ops) "
            f"WITH (m = {self.settings.neighbours}, ef_construction = {self.settings.build_width})"
        )
        run.execute(f"ANALYZE {table}")

    def check(self) -> None:
        """Raise UserError if the database does not hold what the index says, of its model."""
        place, where = self.items.place, self.server.shown
        with self.server.failing("cannot be read"), self.server.transaction() as run:
            known = run.execute("SELECT to_regclass(%s)", [REGISTRY]).fetchone()[0]
            asked = f"SELECT model FROM {REGISTRY} WHERE name = %s AND kind = %s"
            found = run.execute(asked, [self.named.name, place.kind]).fetchone() if known else None
        if found is None:
            raise UserError(
                f"{place.folder}: database {where} does not hold its {place.kind}s; give the one "
                f"that does, or {AGAIN}"
            )
        try:
            made = EmbeddingModel(**json.loads(found[0]))
        except (ValueError, TypeError) as error:
            raise UserError(
                f"{place.folder}: what database {where} says of its {place.kind}s is damaged, or "
                f"of another version; {AGAIN}"
            ) from error
        if made.space != place.model.space:
            raise UserError(
                f"{place.folder}: index of {place.model}, but what is kept in {where} is of "
                f"{made}; {AGAIN}"
            )

    def remove(self, items: Items, ids: Sequence[str]) -> None:
        with self._changing(items) as run:
            run.execute(
                f"UPDATE {self.named.table} SET died = %s WHERE key = ANY(%s) AND died > %s",
                [items.place.change, [key_of(name) for name in ids], items.place.change],
            )

    def add(self, items: Items, rows: Sequence[int]) -> None:
        with self._changing(items):
            self._copy(items, rows)

    def save(self, items: Items) -> None:
        self.named.write(items.place.file(self.settings.ending))
        with self.server.failing("cannot take the vectors"):
            self.server.connection.commit()
        self.items, self.change = items, items.place.change
        self.__dict__.pop("_rows", None)

    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        terms = () if passing is None else passing.terms
        where = " AND ".join(["born <= %s AND died > %s", *(_sql(term) for term in terms)])
        asked = (
            f"SELECT key, vector <#> %s FROM {self.named.table} WHERE {where} "
            f"ORDER BY vector <#> %s LIMIT {k}"
        )
        wanted = [self.change, self.change, *(v for term in terms for v in _values(term))]
        scores = torch.full((len(queries), k), -torch.inf)
        rows = torch.full((len(queries), k), -1, dtype=torch.int64)
        width = str(min(WIDEST, max(self.settings.search_width, 2 * k)))
        half = importlib.import_module("pgvector").HalfVector
        # A connection is in one transaction at a time, however many threads search.
        with (
            self.server.lock,
            self.server.failing("cannot be searched"),
            self.server.awake() as run,
        ):
            run.execute(
                "SELECT set_config('hnsw.ef_search', %s, true), "
                "set_config('hnsw.iterative_scan', 'relaxed_order', true), "
                # Else the planner sorts all that passes a filter, and leaves the graph alone.
                "set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)",
                [width],
            )
            for place, query in enumerate(queries.numpy()):
                vector = half(query)
                found = run.execute(asked, [vector, *wanted, vector]).fetchall()
                # What this index does not know, and what passes by a sign that no database keeps.
                known = [
                    (row, -distance)
                    for key, distance in found
                    if (row := self._rows.get(key)) is not None
                    and (passing is None or passing.mask[row])
                ]
                rows[place, : len(known)] = torch.tensor([row for row, _ in known]).long()
                scores[place, : len(known)] = torch.tensor([score for _, score in known])
        return scores, rows

    @cached_property
    def _rows(self) -> dict[Key, int]:
        """The row of each key."""
        return {key_of(name): row for row, name in enumerate(self.items.ids)}

    @contextmanager
    def _changing(self, items: Items) -> Iterator[Any]:
        """A transaction that `save` ends; what a change that was interrupted left is undone."""
        self.named.check_owned(items.place)
        self.server.prepare()
        with self.server.failing("cannot be changed"):
            run, table = self.server.connection, self.named.table
            run.execute(f"SELECT 1 FROM {REGISTRY} WHERE name = %s FOR UPDATE", [self.named.name])
            if self.change != items.place.change:
                run.execute(f"DELETE FROM {table} WHERE born > %s", [self.change])
                undone = f"UPDATE {table} SET died = {FOREVER} WHERE died > %s AND died < {FOREVER}"
                run.execute(undone, [self.change])
                self.change = items.place.change
            yield run

    def _copy(self, items: Items, rows: Sequence[int]) -> None:
        """Put rows of items into the table."""
        half = importlib.import_module("pgvector").HalfVector
        said = items.table.reset_index(names="id")
        columns = f"{self.named.table} (key, id, facts, vector, born)"
        with (
            self.server.connection.cursor() as cursor,
            cursor.copy(f"COPY {columns} FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(["bytea", "text", "jsonb", "halfvec", "int4"])
            for start in range(0, len(rows), BLOCK):
                some = list(rows[start : start + BLOCK])
                vectors = items.vectors[some].float().numpy().astype(np.float16)
                cells = said.iloc[some].to_dict("records")
                for row, vector, facts in zip(some, vectors, cells, strict=True):
                    told = {storable(str(c)): storable(str(cell)) for c, cell in facts.items()}
                    name = items.ids[row]
                    json_text = json.dumps(told, ensure_ascii=False)
                    values = [key_of(name), storable(name), self.server.jsonb(told, json_text)]
                    copy.write_row([*values, half(vector), items.place.change])


def _sql(term: Term) -> str:
    """A term with places for `_values`: no name and no cell is ever part of the text."""
    return f"coalesce(facts->>%s, '') {'= ANY' if term.fulfil else '<> ALL'}(%s::text[])"


def _values(term: Term) -> list[Any]:
    return [storable(term.column), [storable(cell) for cell in term.cells]]
