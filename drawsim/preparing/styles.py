"""The step `styles`: copies of drawings in other styles, listed beside their originals."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import as_listed
from drawsim.collection.problems import Problems
from drawsim.collection.splits import load_split, split_files
from drawsim.collection.summary import Summary
from drawsim.collection.tables import Collection, ids_of
from drawsim.common.errors import UserError, nearest
from drawsim.common.files import atomic, disk_is_full, read_json, write_json
from drawsim.common.progress import progress_bar
from drawsim.common.refusals import why_full
from drawsim.common.words import first_of, head
from drawsim.pixels.decode import ImageReadError, read_image
from drawsim.pixels.parallel import in_processes
from drawsim.pixels.styles import Effect, style_effect
from drawsim.preparing.entered import Entered
from drawsim.preparing.renewal import note_taken_out
from drawsim.preparing.rewriting import rewrite

Format = Literal["jpg", "png", "webp"]
FOLDER = "styles"
RECORD = f"{FOLDER}/parameters.json"
DRAWINGS = f"{FOLDER}/drawings.csv"
PAIRS = f"{FOLDER}/pairs.csv"
"""Of the rows that this step entered, in the folder of records."""


@dataclass(frozen=True)
class Style:
    """An effect and how its copies are stored; `recipe` says all that decides their bytes."""

    name: str
    effect: Effect
    format: Format
    quality: int
    recipe: str


@dataclass(frozen=True)
class Copy:
    """A style copy: its id, the drawing that it is made of, its path below the collection."""

    id: str
    original: str
    style: Style
    path: str


@dataclass(frozen=True)
class Plan:
    """Copies to make; those that are there as they should be; those whose id is not free.

    removed: copies that people took out of drawings.csv.
    """

    missing: list[Copy]
    there: list[Copy]
    taken: list[Copy]
    removed: list[Copy]


def prepare_styles(
    source: Path,
    out: Path,
    workers: int,
    *,
    effects: Sequence[str],
    parameters: Mapping[str, Mapping[str, float] | None],
    split: str | None,
    format: Format,  # noqa: A002
    quality: int,
    max_pixels: int,
) -> Summary:
    """Make the style copies that a collection lacks, and enter them in its tables.

    A copy is `styles/<id>_<effect>.<format>`, made of an original drawing in a True pair: of all
    such drawings, or of those in the train set of `split`. It gets a row in drawings.csv (`parent`
    is the original, the rest as the original has it) and one in pairs.csv for each True pair of the
    original. It is made again if the original is newer, or if it was made with other parameters
    than these: `styles/parameters.json` remembers them. What is made stays if the step is broken
    off, and is in the tables. Rows of copies that people took out of the tables stay out.

    Raises UserError for settings that make no sense, for a collection that cannot be used, and for
    a full disk. Images that cannot be read are counted and named; the others go on.
    """
    if source.resolve() != out.resolve():
        raise UserError(
            f"out={out}: style copies go into the collection that they are made of. To leave it as "
            f"it is, make another one first: step=subset source={source} out={out}"
        )
    styles = make_styles(effects, parameters, format, quality)
    collection = Collection.open(source)
    originals = _originals(collection, split)
    record = _read_record(source / RECORD)
    plan = _plan(collection, originals, styles, record)
    for copy in plan.missing:  # has no recipe until it is there
        record.pop(copy.id, None)

    confirmed = collection.true_pairs["drawing_id"].isin(originals)
    summary = Summary(read={"drawings": len(originals), "in true pairs": int(confirmed.sum())})
    failures: dict[Copy, str] = {}
    made: list[Copy] = []
    try:
        if plan.missing:
            write_json(source / RECORD, record)
            for copy, reason in _make(collection, plan.missing, max_pixels, workers):
                if reason:
                    failures[copy] = reason
                else:
                    made.append(copy)
    finally:
        record |= {copy.id: copy.style.recipe for copy in made}
        if made:
            write_json(source / RECORD, record)
        rows = _enter(collection, [*plan.there, *made], record, summary)
        for copy in made:
            for other in set(get_args(Format)) - {copy.style.format}:
                (source / copy.path).with_suffix(f".{other}").unlink(missing_ok=True)
    _account(summary, plan, made, failures, rows)
    _note_splits(summary, collection, [*plan.there, *made])
    summary.files += [source / name for name in ("drawings.csv", "pairs.csv", RECORD)]
    return summary


def make_styles(
    effects: Sequence[str],
    parameters: Mapping[str, Mapping[str, float] | None],
    format: Format,  # noqa: A002
    quality: int,
) -> list[Style]:
    """The styles that these settings ask for. Raises UserError for what makes no sense."""
    if isinstance(effects, str) or not effects:
        raise UserError(f"step.effects={effects}: name at least one in a list: [oil]")
    if format not in get_args(Format):
        raise UserError(f"step.format={format}: {nearest(format, get_args(Format))}")
    if not 1 <= quality <= 100:
        raise UserError(f"step.quality={quality}: must be in 1..100")
    styles = []
    for name in dict.fromkeys(effects):
        own = parameters.get(name) or {}
        effect = style_effect(name, own)
        numbers = {key: f"{value:g}" for key, value in own.items()}
        if format != "png":
            numbers["quality"] = f"{quality}"
        recipe = " ".join([name, *(f"{key}={number}" for key, number in numbers.items()), format])
        styles.append(Style(name, effect, format, quality, recipe))
    return styles


def _originals(collection: Collection, split: str | None) -> list[str]:
    """Original drawings in True pairs, of the train set alone if a split is named."""
    pairs = collection.true_pairs
    if split is not None:
        known = [path.stem for path in split_files(collection.root)]
        if split not in known and not re.fullmatch(r"v\d+", split):
            raise UserError(f"step.split={split}: {nearest(split, [*known, 'v0'])}")
        pairs = load_split(collection, split, needs=("train",))
        pairs = pairs[pairs["set"] == "train"]
    return pairs.loc[pairs["drawing_id"] == pairs["parent"], "drawing_id"].unique().tolist()


def _plan(
    collection: Collection, originals: list[str], styles: list[Style], record: dict[str, str]
) -> Plan:
    drawings = collection.drawings
    parents = dict(zip(collection.pairs["drawing_id"], collection.pairs["parent"], strict=True))
    if "parent" in drawings.columns:
        parents |= drawings.loc[drawings["parent"] != "", "parent"].to_dict()
    removed = _taken_out(collection)
    plan = Plan([], [], [], [])
    for original in originals:
        for style in styles:
            name = f"{original}_{style.name}"
            copy = Copy(name, original, style, f"{FOLDER}/{_file_name(name)}.{style.format}")
            if name in drawings.index and parents.get(name) != original:
                plan.taken.append(copy)
            elif (name, original) in removed:
                plan.removed.append(copy)
            elif _is_there(copy, collection, record):
                plan.there.append(copy)
            else:
                plan.missing.append(copy)
    return plan


def _is_there(copy: Copy, collection: Collection, record: dict[str, str]) -> bool:
    """Whether the file of a copy is as it should be: of this recipe, no older than its original."""
    if _is_elsewhere(copy, collection):
        return True
    original = collection.paths("drawing", [copy.original])[copy.original]
    try:
        in_time = (collection.root / copy.path).stat().st_mtime >= original.stat().st_mtime
    except OSError:
        return False
    return in_time and record.get(copy.id) == copy.style.recipe


def _is_elsewhere(copy: Copy, collection: Collection) -> bool:
    """Whether a copy lies in another folder: it is then left to whoever made it."""
    if copy.id not in collection.drawings.index:
        return False
    path = collection.paths("drawing", [copy.id])[copy.id]
    return path.is_file() and path.parent != collection.root / FOLDER


def _file_name(name: str) -> str:
    """An id as the name of a file: what some file system does not take is written as %XX."""
    return re.sub(r'[%<>:"/\\|?*\x00-\x1f]', lambda found: f"%{ord(found[0]):02X}", name)


def _read_record(path: Path) -> dict[str, str]:
    """The recipe of each copy by its id. Raises UserError if the file is damaged."""
    if not path.is_file():
        return {}
    try:
        return {str(name): str(recipe) for name, recipe in read_json(path).items()}
    except UserError as error:
        raise UserError(f"{error}; delete it to have all style copies made again") from error


def _make(
    collection: Collection, copies: Iterable[Copy], max_pixels: int, workers: int
) -> Iterator[tuple[Copy, str | None]]:
    """Make copies, a drawing's in one process; yield each with the reason why it was not made."""
    jobs: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        jobs[copy.original].append(copy)
    paths = collection.paths("drawing", jobs)
    work = partial(_paint, collection.root, max_pixels)
    with progress_bar("making style copies", sum(map(len, jobs.values())), "images") as advance:
        tasks = [(paths[original], some) for original, some in jobs.items()]
        for some, reasons in zip(jobs.values(), in_processes(work, tasks, workers), strict=True):
            yield from zip(some, reasons, strict=True)
            advance(len(some))


def _paint(root: Path, max_pixels: int, job: tuple[Path, list[Copy]]) -> list[str | None]:
    """Make copies of one drawing; for each, why it was not made, or None."""
    path, copies = job
    try:
        image = read_image(path, max_pixels=max_pixels)
    except ImageReadError as error:
        return [str(error)] * len(copies)
    return [_write(image, root / copy.path, copy.style) for copy in copies]


def _write(image: np.ndarray, path: Path, style: Style) -> str | None:
    """Write a copy of an image; why that cannot be, or None. Raises UserError for a full disk."""
    kind = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}[style.format]
    try:
        picture = Image.fromarray(style.effect(image))
        with atomic(path) as temporary:
            picture.save(temporary, kind, quality=style.quality)
    except (OSError, cv2.error) as error:
        if disk_is_full(error):
            raise UserError(
                f"{path}: cannot be written, {why_full(error)}; then run the step again"
            ) from None
        return f"{path}: cannot be made ({error})"
    return None


def _drawings_record(collection: Collection) -> Entered:
    return Entered(collection.root, DRAWINGS, ("id", "parent"))


def _taken_out(collection: Collection) -> set[tuple[str, ...]]:
    """Id and original of the copies that people took out of drawings.csv."""
    there = [(str(name), parent) for name, parent in collection.parents.items()]
    return set(_drawings_record(collection).taken_out(there))


def _enter(
    collection: Collection, copies: list[Copy], record: dict[str, str], summary: Summary
) -> Counter[str]:
    """Give every copy its rows in the tables; count those that are new.

    Rows of pairs that this step once entered and whose original is no more confirmed are taken out;
    those that people took out stay so, and are noted in the summary.
    """
    before = {str(name): row for name, row in collection.drawings.to_dict("index").items()}
    drawings = dict(before)
    for copy in copies:
        if not _is_elsewhere(copy, collection):
            row = before.get(copy.id, before[copy.original])
            row = row | {"path": copy.path, "parent": copy.original}
            if "bytes" in row:
                row["bytes"] = str((collection.root / copy.path).stat().st_size)
            drawings[copy.id] = row
    if drawings != before:
        table = pd.DataFrame.from_dict(drawings, "index").fillna("")
        rewrite(table.rename_axis("id").reset_index(), collection.root / "drawings.csv")
    entered = {(copy.id, copy.original) for copy in copies if not _is_elsewhere(copy, collection)}
    remembered = _drawings_record(collection)
    still = {row for row in remembered.rows() if row[0] in before}
    remembered.remember(still | entered | _taken_out(collection))

    pairs, true = collection.pairs, collection.true_pairs
    confirmed, listed = set(_keys(true)), set(_keys(pairs))
    stays = [
        own not in record or parent == own or (parent, artwork) in confirmed
        for own, parent, artwork in pairs[["drawing_id", "parent", "artwork_id"]].to_numpy()
    ]
    made_of = pd.DataFrame([(copy.original, copy.id) for copy in copies], columns=["parent", "id"])
    added = true[true["drawing_id"] == true["parent"]].merge(made_of, on="parent")
    added = added.assign(drawing_id=added["id"])[list(pairs.columns)]
    record_of_pairs = Entered(collection.root, PAIRS, ("drawing_id", "artwork_id"))
    taken_out = [row for row in record_of_pairs.taken_out(_keys(pairs)) if row[0] in before]
    note_taken_out(summary, "pairs.csv", list(map(", ".join, taken_out)), record=PAIRS)
    listed |= {(own, artwork) for own, artwork in taken_out}
    added = added[[pair not in listed for pair in _keys(added)]]
    pairs = pd.concat([pairs[stays], added])
    if len(added) or not all(stays):
        rewrite(pairs, collection.root / "pairs.csv")
    own = pairs["drawing_id"].isin([*record]) & (pairs["drawing_id"] != pairs["parent"])
    record_of_pairs.remember([*_keys(pairs[own]), *taken_out])
    return Counter(
        {
            "rows in drawings.csv": len(drawings) - len(before),
            "rows in pairs.csv": len(added),
            "rows of pairs taken out, no longer confirmed": stays.count(False),
        }
    )


def _account(
    summary: Summary, plan: Plan, made: list[Copy], failures: dict[Copy, str], rows: Counter[str]
) -> None:
    """Enter what was done in the summary."""
    counts = Counter(f"{copy.style.name} copies" for copy in made)
    summary.made = {what: count for what, count in (counts + rows).items() if count}
    if plan.there:
        summary.skipped["copies that are there already"] = len(plan.there)
    if plan.taken:
        summary.skipped["copies whose id another drawing has"] = len(plan.taken)
        called = first_of([copy.id for copy in plan.taken])
        summary.notes.append(f"drawings that are called like copies: {called}")
    removed = [copy.id for copy in plan.removed]
    note_taken_out(summary, "drawings.csv", removed, record=DRAWINGS)
    if failures:
        summary.skipped["copies that could not be made"] = len(failures)
        reasons = list(dict.fromkeys(failures.values()))
        summary.notes += head(reasons, "like that")


def _note_splits(summary: Summary, collection: Collection, copies: list[Copy]) -> None:
    """Tell of split tables in which originals train and their copies are missing."""
    lacking = []
    spelt = partial(as_listed, listed=ids_of(collection.drawings))
    for path in split_files(collection.root):
        split = read_csv(path, ("drawing_id", "set"), Problems())
        train = set(spelt(split.loc[split["set"] == "train", "drawing_id"]))
        if any(copy.original in train and copy.id not in train for copy in copies):
            lacking.append(path.stem)
    if lacking:
        summary.notes.append(
            f"splits that do not have these copies yet: {', '.join(lacking)}; training leaves them "
            "out until step=splits has added them"
        )


def _keys(pairs: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(pairs["drawing_id"], pairs["artwork_id"], strict=True))
