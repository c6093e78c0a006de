"""Judgements of style copies, which earlier versions queued, told of the drawings they are of."""

from __future__ import annotations

import pandas as pd

from drawsim.collection.tables import Collection


def of_originals(table: pd.DataFrame, collection: Collection) -> pd.DataFrame:
    """A table of EventStore with originals in place of their style copies.

    Where one annotator's rows then say the same thing of the same images twice, the latest counts.
    """
    if collection.copies.empty:
        return table
    parents = collection.parents.to_dict()

    def original(name: str) -> str:
        return parents.get(name, name)

    table = table.sort_values("at")
    if "drawing_id" in table:
        table = table.assign(drawing_id=table["drawing_id"].map(original))
        key = ["drawing_id", "artwork_id"]
    else:  # answers: what was seen are drawings where the query is an artwork
        drawn = table["kind"] == "drawing"
        seen = table["shown_ids"].map(lambda ids: tuple(dict.fromkeys(map(original, ids))))
        table = table.assign(
            id=table["id"].map(original).where(drawn, table["id"]),
            shown_ids=table["shown_ids"].where(drawn, seen),
        )
        key = ["kind", "id"]
    own = [] if "grade" in table and "kind" not in table else ["annotator"]  # not of adjudications
    return table.drop_duplicates([*own, *key], keep="last").reset_index(drop=True)
