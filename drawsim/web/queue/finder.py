"""What the app knows of images and what it finds for them: by id, by words, by a picture."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from PIL import Image

from drawsim.collection.iiif.documents import Part
from drawsim.collection.kinds import KINDS, Kind
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.retrieval.analysis.calibration import Calibration, Chance
from drawsim.retrieval.index.folder import MANIFEST, Index
from drawsim.retrieval.index.queries import Hits, Queries, fused, of_ids, of_vectors, search
from drawsim.retrieval.index.results import check_calibration, picture, top_chances
from drawsim.retrieval.index.strangers import Strangers, strangers_of
from drawsim.web.events.drafts import MadeWith
from drawsim.web.queue.items import Candidate, Item, folded, items_of, texts, words_of
from drawsim.web.queue.lists import common, disagreement, margins, row_of

BLOCK = 200
"""Lists are made this many candidates longer at a time, so that pages of one list fit together."""
KEPT = 64
"""Lists that are kept, for the next pages of them."""
COMPARED = 10
"""First candidates by which the disagreement of models is measured."""


class NoSuchImage(UserError):  # noqa: N818  (it says what is so, to whoever reads a signature)
    """A drawing or artwork that the index does not hold."""


@dataclass(frozen=True)
class _List:
    """Ids and scores of the first candidates, best first; chance: of the very first.

    fault: as `Ranked` has it.
    """

    ids: list[str]
    scores: list[float]
    chance: Chance | None = None
    fault: str = ""


class _FaultyError(Exception):
    """A list that is not kept: what was in its way may be gone the next time."""

    def __init__(self, found: _List) -> None:
        super().__init__(found.fault)
        self.found = found


class Ranked(list[Candidate]):
    """Candidates, best first.

    fault: why they are not re-ranked though the model would, for people; empty: they are, or none
    ever are.
    """

    def __init__(self, candidates: Iterable[Candidate], fault: str) -> None:
        super().__init__(candidates)
        self.fault = fault


class Lens(Protocol):
    """The model of the first index, for what the index does not hold."""

    @property
    def least_side(self) -> int | None:
        """Pixels of each side that decoding must leave of a whole picture; None: all there are."""

    def embed(self, pixels: np.ndarray, kind: Kind) -> np.ndarray:
        """The (d,) unit vector of a picture, (height, width, 3) uint8 RGB."""

    def overlay(self, drawing: Path, artwork: Path) -> Image.Image | None:
        """Both image files side by side with what they share; None: no common layout."""

    def matched(self, drawing: Path, artwork: Path) -> tuple[Part, Part] | None:
        """The parts of both image files that share a layout, as fractions; None: none do.

        Raises ImageReadError if one of the two cannot be read.
        """

    @property
    def depth(self) -> int:
        """How many of the first candidates are looked at again; 0: none are."""

    def look_again(
        self, index: Index, query: Queries, picture: Path | np.ndarray | None, found: Hits
    ) -> Hits:
        """What a query and its picture, a file or pixels, found, as the model re-ranks it.

        Raises UserError where the picture is needed and cannot be had.
        """


class Words(Protocol):
    """The text tower of the only index's model."""

    def vectors(self, texts: Sequence[str]) -> torch.Tensor:
        """(n, d) unit vectors of texts."""


class Finder:
    """Looks up images and ranks candidates; may be used by several threads.

    indexes: candidates are those of the first, or of all, fused by rank. lens: None where there is
    no model; then a picture cannot be looked up. calibration: of the only index; None: how likely
    a match is, is not known. made_with: what ranked the candidates. tables: by kind, the
    collection's rows that all indexes hold, of drawings the originals. kinds: what queries can be.
    ann: search the only index approximately. words: looks for texts; None: they cannot be.
    Raises UserError if the indexes do not hold drawings and artworks, one holds images that the
    collection does not have, or the calibration is not theirs.
    """

    def __init__(
        self,
        indexes: Sequence[Index],
        lens: Lens | None,
        collection: Collection,
        calibration: Calibration | None = None,
        ann: bool = False,
        words: Words | None = None,
    ) -> None:
        self.words = words if len(indexes) == 1 else None
        self.indexes = list(indexes)
        self.ann = ann and len(self.indexes) == 1  # lists that are fused are whole
        self.lens = lens
        self.calibration = calibration
        if calibration is not None:
            if len(self.indexes) > 1:
                raise UserError("calibration: is of the lists of one model; give one index")
            check_calibration(calibration, self.indexes[0].model)
        for index in self.indexes:
            index.check_collection(collection)
            for kind in KINDS:
                part = index.part(kind)
                if self.ann:
                    _ = part.ann  # or it is told now why not
        self.made_with = _made_with(self.indexes)
        listed = {"drawing": collection.originals, "artwork": collection.artworks}
        self.tables: Mapping[Kind, pd.DataFrame] = {
            kind: listed[kind].loc[common(self.indexes, kind)] for kind in KINDS
        }
        for kind, table in self.tables.items():
            if table.empty:
                raise UserError(f"the indexes have no {kind} in common")
        self.kinds = KINDS
        self._items = {kind: items_of(kind, table) for kind, table in self.tables.items()}
        self._words = {
            kind: {name: words_of(name, table_row) for name, table_row in texts(table)}
            for kind, table in self.tables.items()
        }
        pairs = collection.true_pairs
        self._known = frozenset(zip(pairs["drawing_id"], pairs["artwork_id"], strict=True))
        self._strangers: Mapping[Kind, Strangers | None] = {
            kind: strangers_of(self.indexes[0], kind, other(kind)) if self._plain else None
            for kind in KINDS
        }
        self.searching = threading.Lock()
        self._list = functools.lru_cache(KEPT)(self._make_list)

    @property
    def _plain(self) -> bool:
        """Whether scores are cosines: not of fused lists, nor of those that are looked at again."""
        return len(self.indexes) == 1 and (self.lens is None or not self.lens.depth)

    @property
    def ids(self) -> Mapping[Kind, list[str]]:
        """What queries there are, in the order of the tables."""
        return {kind: list(table.index) for kind, table in self.tables.items()}

    def item(self, kind: Kind, name: str) -> Item:
        """What is known about an image. Raises NoSuchImage."""
        try:
            return self._items[kind][name]
        except KeyError:
            raise NoSuchImage(f"no {kind} {name!r} in the index") from None

    def count(self, kind: Kind) -> int:
        """How many candidates a query of this kind has."""
        return len(self._items[other(kind)])

    def candidates(self, kind: Kind, name: str, start: int = 0, count: int = 20) -> Ranked:
        """Candidates of the other kind, best first, from place `start` (from 0) on.

        Fewer, or none, at the end of the list. Raises NoSuchImage.
        """
        self.item(kind, name)
        end = start + count
        whole = self._listed(kind, name, end)
        found = zip(whole.ids[start:end], whole.scores[start:end], strict=True)
        made = [
            self.candidate(
                other(kind), each, rank, score, name, whole.chance if rank == 1 else None
            )
            for rank, (each, score) in enumerate(found, start + 1)
        ]
        return Ranked(made, whole.fault)

    def by_pixels(self, pixels: np.ndarray, kind_of_query: Kind, count: int = 40) -> Ranked:
        """Candidates for a picture, (height, width, 3) uint8 RGB, by the first index.

        In all stages of its model's ranking, as search has them for the same picture. Raises
        UserError where there is no model.
        """
        if self.lens is None:
            raise UserError("a picture cannot be looked up: the index does not say its model")
        vector = torch.from_numpy(self.lens.embed(pixels, kind_of_query))
        index = self.indexes[0]
        kind = other(kind_of_query)
        total = len(index.part(kind).embeddings.ids)
        # Other indexes may lack some of what the first one finds.
        asked = min(total, max(count + total - len(self._items[kind]), self.lens.depth))
        query = of_vectors(["picture"], vector[None], index.model)
        hits = search(index, kind, query, asked, ann=self.ann)
        hits, fault = self._look_again(query, lambda: pixels, hits)
        found = [
            (name, score)
            for name, score in zip(*row_of(hits), strict=True)
            if name in self._items[kind]
        ]
        made = [
            self.candidate(kind, name, rank, score, None)
            for rank, (name, score) in enumerate(found[:count], 1)
        ]
        return Ranked(made, fault)

    def by_text(self, kind: Kind, text: str, limit: int = 60) -> list[Item]:
        """Images in whose id or metadata all words occur, whatever their accents and capitals.

        An id that is the text comes first, then ids that begin with it, then the others.
        """
        whole, words = folded(text.strip()), folded(text).split()
        if not words:
            return []
        found = [
            (0 if own == whole else 1 if own.startswith(whole) else 2, name)
            for name, (own, every) in self._words[kind].items()
            if all(word in every for word in words)
        ]
        found.sort(key=lambda each: each[0])
        return [self._items[kind][name] for _, name in found[:limit]]

    def check_likely(self, kind: Kind) -> None:
        """Raise UserError if it is not known how likely queries of a kind have a match."""
        if self.calibration is None or kind != "drawing":
            lacking = "drawings alone" if self.calibration else "no drawing: nothing is calibrated"
            raise UserError(
                f"how likely the first candidate is a match, is known of {lacking}; choose "
                "another order"
            )

    def unsure(self, kind: Kind, names: Sequence[str]) -> np.ndarray:
        """How unsure the models are of some queries of a kind, (Q,); larger is less sure.

        One model: the difference of its two best scores, negated (margin sampling; Scheffer,
        Decomain and Wrobel, "Active hidden Markov models for information extraction", 2001).
        Several: the mean Jaccard distance between their first ten, 0..1 (query by committee; Seung,
        Opper and Sompolinsky, 1992); of equals, the smaller mean margin is more unsure.
        """
        k = min(COMPARED, self.count(kind))
        lists = [self._search(index, kind, names, k) for index in self.indexes]
        near = np.mean([margins(hits) for hits in lists], axis=0)
        # A margin is at most 2, the range of a cosine: too little to change another order.
        return -near if len(lists) == 1 else disagreement(lists) - 1e-6 * near

    def candidate(
        self,
        kind: Kind,
        name: str,
        rank: int,
        score: float,
        query: str | None,
        chance: Chance | None = None,
    ) -> Candidate:
        """A candidate of a query of the other kind; None: of a picture."""
        item = self._items[kind][name]
        known = query is not None and self.is_known(other(kind), query, name)
        strangers = self._strangers[other(kind)]
        above = None if strangers is None else float(strangers.below(np.array(score)))
        told = item.title, item.artist, item.details, item.rights
        return Candidate(kind, name, rank, score, above, chance, *told, known)

    def is_known(self, kind: Kind, name: str, candidate: str) -> bool:
        """Whether a query and a candidate are a confirmed pair of the collection."""
        pair = (name, candidate) if kind == "drawing" else (candidate, name)
        return pair in self._known

    def _listed(self, kind: Kind, name: str, end: int) -> _List:
        """A list of `end` candidates or more, as far as there are so many."""
        depth = self.count(kind)
        if len(self.indexes) == 1:
            depth = min(-(-end // BLOCK) * BLOCK, depth)
        try:
            return self._list(kind, name, depth)
        except _FaultyError as faulty:
            return faulty.found

    def _make_list(self, kind: Kind, name: str, depth: int) -> _List:
        """The first candidates; of several models all, for what is fused of parts of their lists
        depends on how long the parts are."""
        if len(self.indexes) == 1:
            return self._by_model(kind, name, depth)
        held = self._items[other(kind)]
        sizes = [len(index.part(other(kind)).embeddings.ids) for index in self.indexes]
        lists = [
            self._search(index, kind, [name], size)
            for index, size in zip(self.indexes, sizes, strict=True)
        ]
        found = zip(*row_of(fused(lists, max(sizes))), strict=True)
        both = [(each, score) for each, score in found if each in held]
        return _List([each for each, _ in both], [score for _, score in both])

    def _by_model(self, kind: Kind, name: str, depth: int) -> _List:
        """What the only index finds, in all stages of its model's ranking, as search has it."""
        index, again = self.indexes[0], 0 if self.lens is None else self.lens.depth
        found = self._search(index, kind, [name], max(depth, min(again, self.count(kind))))
        chance, nearest = None, found.ids[0, 0]
        if self.calibration is not None and kind == "drawing":
            [chance] = top_chances(found, index, self.calibration)
        query = of_ids(index, kind, [name])
        found, fault = self._look_again(query, lambda: picture(index, kind, name), found)
        # The calibration is of lists by embedding alone: of another first one it says nothing.
        whole = _List(*row_of(found), chance if found.ids[0, 0] == nearest else None, fault)
        if fault:
            raise _FaultyError(whole)
        return whole

    def _look_again(
        self, query: Queries, asked: Callable[[], Path | np.ndarray | None], found: Hits
    ) -> tuple[Hits, str]:
        """What the first index found, as its model re-ranks it, or as it is; and why the latter.

        asked: gives the query's picture.
        """
        if self.lens is None or not self.lens.depth:
            return found, ""
        seen = None
        try:
            seen = asked()
            return self.lens.look_again(self.indexes[0], query, seen, found), ""
        except UserError as error:
            # Whoever judges needs a list even so; where the file lies is not theirs to know.
            return found, str(error).removeprefix(f"{seen}: " if isinstance(seen, Path) else "")

    def _search(self, index: Index, kind: Kind, names: Sequence[str], k: int) -> Hits:
        # One search at a time: it takes all cores by itself.
        with self.searching:
            queries: Queries = of_ids(index, kind, names)
            return search(index, other(kind), queries, k, ann=self.ann)


def other(kind: Kind) -> Kind:
    """What the candidates of a query are."""
    return "artwork" if kind == "drawing" else "drawing"


def _made_with(indexes: Sequence[Index]) -> MadeWith:
    """The models' names, and the SHA-256 of the manifest, or of several manifests' hashes."""
    hashes = [hashlib.sha256((i.folder / MANIFEST).read_bytes()).hexdigest() for i in indexes]
    whole = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    names = (f"{i.model.name} ({i.model.weights_sha256[:12]})" for i in indexes)
    return MadeWith("; ".join(names), whole)
