"""The rights in the pictures of an exported table: it may travel without the collection."""

from __future__ import annotations

import pandas as pd

from drawsim.collection.kinds import KINDS
from drawsim.collection.rights import NOTHING, rights_in
from drawsim.collection.tables import Collection


def with_rights(table: pd.DataFrame, collection: Collection) -> pd.DataFrame:
    """The same with what is known of the rights in the pictures that its rows name.

    table: `drawing_id`, and maybe `artwork_id`. Columns that come last, where they say anything:
    `drawing_rights`, `drawing_required_statement`, and the same of artworks. A licence is told by
    its address where it has one.
    """
    rights = rights_in(collection)
    added: dict[str, list[str]] = {}
    for kind in KINDS:
        if f"{kind}_id" in table.columns:
            own = [rights.get((kind, str(name)), NOTHING) for name in table[f"{kind}_id"]]
            added[f"{kind}_rights"] = [each.address or each.label for each in own]
            added[f"{kind}_required_statement"] = [each.statement for each in own]
    told = {name: cells for name, cells in added.items() if any(cells)}
    return table.drop(columns=list(added), errors="ignore").assign(**told)
