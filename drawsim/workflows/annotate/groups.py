"""Groups of drawings: opened for a collection, and one of them written as a collection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drawsim.collection.grades import CONFIRMED, Grade
from drawsim.collection.summary import Summary
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError, nearest
from drawsim.preparing.subset import write_subset
from drawsim.retrieval.motifs.files import read_motifs
from drawsim.web.events.store import EventStore
from drawsim.web.queue.groups import Groups
from drawsim.web.queue.labels import Said, said_now
from drawsim.web.review.export import pair_table
from drawsim.web.review.labelled import with_labels


def groups_of(folder: Path, collection: Collection) -> Groups:
    """The groups of a folder of motifs. Raises UserError if they are of another collection."""
    motifs = read_motifs(folder)
    motifs.check_drawings(collection.originals.index, f"the collection {collection.root}")
    return Groups(motifs)


def export_group(
    collection: Collection,
    store: EventStore | None,
    groups: Groups,
    number: str,
    out: Path,
    confirmed: Sequence[Grade] = CONFIRMED,
) -> Summary:
    """Write the drawings of a group as a collection, without those that were taken out of it.

    The gallery is that of the collection, the pairs, with all that was judged in the app, and the
    splits are those of the drawings; the columns `tags`, `name` and, where the group has a name,
    `group` say what was said in the app. Images stay where they are. store: None where nothing was
    ever said. confirmed: grades that make a pair true. Raises UserError for a group that is not
    there, for one without drawings, if `out` lies in the collection, and if it holds what would be
    lost.
    """
    by_number = {group.number: group for group in groups.every}
    if number not in by_number:
        raise UserError(f"group={number}: {nearest(number, by_number)}")
    if out.resolve().is_relative_to(collection.root.resolve()):
        raise UserError(f"out={out}: lies in the collection; choose a folder beside it")
    group = by_number[number]
    said = Said() if store is None else said_now(store, groups)
    left = set(group.members) - said.removed.get(group.key, frozenset())
    if not left:
        raise UserError(f"group={number}: all of its drawings were taken out of it; put one back")
    table = with_labels(collection.drawings, said)
    if name := said.group_names.get(group.key):
        table = table.assign(group=name)
    pairs = None if store is None else pair_table(store, collection, confirmed)
    own = collection.parents.reindex(table.index).isin(left)
    return write_subset(collection, table[own.to_numpy()], out, pairs=pairs)
