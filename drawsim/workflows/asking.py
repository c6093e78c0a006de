"""What a search looks for, checked before anything is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.retrieval.index.asked import Asked, cropped, find_files, find_ids, parse_box
from drawsim.retrieval.index.folder import Index


@dataclass(frozen=True)
class Asking:
    """What is looked for: a group of images for each query, and what results should be unlike."""

    groups: Sequence[Sequence[Asked]]
    unlike: Sequence[Asked] = ()
    notes: Sequence[str] = ()

    @property
    def every(self) -> list[Asked]:
        """All images of all groups."""
        return [each for group in self.groups for each in group]

    @property
    def has_files(self) -> bool:
        """Whether a model is needed to embed something."""
        return any(each.id is None and not each.words for each in [*self.every, *self.unlike])

    @property
    def has_words(self) -> bool:
        """Whether a text is looked for."""
        return any(each.words for each in self.every)

    @property
    def single(self) -> bool:
        """Whether each query is one picture as it is."""
        alone = all(len(group) == 1 for group in self.groups)
        return alone and not self.unlike and not self.has_words


def ask(
    index: Index,
    *,
    ids: Sequence[str] = (),
    images: Sequence[Path] = (),
    texts: Sequence[str] = (),
    box: str | None = None,
    kind: Kind | None = None,
    unlike: Sequence[str] = (),
    combine: bool = False,
) -> Asking:
    """What is looked for, checked. See `conf/search` for what the parameters mean.

    Raises UserError for ids that are not there, boxes that are not inside, unreadable files.
    """
    asked = find_ids(index, ids, kind)
    files, notes = find_files(images, kind or "drawing")
    if box is not None:
        region = parse_box(box)
        if asked or len(files) != 1 or images[0].is_dir():
            raise UserError("box: a region of one image file: image=FILE box=x,y,width,height")
        cropped(images[0], region)
        files = [replace(files[0], box=region)]
    asked += files
    asked += [Asked(text, kind or "drawing", None, None, words=True) for text in texts]
    negatives: list[Asked] = []
    for name in unlike:
        if any(name in part.embeddings.rows for part in index.parts.values()):
            negatives += find_ids(index, [name], kind)
        elif Path(name).exists():
            negatives += find_files([Path(name)], kind or "drawing")[0]
        else:
            raise UserError(f"unlike: {name!r} is neither an id of the index nor an image file")
    groups = [asked] if combine else [[each] for each in asked]
    return Asking(groups, negatives, notes)
