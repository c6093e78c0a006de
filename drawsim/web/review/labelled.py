"""Tags, names and groups as tables."""

from __future__ import annotations

import pandas as pd

from drawsim.collection.tables import Collection
from drawsim.web.events.store import EventStore
from drawsim.web.queue.groups import Groups
from drawsim.web.queue.labels import Said, said_now

TAGS, NAME = "tags", "name"
"""Columns that are added to those of drawings.csv."""
BETWEEN = "; "
"""What stands between the tags of a cell; no tag has a semicolon."""
GROUP_COLUMNS = ("group", "motif", "name", "tags", "drawing_id", "belongs")


def with_labels(drawings: pd.DataFrame, said: Said) -> pd.DataFrame:
    """A table of drawings, indexed by id, with the columns `tags` and `name` as they are now.

    Columns of these names that were there before are replaced.
    """
    tags = [BETWEEN.join(said.tags.get(str(name), ())) for name in drawings.index]
    names = [said.names.get(str(name), "") for name in drawings.index]
    return drawings.assign(**{TAGS: tags, NAME: names})


def tagged_table(store: EventStore, collection: Collection, groups: Groups | None) -> pd.DataFrame:
    """The rows of drawings.csv that have a tag or a name, with the columns `tags` and `name`."""
    whole = with_labels(collection.originals, said_now(store, groups))
    return whole[(whole[TAGS] != "") | (whole[NAME] != "")].reset_index()


def group_table(store: EventStore, groups: Groups) -> pd.DataFrame:
    """A row for each drawing of a group that has a name or a tag, or lost a drawing.

    Columns: group (its key), motif (its id in motifs.json), name, tags, drawing_id, belongs (false:
    somebody took it out).
    """
    said = said_now(store, groups)
    rows = []
    for group in groups.every:
        name = said.group_names.get(group.key, "")
        tags = BETWEEN.join(said.group_tags.get(group.key, ()))
        removed = said.removed.get(group.key, frozenset())
        for drawing in group.members if name or tags or removed else ():
            belongs = drawing not in removed
            rows.append((group.key, group.number, name, tags, drawing, belongs))
    return pd.DataFrame(rows, columns=list(GROUP_COLUMNS)).astype({"belongs": bool})


def not_told(store: EventStore, groups: Groups | None) -> int:
    """How many groups have a name or tags that an export cannot tell: it does not know them."""
    said = said_now(store, groups)
    known = {} if groups is None else groups.by_key
    return len((said.group_names.keys() | said.group_tags.keys()) - known.keys())
