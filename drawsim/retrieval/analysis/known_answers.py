"""A calibration fitted on drawings whose answer is known.

Of the drawings of validation it is known which artworks are theirs. Of drawings in which nobody
found an artwork it is taken to be known that none is: annotators' `unmatched.csv` in the
collection's folder lists such (column `drawing_id`); without the table, drawings without any
confirmed pair stand in for them, some of which may have an artwork that nobody found yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import IdList, as_listed
from drawsim.collection.pairs import read_pairs
from drawsim.collection.problems import Problems, raise_problems
from drawsim.collection.splits import components
from drawsim.common.words import counted
from drawsim.retrieval.analysis.calibration import (
    LIST,
    Calibration,
    fit_calibration,
    true_tops,
)
from drawsim.retrieval.analysis.evaluation import unit_rows
from drawsim.retrieval.analysis.inputs import Inputs
from drawsim.retrieval.index.gallery import EmbeddingModel
from drawsim.retrieval.ranking import top_k
from drawsim.retrieval.task import make_task

UNMATCHED = "unmatched.csv"


@dataclass(frozen=True)
class Calibrated:
    """calibration: None where there is too little to fit. note: on what it was fitted, or why not.

    The note is a sentence for people.
    """

    calibration: Calibration | None
    note: str


def calibrate(inputs: Inputs) -> Calibrated:
    """Fit on the drawings of validation and on those without a pair, by the last model.

    Each drawing's list of the whole gallery counts. Drawings that share artworks, by whatever
    chain, are one group in cross-validation. Raises UserError if a table of the collection cannot
    be read.
    """
    model = inputs.models[-1]
    task = make_task(inputs.collection, inputs.split)
    rows = task.queries["val"]
    shown = [task.drawings[row] for row in rows.tolist()]
    without, source = _without_pair(inputs)
    from_what = f"{_counted(len(shown), 'of validation')} and {_counted(len(without), source)}"
    if not shown:
        return Calibrated(None, "uncalibrated: the split has no drawings of validation")

    asked = model.drawings.of([*shown, *without])
    scores, index = top_k(
        unit_rows(asked.vectors, model.name),
        unit_rows(model.artworks.of(task.artworks).vectors, model.name),
        min(LIST, len(task.artworks)),
    )
    answers = np.zeros(len(asked.ids), dtype=bool)
    answers[: len(shown)] = true_tops(index[: len(shown)], task.relevant_to(rows))
    made_by = EmbeddingModel.from_metadata(model.made_by, asked.vectors.shape[1]).metadata()
    fitted = fit_calibration(
        scores, answers, _groups(inputs, asked.ids), len(task.artworks), made_by
    )
    if not isinstance(fitted, Calibration):
        return Calibrated(None, f"uncalibrated: {fitted.reason} ({from_what})")
    return Calibrated(
        fitted,
        f"calibrated on {from_what}: of {fitted.true_tops} the first result is true, of "
        f"{fitted.other_tops} it is not",
    )


def _counted(number: int, what: str) -> str:
    return f"{counted(number, 'drawing')} {what}"


def _without_pair(inputs: Inputs) -> tuple[list[str], str]:
    """Embedded drawings that have no confirmed pair, and what they are."""
    drawings = IdList(inputs.models[-1].drawings.ids)
    paired = _paired(inputs, drawings)
    free = [name for name in inputs.models[-1].drawings.ids if name not in paired]
    table = inputs.collection.root / UNMATCHED
    if not table.is_file():
        return free, "without any confirmed pair"
    listed = _listed(table, drawings)
    return [name for name in free if name in listed], f"without an artwork by {UNMATCHED}"


def _paired(inputs: Inputs, drawings: IdList) -> set[str]:
    """Drawings and originals of copies that some table says to have an artwork."""
    tables = [inputs.collection.true_pairs, inputs.split, inputs.absent]
    file = inputs.collection.root / "pairs.csv"
    if file.is_file():
        problems = Problems()
        pairs = read_pairs(file, problems, {"drawing": drawings})
        raise_problems(f"{file} cannot be used", problems)
        tables.append(pairs[pairs["pair"]])
    columns = [
        table[column]
        for table in tables
        for column in ("drawing_id", "parent")
        if column in table.columns
    ]
    return {name for column in columns for name in as_listed(column, drawings)}


def _listed(table: Path, drawings: IdList) -> set[str]:
    problems = Problems()
    rows = read_csv(table, ("drawing_id",), problems)
    names = as_listed(rows["drawing_id"], drawings, partial(problems.note, table))
    raise_problems(f"{table} cannot be used", problems)
    return set(names)


def _groups(inputs: Inputs, ids: Sequence[str]) -> np.ndarray:
    """A number for each drawing, (Q,), the same where drawings share artworks; own ones below 0."""
    pairs = inputs.collection.true_pairs
    numbers = components(pairs["parent"], pairs["artwork_id"])
    group = dict(zip(pairs["parent"], numbers.tolist(), strict=True))
    return np.array([group.get(name, -1 - row) for row, name in enumerate(ids)])
