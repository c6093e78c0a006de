"""What the review pages show, from the tables of the event store: history, disputes, true pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Literal
from urllib.parse import urlencode

import pandas as pd

from drawsim.collection.grades import GRADES, Grade
from drawsim.common.errors import UserError
from drawsim.web.events.drafts import ACTIONS, Box
from drawsim.web.events.store import Event, EventStore

PAGE = 50
"""Rows of history, and pairs, on one page."""
LISTED = "listed"
"""In place of a grade: true pairs of pairs.csv that nobody judged in this app."""
LAST = 2**63 - 1
"""The largest id that a database has for an event."""


@dataclass(frozen=True)
class HistoryFilter:
    """What of the history is wanted, as it stands in a page's address; empty: all.

    since, until: days of UTC (YYYY-MM-DD), both of them included. before: the id of an event;
    only older ones are wanted.
    """

    annotator: str = ""
    action: str = ""
    grade: str = ""
    drawing: str = ""
    artwork: str = ""
    since: str = ""
    until: str = ""
    tag: str = ""
    group: str = ""
    text: str = ""
    before: int | None = None

    def older(self, before: int | None) -> str:
        """The address of what is older than an event, or of the newest, as a query string."""
        own = {name: value for name, value in vars(self).items() if value and name != "before"}
        return urlencode(own | ({"before": before} if before is not None else {}))

    @property
    def chosen(self) -> bool:
        """Whether anything is left out."""
        return bool(self.told)

    @property
    def told(self) -> str:
        """What is asked for, for people."""
        return ", ".join(value for name, value in vars(self).items() if value and name != "before")


@dataclass(frozen=True)
class HistoryPage:
    """Events, newest first. taken_back: by key, what the undos among them took back, as far as it
    is on the same page. older: the event before which the next page begins; None: the end.
    """

    events: tuple[Event, ...] = ()
    taken_back: Mapping[str, Event] = field(default_factory=dict)
    older: int | None = None


def history_page(store: EventStore, wanted: HistoryFilter, size: int = PAGE) -> HistoryPage:
    """One page of the history. Raises UserError for a filter that cannot be."""
    if any("\0" in str(value) for value in vars(wanted).values()):
        raise UserError("ids, names and notes have no NUL characters; leave them out")
    if wanted.before is not None and not 0 < wanted.before <= LAST:
        raise UserError(f"there is no event {wanted.before}")
    choices: dict[str, Any] = {
        "annotator": wanted.annotator,
        "action": _known(wanted.action, ACTIONS, "action"),
        "grade": _known(wanted.grade, GRADES, "grade"),
        "drawing_id": wanted.drawing,
        "artwork_id": wanted.artwork,
        "label": wanted.tag,
        "group_id": wanted.group,
        "since": _start(wanted.since),
        "until": _end(wanted.until),
        "text": wanted.text,
        "before": wanted.before,
    }
    given = {name: value for name, value in choices.items() if value}
    found = store.history(**given, limit=size + 1)
    events = tuple(found[:size])
    by_key = {event.draft.key: event for event in events}
    taken_back = {undo.draft.key: by_key[undo.undoes] for undo in events if undo.undoes in by_key}
    return HistoryPage(events, taken_back, events[-1].id if len(found) > size else None)


def _known(word: str, words: Sequence[str], name: str) -> str:
    if word and word not in words:
        raise UserError(f"there is no {name} {word!r}; choose from {', '.join(words)}")
    return word


def _start(day: str) -> datetime | None:
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(), timezone.utc)
    except ValueError:
        raise UserError(f"{day!r} is no date; write it as 2024-05-31") from None


def _end(day: str) -> datetime | None:
    start = _start(day)
    try:
        return start and start + timedelta(days=1)
    except OverflowError:  # the last of all days
        return None


Way = Literal["grade", "none", "left"]


@dataclass(frozen=True)
class Voice:
    """What one annotator said of a pair: a grade; none of the candidates of the query; or nothing,
    although the pair was seen and the query finished.
    """

    annotator: str
    way: Way
    at: datetime
    grade: Grade | None = None
    rank: int | None = None
    shown: int | None = None
    note: str = ""
    drawing_box: Box | None = None
    artwork_box: Box | None = None


@dataclass(frozen=True)
class Settled:
    """How a reviewer settled a dispute."""

    grade: Grade
    annotator: str
    at: datetime
    note: str


@dataclass(frozen=True)
class Dispute:
    """A pair of which annotators say different things; settled: None while it is open."""

    drawing_id: str
    artwork_id: str
    voices: tuple[Voice, ...]
    settled: Settled | None

    @property
    def pair(self) -> tuple[str, str]:
        """Drawing and artwork."""
        return self.drawing_id, self.artwork_id


def disputes(
    judgements: pd.DataFrame,
    answers: pd.DataFrame,
    adjudications: pd.DataFrame,
    confirmed: Collection[Grade],
) -> list[Dispute]:
    """All pairs that annotators see differently, by drawing and artwork; from EventStore's tables.

    Those graded differently; and those one annotator confirmed where another found none for the
    drawing (or for the artwork, going the other way), or saw the pair, graded it not, and was done.
    confirmed: the grades that make a pair true.
    """
    silent = _Silent(answers)
    settled = {
        (row.drawing_id, row.artwork_id): Settled(row.grade, row.annotator, row.at, row.note)
        for row in _rows(adjudications)
    }
    found = []
    for pair, rows in _by_pair(judgements).items():
        voices = [_spoken(row) for row in rows]
        grades = {voice.grade for voice in voices}
        if not grades.isdisjoint(confirmed):
            spoke = {voice.annotator for voice in voices}
            voices += [voice for voice in silent(*pair) if voice.annotator not in spoke]
        if len(grades) > 1 or len(voices) > len(rows):
            voices.sort(key=lambda voice: voice.at)
            found.append(Dispute(*pair, tuple(voices), settled.get(pair)))
    return sorted(found, key=lambda dispute: dispute.pair)


def _rows(table: pd.DataFrame) -> Iterable[Any]:
    return table.itertuples(index=False)


def _by_pair(judgements: pd.DataFrame) -> Mapping[tuple[str, str], list[Any]]:
    pairs = defaultdict(list)
    for row in _rows(judgements):
        pairs[(str(row.drawing_id), str(row.artwork_id))].append(row)
    return pairs


def _spoken(row: Any) -> Voice:
    return Voice(
        row.annotator,
        "grade",
        row.at,
        grade=row.grade,
        rank=None if pd.isna(row.rank) else int(row.rank),
        note=row.note or "",
        drawing_box=row.drawing_box,
        artwork_box=row.artwork_box,
    )


class _Silent:
    """Who finished a query without a grade for a pair: said none, or left the pair as it was."""

    def __init__(self, answers: pd.DataFrame) -> None:
        self.by_query = defaultdict(list)
        for row in _rows(answers[answers["answer"].isin(["done", "none"])]):
            self.by_query[(row.kind, row.id)].append(row)

    def __call__(self, drawing_id: str, artwork_id: str) -> list[Voice]:
        voices: dict[str, Voice] = {}
        for query, other in (
            (("drawing", drawing_id), artwork_id),
            (("artwork", artwork_id), drawing_id),
        ):
            for row in self.by_query[query]:
                seen = other in row.shown_ids
                if row.answer == "none" or seen:
                    rank = row.shown_ids.index(other) + 1 if seen else None
                    way: Way = "none" if row.answer == "none" else "left"
                    voice = Voice(
                        row.annotator,
                        way,
                        row.at,
                        rank=rank,
                        shown=len(row.shown_ids),
                        note=row.note or "",
                    )
                    voices.setdefault(row.annotator, voice)
        return list(voices.values())


@dataclass(frozen=True)
class JudgedPair:
    """A pair of the export's table. grade: "" where it was listed before this app was used.

    annotators, at: who judged it, joined, and when, empty or None where that is unknown. settled:
    by a reviewer. none_by: who found none although it is true.
    """

    drawing_id: str
    artwork_id: str
    grade: str
    annotators: str
    at: datetime | None
    settled: bool
    note: str
    none_by: str


def graded_pairs(table: pd.DataFrame, grade: str) -> list[JudgedPair]:
    """The pairs of a grade, the newest first, undated ones last, by id.

    grade: "": all true ones that somebody judged; LISTED: the true ones that nobody did. table: as
    `drawsim.web.review.export.pair_table` makes it.
    """
    judged = table["grade"] != ""
    if grade in ("", LISTED):
        rows = table[table["pair"] & (judged if grade == "" else ~judged)]
    else:
        rows = table[table["grade"] == grade]
    times = pd.to_datetime(rows["annotated_at"], errors="coerce", utc=True, format="ISO8601")
    rows = rows.assign(at=times).sort_values(["drawing_id", "artwork_id"])
    rows = rows.sort_values("at", ascending=False, na_position="last", kind="stable")
    return [
        JudgedPair(
            row.drawing_id,
            row.artwork_id,
            row.grade,
            row.annotator,
            None if pd.isna(row.at) else row.at.to_pydatetime(),
            row.adjudicated != "",
            row.note,
            row.none_by,
        )
        for row in _rows(rows)
    ]
