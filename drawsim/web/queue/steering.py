"""Images like some and unlike others, and like words, by the code that the shell's search uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.retrieval.index.folder import Index
from drawsim.retrieval.index.queries import (
    Queries,
    combined,
    fused,
    joined,
    of_ids,
    of_vectors,
    search,
)
from drawsim.web.queue.finder import Finder, Ranked
from drawsim.web.queue.lists import row_of

Images = Sequence[tuple[Kind, str]]
"""Images of the collection, each by its kind and id."""


def steered(
    finder: Finder,
    kind: Kind,
    like: Images,
    unlike: Images = (),
    text: str = "",
    count: int = 40,
) -> Ranked:
    """Images of a kind like the mean of some images and a text, and unlike the mean of others.

    As search ranks them for the same (`combine=mean unlike=… text=…`); none of the images is found.
    Raises NoSuchImage, and UserError where there is nothing to be like, where they cancel each
    other, and for a text where the app knows no words.
    """
    for own, name in (*like, *unlike):
        finder.item(own, name)
    if not like and not text:
        raise UserError("choose a picture, or words, that what is found should be like")
    lists = []
    for index in finder.indexes:
        wanted = [*_of(index, like), *_of_text(finder, index, text)]
        others = _of(index, unlike)
        query = combined(joined(wanted), joined(others) if others else None)
        depth = count if len(finder.indexes) == 1 else len(index.part(kind).embeddings.ids)
        with finder.searching:
            lists.append(search(index, kind, query, depth, ann=finder.ann))
    found = lists[0] if len(lists) == 1 else fused(lists, lists[0].ids.shape[1])
    held = finder.tables[kind].index
    rows = [row for row in zip(*row_of(found), strict=True) if row[0] in held][:count]
    made = [
        replace(finder.candidate(kind, name, rank, score, None), above=None)
        for rank, (name, score) in enumerate(rows, 1)
    ]
    return Ranked(made, "")


def fitting(finder: Finder, images: Images, texts: Sequence[str], count: int = 5) -> list[str]:
    """The texts that fit the mean of some images best, by cosine; none where no words are known."""
    if finder.words is None or not texts:
        return []
    mean = combined(joined(_of(finder.indexes[0], images)))
    scores = finder.words.vectors(texts) @ mean.vectors[0]
    return [texts[place] for place in scores.argsort(descending=True)[:count].tolist()]


def _of(index: Index, images: Images) -> list[Queries]:
    return [of_ids(index, kind, [name]) for kind, name in images]


def _of_text(finder: Finder, index: Index, text: str) -> list[Queries]:
    if not text:
        return []
    if finder.words is None:
        raise UserError("words cannot be looked for here; start the app with words=true")
    return [of_vectors([text], finder.words.vectors([text]), index.model)]
