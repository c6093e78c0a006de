"""The annotations of the original project, as events of one annotator.

Its two tables say of a drawing and an artwork whether they are a pair: True, or False for those
that were left ambiguous. One of them lists the style copies of the drawings too, with the original
of each as `parent`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from drawsim.collection.grades import MATCH, UNDECIDED, Grade
from drawsim.collection.ids import IdList, among
from drawsim.collection.kinds import Kind
from drawsim.collection.pairs import read_pairs
from drawsim.collection.problems import Problems, raise_problems
from drawsim.collection.tables import Collection, ids_of
from drawsim.common.words import counted
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore

ANNOTATOR = "thesis"
GRADES: dict[bool, Grade] = {True: MATCH, False: UNDECIDED}
BY_HAND = MadeWith("none: found by hand", "")
"""No model ranked what the thesis's author leafed through."""


@dataclass(frozen=True)
class Imported:
    """What an import made of a table.

    added, known: events saved now, and those that an earlier import had saved. copies: rows of
    style copies, which are not imported: their drawing's own row says the same. left_out: ids of
    rows whose drawing or artwork the collection does not list.
    """

    file: Path
    annotator: str
    rows: int
    added: int
    known: int
    copies: int
    left_out: tuple[tuple[str, str], ...]

    @property
    def lines(self) -> list[str]:
        """The account for people."""
        lines = [
            f"{self.file}: {counted(self.rows, 'row')}",
            f"imported as {self.annotator}: {self.added}",
        ]
        if self.known:
            lines.append(f"imported before: {self.known}")
        if self.copies:
            lines.append(f"style copies, which follow their drawings: {self.copies}")
        if self.left_out:
            drawing, artwork = self.left_out[0]
            lines.append(
                f"left out, since the collection does not list their images: {len(self.left_out)}, "
                f"e.g. {drawing!r} with {artwork!r}"
            )
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


def import_thesis(
    store: EventStore, collection: Collection, file: Path, annotator: str = ANNOTATOR
) -> Imported:
    """Save a table of pairs as grades: MATCH for true, UNDECIDED for false.

    file: a CSV with drawing_id, artwork_id, pair (true or false) and, where it lists style copies,
    parent. A second import of the same rows adds nothing. Raises UserError that lists what is wrong
    in the table, with rows; then nothing is saved.
    """
    problems = Problems()
    listed: dict[Kind, IdList] = {
        "drawing": ids_of(collection.drawings),
        "artwork": ids_of(collection.artworks),
    }
    table = read_pairs(file, problems, listed)
    raise_problems(f"{file} cannot be imported", problems)
    copies = table["drawing_id"] != table["parent"]
    own = table[~copies]
    known = among(own["drawing_id"], collection.drawings.index) & among(
        own["artwork_id"], collection.artworks.index
    )
    drafts = [
        _draft(annotator, drawing, artwork, GRADES[bool(pair)])
        for drawing, artwork, pair in own.loc[
            known, ["drawing_id", "artwork_id", "pair"]
        ].itertuples(index=False)
    ]
    added = store.save(annotator, drafts, BY_HAND)
    gone = own.loc[~known, ["drawing_id", "artwork_id"]]
    return Imported(
        file=file,
        annotator=annotator,
        rows=len(table),
        added=len(added),
        known=len(drafts) - len(added),
        copies=int(copies.sum()),
        left_out=tuple(gone.itertuples(index=False, name=None)),
    )


def _draft(annotator: str, drawing: str, artwork: str, grade: Grade) -> Draft:
    """The same row by the same annotator has the same key, whenever it is imported."""
    text = "\0".join((annotator, drawing, artwork, grade))
    key = f"import-{hashlib.sha256(text.encode()).hexdigest()[:40]}"
    return Draft(key, "grade", "drawing", drawing_id=drawing, artwork_id=artwork, grade=grade)
