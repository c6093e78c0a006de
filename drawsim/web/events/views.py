"""What holds now, read from events through SQL views; SQLite and PostgreSQL serve alike."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    MetaData,
    Table,
)

from drawsim.web.events.tables import EventRow

VIEWS = {
    "counting": "SELECT * FROM events AS e WHERE action <> 'undo' "
    "AND NOT EXISTS (SELECT 1 FROM events AS u WHERE u.undoes = e.key)"
}
"""The current state, in SQL. The events that still count come first; the others stand on them."""
_views = MetaData()  # apart from the tables, so that nobody creates a view as a table


def _newest(name: str, columns: str, each: str, among: str, keep: str = "") -> Table:
    """Add a view: for each of something, the newest counting event among some, if it is to keep."""
    VIEWS[name] = (
        f"SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY {each} ORDER BY id DESC)"
        f" AS newest FROM counting WHERE {among}) AS latest WHERE newest = 1 {keep}"
    )
    of_events = EventRow.__table__.c
    parts = [part.split(" AS ") for part in columns.split(", ")]
    return Table(name, _views, *(Column(part[-1], of_events[part[0]].type) for part in parts))


COUNTING = Table("counting", _views, *(Column(c.name, c.type) for c in EventRow.__table__.c))


_PAIR = "annotator, drawing_id, artwork_id"
_HOW = "kind, at, rank, score, shown, seconds, audit, model, index_sha256"

NOTES = _newest(
    "notes",
    f"{_PAIR}, note, at",
    each=_PAIR,
    among="action <> 'adjudicate' AND (action = 'note' OR note <> '')",
    keep="AND note <> ''",
)
"""What each annotator noted last on each pair (both ids) and on each query (its id alone)."""
BOXES = _newest(
    "boxes",
    f"{_PAIR}, drawing_box, artwork_box, at",
    each=_PAIR,
    among="action = 'box'",
    keep="AND (drawing_box IS NOT NULL OR artwork_box IS NOT NULL)",
)
"""The boxes that each annotator drew last on each pair."""
JUDGEMENTS = _newest(
    "judgements",
    f"{_PAIR}, grade, {_HOW}",
    each=_PAIR,
    among="action IN ('grade', 'clear')",
    keep="AND action = 'grade'",
)
"""The grade that each annotator gave each pair last, unless it was taken away."""
ANSWERS = _newest(
    "answers",
    f"annotator, query_id AS id, action AS answer, shown_ids, {_HOW}",
    each="annotator, kind, query_id",
    among="action IN ('done', 'none', 'skip') AND group_id IS NULL",
)
"""How each annotator left each query."""
ADJUDICATIONS = _newest(
    "adjudications",
    "drawing_id, artwork_id, grade, annotator, at, note",
    each="drawing_id, artwork_id",
    among="action = 'adjudicate'",
)
"""The last word of a reviewer on each pair."""

_THING = "group_id, CASE WHEN group_id IS NULL THEN drawing_id END"
_SAID = "drawing_id, group_id, label, annotator, at, key"
TAGS = _newest(
    "tags",
    _SAID,
    each=f"{_THING}, label",
    among="action IN ('tag', 'untag')",
    keep="AND action = 'tag'",
)
"""The tags of drawings and of groups, whoever gave or took them last."""
NAMES = _newest("names", _SAID, each=_THING, among="action = 'name'", keep="AND label <> ''")
"""The names of drawings and of groups, as they were given last."""
REMOVED = _newest(
    "removed",
    "group_id, drawing_id, annotator, at",
    each="group_id, drawing_id",
    among="action IN ('remove', 'restore')",
    keep="AND action = 'remove'",
)
"""The drawings that do not belong to the group they were found in."""
GROUP_ANSWERS = _newest(
    "group_answers",
    "annotator, group_id, action AS answer, at",
    each="annotator, group_id",
    among="action IN ('done', 'skip') AND group_id IS NOT NULL",
)
"""How each annotator left each group."""
