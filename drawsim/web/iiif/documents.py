"""Pairs and lists of candidates as manifests, and what people marked in them as annotations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drawsim.collection.canvases import Places, places_of
from drawsim.collection.iiif.documents import (
    CONTEXT,
    THUMBNAIL,
    Leaf,
    Region,
    Row,
    collection,
    manifest,
)
from drawsim.collection.iiif.images import ImageService, Json, Source, whole_url
from drawsim.collection.iiif.names import url_name
from drawsim.collection.iiif.shown import Shown, museum_service, text_of
from drawsim.collection.kinds import Kind
from drawsim.web.iiif.images import LEVEL, Framed, size_of
from drawsim.web.pictures import NoPicture
from drawsim.web.queue.items import folded, texts
from drawsim.web.review.export import pair_table
from drawsim.web.review.originals import of_originals
from drawsim.web.services import Services

PAGE = 100
"""Pairs of a manifest."""
FOUND = 500
"""Annotations that a search tells, at most."""
Pair = tuple[str, str]


@dataclass(frozen=True)
class Exhibit:
    """The documents of an app. base: the address below which they are, with a slash at the end."""

    services: Services
    base: str

    def whole(self) -> Json:
        """The collection of the manifests of confirmed pairs; of none, as long as there is none."""
        pages = range(1, -(-len(self._pairs()) // PAGE) + 1)
        listed: list[Json] = [
            {
                "id": self._pairs_url(page),
                "type": "Manifest",
                "label": text_of(self._pairs_label(page)),
            }
            for page in pages
        ]
        return collection(f"{self.base}collection.json", self.services.settings.title, listed)

    def pairs(self, page: int) -> Json:
        """The manifest of some of the confirmed pairs, from page 1 on. Raises NoPicture beyond."""
        pairs = self._pairs()[(page - 1) * PAGE : page * PAGE]
        if not pairs:
            raise NoPicture("there are no more confirmed pairs")
        return self._manifest(self._pairs_url(page), self._pairs_label(page), pairs)

    def found(self, kind: Kind, name: str, k: int) -> Json:
        """The manifest of the first candidates of a picture. Raises NoSuchImage."""
        candidates = self.services.finder.candidates(kind, name, 0, k)
        pairs = [(name, each.id) if kind == "drawing" else (each.id, name) for each in candidates]
        facts = [[("Rank", str(each.rank))] for each in candidates]
        item = self.services.finder.item(kind, name)
        address = f"{self.base}found/{kind}/{url_name(name)}/manifest.json?k={k}"
        return self._manifest(address, f"Found for {item.title}", pairs, facts)

    def regions(self, pair: Pair) -> Json:
        """What was marked in a pair, and where the model sees one layout in both."""
        leaf = self._leaf(pair, [*self._marked([pair]).get(pair, []), *self._seen(pair)], ())
        return {"@context": CONTEXT, **leaf.annotation_page(self._regions_url(pair))}

    def search(self, address: str, words: str, motivation: str, user: str) -> Json:
        """Annotations in whose text all words occur (Content Search 2.0, section 3).

        motivation, user: those alone with one of these, separated by spaces; empty: all.
        """
        wanted = folded(words).split()
        motives, users = set(motivation.split()), set(user.split())
        items: list[Json] = []
        for pair, regions in self._marked(None).items():
            own = [
                each
                for each in regions
                if all(word in folded(f"{each.says} {each.by}") for word in wanted)
                and (not users or each.by in users)
            ]
            leaf = self._readable(pair) if own else None
            found = [] if leaf is None else replace(leaf, regions=own).annotations()
            items += [each for each in found if not motives or motives & _motives(each)]
            if len(items) >= FOUND:
                break
        contexts = ["http://iiif.io/api/search/2/context.json", CONTEXT]
        return {
            "@context": contexts,
            "id": address,
            "type": "AnnotationPage",
            "items": items[:FOUND],
        }

    def _pairs(self) -> list[Pair]:
        services = self.services
        table = pair_table(services.store, services.collection, services.settings.confirmed)
        table = table[table["pair"] & (table["drawing_id"] == table["parent"])]
        return list(zip(table["drawing_id"], table["artwork_id"], strict=True))

    def _pairs_url(self, page: int) -> str:
        return f"{self.base}pairs/{page}/manifest.json"

    def _pairs_label(self, page: int) -> str:
        return f"{self.services.settings.title}: confirmed pairs, {page}"

    def _regions_url(self, pair: Pair) -> str:
        return f"{self.base}regions/{url_name(pair[0])}/{url_name(pair[1])}"

    def _manifest(
        self,
        address: str,
        label: str,
        pairs: Sequence[Pair],
        facts: Sequence[Sequence[tuple[str, str]]] | None = None,
    ) -> Json:
        """A manifest of pairs; those whose pictures cannot be read are left out."""
        told = facts or [()] * len(pairs)
        every = (self._readable(pair, own) for pair, own in zip(pairs, told, strict=True))
        leaves = [leaf for leaf in every if leaf is not None]
        service = [{"id": f"{self.base}search", "type": "SearchService2"}]
        return manifest(address, label, leaves, service=service)

    def _readable(self, pair: Pair, facts: Sequence[tuple[str, str]] = ()) -> Leaf | None:
        """A canvas; None: one of its pictures cannot be read."""
        try:
            return self._leaf(pair, (), facts)
        except NoPicture:
            return None

    def _leaf(
        self, pair: Pair, regions: Sequence[Region], facts: Sequence[tuple[str, str]]
    ) -> Leaf:
        """A canvas, always the same for a pair. Raises NoPicture."""
        keys: tuple[tuple[Kind, str], ...] = (("drawing", pair[0]), ("artwork", pair[1]))
        names = "/".join(map(url_name, pair))
        both = [self._shown(*key) for key in keys]
        sizes = [(each.source.width, each.source.height) for each in both]
        row = Row.of(sizes)
        whole = self._source(f"rows/{names}", Framed(self.services.pictures, keys).size)
        scale = min(1.0, THUMBNAIL / max(whole.width, whole.height))
        small = max(1, round(whole.width * scale)), max(1, round(whole.height * scale))
        url = f"{self.base}rows/{names}/full/{small[0]},{small[1]}/0/default.jpg"
        return Leaf(
            f"{self.base}canvases/{names}",
            " – ".join(each.label for each in both),
            both,
            row,
            whole,
            Source(url, *small),
            regions,
            "" if regions else self._regions_url(pair),
            facts,
        )

    def _shown(self, kind: Kind, name: str) -> Shown:
        services = self.services
        width, height = size_of(services.pictures, kind, name)
        table = services.collection.drawings if kind == "drawing" else services.collection.artworks
        [(_, cells)] = texts(table.loc[[name]])
        place = self._places().get((kind, name))
        museum = museum_service(cells)
        if museum is None:
            source = self._source(f"images/{kind}/{url_name(name)}", (width, height))
        else:
            if place is not None and place.box is not None:
                width, height = place.box[2], round(place.box[2] * height / width)
            source = Source(whole_url(museum), width, height, service=museum)
        return Shown.of(kind, name, cells, source, place)

    def _source(self, path: str, size: tuple[int, int]) -> Source:
        service = ImageService(f"{self.base}{path}", level=LEVEL)
        return Source(whole_url(service), *size, service=service)

    def _places(self) -> Places:
        return places_of(self.services.collection)

    def _marked(self, pairs: Iterable[Pair] | None) -> Mapping[Pair, list[Region]]:
        """What annotators said of pairs, and marked in them; of all for None."""
        judged = of_originals(self.services.store.judgements(), self.services.collection)
        wanted = None if pairs is None else set(pairs)
        found: dict[Pair, list[Region]] = {}
        for number, row in enumerate(judged.to_dict("records")):
            pair = (str(row["drawing_id"]), str(row["artwork_id"]))
            if wanted is None or pair in wanted:
                found.setdefault(pair, []).append(
                    _region(number, {str(k): v for k, v in row.items()})
                )
        return found

    def _seen(self, pair: Pair) -> list[Region]:
        """Where the model sees one layout in both."""
        lens, pictures = self.services.finder.lens, self.services.pictures
        if lens is None:
            return []
        parts = lens.matched(pictures.file("drawing", pair[0]), pictures.file("artwork", pair[1]))
        return [Region("layout", parts, "both have one layout, the model finds")] if parts else []


def _region(number: int, row: Mapping[str, Any]) -> Region:
    """A judgement as a region: its boxes, or both pictures where none was drawn."""
    parts = row["drawing_box"], row["artwork_box"]
    if parts == (None, None):
        parts = (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0)
    says = f"{row['grade']}: {row['note']}" if row["note"] else str(row["grade"])
    return Region(f"judged-{number}", parts, says, str(row["annotator"]))


def _motives(annotation: Json) -> set[str]:
    said = annotation["motivation"]
    return {said} if isinstance(said, str) else set(said)
