"""What was judged, as files for training and for others: pairs, unmatched drawings, annotations."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection as AnyOf
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.collection.grades import CONFIRMED, GRADES, LINKING, UNDECIDED, Grade
from drawsim.collection.ids import as_listed
from drawsim.collection.spreadsheets import guarded
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError, nearest
from drawsim.common.files import write_text
from drawsim.web.events.drafts import Action
from drawsim.web.events.store import EventStore
from drawsim.web.queue.groups import Groups
from drawsim.web.review.account import Account, Change, Key, What
from drawsim.web.review.contradictions import Nones, contradicted
from drawsim.web.review.credits import with_rights
from drawsim.web.review.labelled import group_table, not_told, tagged_table
from drawsim.web.review.web_annotations import annotations_text

PAIR = ("drawing_id", "artwork_id")
JUDGED = (
    "grade",
    "annotator",
    "annotated_at",
    "annotators",
    "agreement",
    "adjudicated",
    "model",
    "index",
    "rank",
    "score",
    "note",
    "drawing_box",
    "artwork_box",
    "none_by",
    "pair_before",
)
"""Columns that an export adds to pairs.csv."""
UNMATCHED = ("drawing_id", "annotator", "annotators", "annotated_at", "shown", "audit")
DECIDING: tuple[Action, ...] = ("grade", "adjudicate")
Row = dict[str, Any]


def export_all(
    store: EventStore,
    collection: Collection,
    out: Path | None,
    confirmed: AnyOf[Grade] = CONFIRMED,
    groups: Groups | None = None,
) -> Account:
    """Write pairs.csv, unmatched.csv, annotations.jsonld, and of what is tagged or named
    tagged_drawings.csv and groups.csv, and tell what changes.

    out: a folder, made if it is missing; None: the collection itself. A pairs.csv that is there and
    says something else is kept as pairs.csv.bak. groups: whose names and tags are told; without
    them there is no groups.csv. Raises UserError if no such grade is among `confirmed`.
    """
    pairs = pair_table(store, collection, confirmed)
    unmatched = unmatched_table(store, collection, pairs)
    tagged = tagged_table(store, collection, groups)
    folder = collection.root if out is None else out
    texts = {
        folder / "pairs.csv": _csv(pairs),
        folder / "unmatched.csv": _csv(unmatched),
        folder / "annotations.jsonld": annotations_text(store, collection, groups),
    }
    if len(tagged) or (folder / "tagged_drawings.csv").is_file():  # of an earlier export
        texts[folder / "tagged_drawings.csv"] = _csv(tagged)
    if groups is not None:
        texts[folder / "groups.csv"] = _csv(group_table(store, groups))
    earlier = folder / "pairs.csv"
    if earlier.is_file() and earlier.read_bytes() != texts[earlier].encode():
        shutil.copy2(earlier, folder / "pairs.csv.bak")
    for file, text in texts.items():
        write_text(file, text)
    told = account(store, collection, pairs, len(unmatched), texts, confirmed)
    return replace(told, tagged=len(tagged), not_told=not_told(store, groups))


def pairs_csv(
    store: EventStore, collection: Collection, confirmed: AnyOf[Grade] = CONFIRMED
) -> str:
    """The text of pairs.csv as `export_all` writes it."""
    return _csv(pair_table(store, collection, confirmed))


def unmatched_csv(
    store: EventStore, collection: Collection, confirmed: AnyOf[Grade] = CONFIRMED
) -> str:
    """The text of unmatched.csv as `export_all` writes it."""
    pairs = pair_table(store, collection, confirmed)
    return _csv(unmatched_table(store, collection, pairs))


def tagged_csv(store: EventStore, collection: Collection, groups: Groups | None) -> str:
    """The text of tagged_drawings.csv as `export_all` writes it."""
    return _csv(tagged_table(store, collection, groups))


def groups_csv(store: EventStore, groups: Groups) -> str:
    """The text of groups.csv as `export_all` writes it."""
    return _csv(group_table(store, groups))


def pair_table(
    store: EventStore, collection: Collection, confirmed: AnyOf[Grade] = CONFIRMED
) -> pd.DataFrame:
    """The pairs of a collection with what was judged: `pair` is bool, all other cells are text.

    A row that nobody judged stays as it is. A judged one is true if its grade is among `confirmed`:
    the last adjudication's; else the one that most annotators gave; else, in a tie, UNDECIDED. The
    style copies of a drawing follow it, and a judgement of a copy is one of its original.

    Columns: drawing_id, artwork_id, pair, parent; grade; annotator (several: joined by "; ", the
    adjudicator last); annotated_at (of the latest judgement, ISO 8601, UTC); annotators (how many
    graded it); agreement (share of them with the most frequent grade); adjudicated (by whom);
    model, index, rank and score as shown to the latest annotator; note; drawing_box and artwork_box
    (x,y,width,height as fractions, the latest); none_by (who answered "none of these" although the
    pair is true, and where it was shown to them); pair_before (`pair` before anyone judged it here;
    empty: it was not listed); then the other columns of pairs.csv, and rights (see `with_rights`).

    Rows of an earlier export whose grade was taken back since are as before it, or gone. Judged
    pairs whose images are not listed are left out. Raises UserError for grades that there are not.
    """
    for grade in confirmed:
        if grade not in GRADES:
            raise UserError(f"confirmed={grade}: {nearest(grade, GRADES)}")
    outcomes, nones = _outcomes(store, collection), Nones(store, collection)
    old = collection.pairs
    columns = list(dict.fromkeys([*PAIR, "pair", "parent", *JUDGED, *old.columns]))
    rows = []
    for row in old.reindex(columns=columns, fill_value="").to_dict("records"):
        outcome = outcomes.get((row["parent"], row["artwork_id"]))
        exported = row["annotators"] != ""
        before = row["pair_before"] if exported else _word(row["pair"])
        if outcome is not None:
            row |= outcome | {"pair": outcome["grade"] in confirmed, "pair_before": before}
        elif exported and _was_judged(store, row["parent"], row["artwork_id"]):
            if not before:
                continue
            row |= dict.fromkeys(JUDGED, "") | {"pair": before == "true"}
        rows.append(row)
    listed = set(zip(old["drawing_id"], old["artwork_id"], strict=True))
    drawings, artworks = collection.originals.index, collection.artworks.index
    for key in sorted(outcomes.keys() - listed):
        if key[0] in drawings and key[1] in artworks:
            own = {"drawing_id": key[0], "artwork_id": key[1], "parent": key[0]}
            pair = outcomes[key]["grade"] in confirmed
            rows.append(dict.fromkeys(columns, "") | own | outcomes[key] | {"pair": pair})
    for row in rows:
        ends = str(row["parent"]), str(row["artwork_id"])
        said = nones.against(*ends) if row["pair"] else ""
        if said or row["none_by"] == "" or nones.ever(*ends):
            row["none_by"] = said
    return with_rights(pd.DataFrame(rows, columns=columns).astype({"pair": bool}), collection)


def unmatched_table(store: EventStore, collection: Collection, pairs: pd.DataFrame) -> pd.DataFrame:
    """Drawings in which nobody who answered saw an artwork, and which have no true pair.

    pairs: of `pair_table`. Columns: drawing_id, annotator (joined by "; "), annotators (how many),
    annotated_at (the latest), shown (the most candidates that one of them saw), audit, and rights.
    """
    answers = store.answers(kind="drawing")
    answers = answers[answers["answer"] != "skip"]
    answers = answers.assign(id=_originals(answers["id"], collection)).sort_values(["at", "id"])
    matched = set(pairs.loc[pairs["pair"], "parent"])
    rows = []
    for name, some in answers.groupby("id", sort=True):
        if (some["answer"] == "none").all() and name not in matched:
            who = list(dict.fromkeys(some["annotator"]))
            rows.append(
                {
                    "drawing_id": name,
                    "annotator": "; ".join(who),
                    "annotators": str(len(who)),
                    "annotated_at": _time(some["at"].max()),
                    "shown": _number(some["shown"].max()),
                    "audit": _word(bool(some["audit"].any())),
                }
            )
    return with_rights(pd.DataFrame(rows, columns=list(UNMATCHED), dtype=str), collection)


def account(
    store: EventStore,
    collection: Collection,
    pairs: pd.DataFrame,
    unmatched: int = 0,
    files: Iterable[Path] = (),
    confirmed: AnyOf[Grade] = CONFIRMED,
) -> Account:
    """How the pairs of `pair_table` differ from those of the collection.

    confirmed: grades that made a pair true there.
    """
    old = dict(zip(_keys(collection.pairs), collection.pairs["pair"], strict=True))
    changes, kept, graded = [], 0, 0
    for key, row in zip(_keys(pairs), pairs.to_dict("records"), strict=True):
        what: What = "added" if key not in old else "confirmed" if row["pair"] else "rejected"
        if key in old and old[key] == row["pair"]:
            kept += 1
            graded += row["grade"] != ""
        else:
            changes.append(Change(what, *key, row["pair"], row["grade"], row["annotator"]))
    gone = set(old) - set(_keys(pairs))
    changes += [Change("withdrawn", *key, bool(old[key]), "", "") for key in sorted(gone)]
    drawings, artworks = collection.originals.index, collection.artworks.index
    unknown = [
        key
        for key in _outcomes(store, collection)
        if key[0] not in drawings or key[1] not in artworks
    ]
    said = contradicted(pairs)
    told = zip(said["drawing_id"], said["artwork_id"], said["none_by"], strict=True)
    return Account(
        tuple(changes),
        kept,
        graded,
        unmatched,
        tuple(sorted(unknown)),
        tuple(told),
        tuple(files),
        linked=_linked(pairs, confirmed),
        confirming=tuple(grade for grade in GRADES if grade in confirmed),
    )


def _linked(pairs: pd.DataFrame, confirmed: AnyOf[Grade]) -> dict[Grade, int]:
    """How many originals' pairs have each grade that links and makes no pair true."""
    given = Counter(pairs.loc[pairs["drawing_id"] == pairs["parent"], "grade"])
    return {grade: given[grade] for grade in LINKING if grade not in confirmed and given[grade]}


def _outcomes(store: EventStore, collection: Collection) -> dict[Key, dict[str, str]]:
    """What was found of each judged pair, as cells of the columns JUDGED but for pair_before."""
    given: dict[Key, dict[str, Row]] = {}
    for key, row in _dated(store.judgements(), collection):
        ours = given.setdefault(key, {})
        ours.pop(row["annotator"], None)  # of another copy of the drawing, before
        ours[row["annotator"]] = row
    last_words = dict(_dated(store.adjudications(), collection))
    return {
        key: _outcome(list(given.get(key, {}).values()), last_words.get(key))
        for key in given | last_words
    }


def _dated(table: pd.DataFrame, collection: Collection) -> list[tuple[Key, Row]]:
    """The rows of a table by original drawing and artwork, the latest last."""
    artworks = as_listed(table["artwork_id"], collection.artworks.index)
    drawings = _originals(table["drawing_id"], collection)
    table = table.assign(drawing_id=drawings, artwork_id=artworks)
    table = table.sort_values(["at", "annotator", *PAIR])
    rows: Any = table.to_dict("records")  # pandas does not say that columns have names of text
    return list(zip(_keys(table), rows, strict=True))


def _outcome(judged: list[Row], last_word: Row | None) -> dict[str, str]:
    """Cells of one pair. judged: one row for each annotator, the latest last."""
    counts = Counter(row["grade"] for row in judged).most_common()
    most = counts[0][1] if counts else 0
    tie = len(counts) > 1 and counts[1][1] == most
    words = judged if last_word is None else [*judged, last_word]
    grade = last_word["grade"] if last_word else UNDECIDED if tie else counts[0][0]
    ranked = [row for row in judged if not pd.isna(row["rank"])] or judged
    seen = ranked[-1] if ranked else dict.fromkeys(("model", "index_sha256"), "")
    noted = [(row["annotator"], row["note"]) for row in words if row["note"]]
    signed = len(noted) > 1
    return {
        "grade": grade,
        "annotator": "; ".join(dict.fromkeys(row["annotator"] for row in words)),
        "annotated_at": _time(max(row["at"] for row in words)),
        "annotators": str(len(judged)),
        "agreement": f"{most / len(judged):.4g}" if judged else "",
        "adjudicated": last_word["annotator"] if last_word else "",
        "model": seen["model"],
        "index": seen["index_sha256"],
        "rank": _number(seen.get("rank")),
        "score": _number(seen.get("score")),
        "note": " | ".join(f"{who}: {note}" if signed else note for who, note in noted),
        "drawing_box": _box(judged, "drawing_box"),
        "artwork_box": _box(judged, "artwork_box"),
    }


def _box(judged: list[Row], name: str) -> str:
    boxes = [row[name] for row in judged if row[name] is not None]
    return ",".join(f"{part:.6g}" for part in boxes[-1]) if boxes else ""


def _originals(drawings: pd.Series[str], collection: Collection) -> pd.Series[str]:
    """The drawings as the collection spells them, style copies replaced by their originals."""
    parents = dict(collection.parents.items())
    listed = as_listed(drawings, collection.drawings.index)
    return listed.map(lambda name: parents.get(name, name))


def _was_judged(store: EventStore, drawing: str, artwork: str) -> bool:
    """Whether this store ever gave the pair a grade; an export may be another store's."""
    return any(
        store.history(action=action, drawing_id=drawing, artwork_id=artwork, limit=1)
        for action in DECIDING
    )


def _keys(table: pd.DataFrame) -> list[Key]:
    return list(zip(table["drawing_id"], table["artwork_id"], strict=True))


def _csv(table: pd.DataFrame) -> str:
    """A table as CSV that is safe to open in a spreadsheet; all lines in it end alike.

    A carriage return in a note would end a row: Python 3.10 to 3.12 do not quote it.
    """
    texts = table.assign(
        **{name: table[name].map(_word) for name in table.select_dtypes(bool).columns}
    ).replace(r"\r\n?", "\n", regex=True)
    return guarded(texts).to_csv(index=False, lineterminator="\n")


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def _time(at: pd.Timestamp) -> str:
    return at.isoformat(timespec="seconds")


def _number(value: Any) -> str:
    if value is None or pd.isna(value):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
