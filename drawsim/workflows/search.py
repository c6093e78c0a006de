"""Look up images in an index: what is asked, what is found, and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from drawsim.collection.kinds import KINDS, Kind
from drawsim.common.errors import UserError
from drawsim.common.words import counted
from drawsim.models.calibrated import own_calibration
from drawsim.models.loading import rerank_settings, with_rerank
from drawsim.models.model import Model
from drawsim.models.regions import match_columns
from drawsim.models.searching import as_queries, kept_pictures, looked_again
from drawsim.models.sources import (
    SOURCE,
    asks_for_rerank,
    load_source,
    model_of_index,
    model_of_source,
)
from drawsim.models.words import TextTower, tower_of
from drawsim.pixels.decode import read_image
from drawsim.reporting.search.files import write_hits
from drawsim.reporting.search.overlay import overlay
from drawsim.reporting.search.page import COSINE, QueryPicture, SearchSheet, write_search
from drawsim.retrieval.analysis.calibration import LIST, Chance, load_calibration
from drawsim.retrieval.index.asked import Asked
from drawsim.retrieval.index.filters import parse_filter
from drawsim.retrieval.index.folder import Index
from drawsim.retrieval.index.queries import Hits, Queries, combined, fused, joined
from drawsim.retrieval.index.queries import search as search_index
from drawsim.retrieval.index.results import known_pairs, result_table, top_chances
from drawsim.retrieval.index.strangers import Strangers, strangers_of
from drawsim.retrieval.reranking.local import STRIDE
from drawsim.retrieval.reranking.spatial import Spatial, placements
from drawsim.workflows.asking import Asking
from drawsim.workflows.index import ModelChoice

LAYOUT_SIZE = 224
"""Pixels from which spatial verification was seen to help."""
FUSED = 100
"""Results of each index, at least, of which fused lists are made."""


@dataclass(frozen=True)
class SearchSettings:
    """What is searched, and how.

    searched: the kind; None: the other kind than what is asked. where: a filter. weights: of
    several indexes. calibration: a fitted one; None: that of the run that the index is of. model:
    what embeds image files, and how lists are looked at again; what it leaves open is as the index
    says.
    """

    searched: Kind | None = None
    k: int = 20
    where: str | Mapping[str, Any] | None = None
    ann: bool = False
    weights: Sequence[float] | None = None
    calibration: Path | None = None
    model: ModelChoice = field(default_factory=ModelChoice)


@dataclass(frozen=True)
class Answer:
    """sheets: a query each; kind: what was searched; scores: what they are, for people.

    above: what the share of strangers is that a score is above; calibrated: where chances are from;
    both for people, empty where there are none.
    """

    sheets: list[SearchSheet]
    kind: Kind
    scores: str
    above: str
    calibrated: str
    indexes: Sequence[Index]


def search(indexes: Sequence[Index], asking: Asking, settings: SearchSettings) -> Answer:
    """Find, in all stages of the model's ranking, and gather what is known about the results."""
    kind = _searched(settings.searched, asking, indexes[0])
    models = [_model(index, asking, settings) for index in indexes]
    model = models[0]
    again = model is not None and model.rerank is not None
    if again and not (len(indexes) == 1 and asking.single):
        if settings.model.rerank is not None:
            raise UserError(
                "rerank: looks at lists of one picture by one model; leave combine, unlike, text "
                "and further indexes out"
            )
        again = False
    queries, told = [], list(asking.notes)
    for one, by in zip(indexes, models, strict=True):
        tower, notes = tower_of(one, settings.model.trust) if asking.has_words else (None, [])
        told += notes
        queries.append(_queries(asking, one, by, tower))
    asking = replace(asking, notes=told)
    depth = model.rerank.depth if again and model is not None and model.rerank is not None else 0
    first = _find(indexes, queries, kind, depth, settings)
    likely = _likely(settings, asking, indexes, first)
    # What is looked at again has scores of another kind, which no stranger has.
    strangers = None if again else _strangers(settings, asking, indexes, kind)
    found, scores = first, COSINE
    if len(indexes) > 1:
        scores = "sums of weight / (60 + rank) over the models' lists"
    if again and model is not None and model.rerank is not None:
        found = looked_again(model, indexes[0], asking.every, queries[0], first)
        scores = model.rerank.says
    sheets = []
    for row, group in enumerate(asking.groups):
        sheet = _sheet(found, row, group, asking.unlike, indexes)
        if again and model is not None:
            sheet = _explained(sheet, row, model, asking, first, indexes[0], settings.k)
        if strangers is not None:
            shares = strangers.below(sheet.hits["score"].to_numpy())
            sheet = replace(sheet, hits=sheet.hits.assign(above_strangers=shares))
        sheet = _with_chance(sheet, likely, row, str(first.ids[row, 0]) if first.ids.size else "")
        sheets.append(_closed(sheet, row, asking, kind, settings.k))
    above = strangers.says if strangers else ""
    return Answer(sheets, kind, scores, above, likely.source, indexes)


def write(answer: Answer, out: Path, where: str | Mapping[str, Any] | None) -> Path:
    """Write the page and the tables of an answer into a folder; the page."""
    index = answer.indexes[0]
    models = [str(each.model) for each in answer.indexes]
    searched = counted(len(index.part(answer.kind).embeddings.ids), answer.kind)
    if index.collection is not None:
        searched += f" of {index.collection.name}"
    filters = [str(condition) for condition in parse_filter(where)]
    write_hits(
        answer.sheets,
        out,
        searched=searched,
        models=models,
        where=filters,
        scores=answer.scores,
        above_strangers=answer.above,
    )
    page = out / "search.html"
    write_search(
        answer.sheets,
        page,
        model="; ".join(each.model.short for each in answer.indexes),
        model_in_full="; ".join(models),
        searched=searched,
        filters=filters,
        scores=answer.scores,
        above=answer.above,
        calibrated=answer.calibrated,
    )
    return page


def _model(index: Index, asking: Asking, settings: SearchSettings) -> Model | None:
    """The model of an index, checked, if something has to be embedded or looked at again."""
    choice = settings.model
    given = replace(choice, rerank=None).source()
    file = index.folder / SOURCE
    needed = asking.has_files or bool(choice.rerank and rerank_settings(choice.rerank))
    if not needed and choice.rerank is None and file.is_file():
        needed = asks_for_rerank(given or load_source(index.folder), choice.trust)
    if not needed:
        return None
    if given:
        made = model_of_source(given, file, choice.trust)
    else:
        made = model_of_index(index.folder, choice.trust)
    model = with_rerank(made, choice.rerank)
    if choice.precision is not None:
        model = replace(model, precision=choice.precision)
    index.check_model(model.made_by(index.model.dimensions))
    return model


def _searched(wanted: Kind | None, asking: Asking, index: Index) -> Kind:
    """What is searched: as the user says, else the other kind, else what there is."""
    if wanted is not None:
        return wanted
    kinds = {each.kind for each in asking.every}
    if len(kinds) > 1:
        raise UserError("queries are drawings and artworks: say what is searched with in=…")
    others = [kind for kind in index.parts if kind not in kinds]
    found = (others or list(index.parts))[0]
    return "drawing" if found == "drawing" else "artwork"


def _find(
    indexes: Sequence[Index],
    queries: Sequence[Queries],
    kind: Kind,
    depth: int,
    settings: SearchSettings,
) -> Hits:
    """The lists of all queries, `depth` at least, and long enough for what follows."""
    depth = max(settings.k, depth, LIST)
    if len(indexes) > 1:
        depth = max(FUSED, 5 * settings.k)
    every = [
        search_index(index, kind, own, depth, settings.where, settings.ann)
        for index, own in zip(indexes, queries, strict=True)
    ]
    return every[0] if len(every) == 1 else fused(every, settings.k, settings.weights)


def _queries(asking: Asking, index: Index, model: Model | None, tower: TextTower | None) -> Queries:
    left = iter(as_queries(asking.every, index, model, tower))
    groups = [joined([next(left) for _ in group]) for group in asking.groups]
    unlike = joined(as_queries(asking.unlike, index, model)) if asking.unlike else None
    if asking.single:
        return joined(groups)
    return joined([combined(group, unlike) for group in groups])


@dataclass(frozen=True)
class _Likely:
    """How likely the first of each list is a true match, where it can be said.

    source: where that is from; note: why it cannot be said.
    """

    chances: Sequence[Chance | None]
    source: str = ""
    note: str = ""


def _likely(
    settings: SearchSettings, asking: Asking, indexes: Sequence[Index], found: Hits
) -> _Likely:
    """By the calibration that is named, else by that of the run that the index is of."""
    nothing: list[Chance | None] = [None] * len(found.queries)
    if settings.calibration is not None:
        calibration = load_calibration(settings.calibration)
        chances = top_chances(found, indexes[0], calibration)
        return _Likely(chances, f"calibration: {settings.calibration}")
    drawings = all(each.kind == "drawing" and each.box is None for each in asking.every)
    usual = drawings and asking.single and not settings.where and len(indexes) == 1
    if not usual or found.kind != "artwork":
        return _Likely(nothing)
    try:
        own = own_calibration(indexes[0].folder, settings.model.run)
        if own.file is None:
            return _Likely(nothing, note=own.note)
        return _Likely(top_chances(found, indexes[0], load_calibration(own.file)), own.note)
    except UserError as error:
        return _Likely(nothing, note=f"uncalibrated: {error}")


def _with_chance(sheet: SearchSheet, likely: _Likely, row: int, nearest: str) -> SearchSheet:
    """The sheet with how likely its first result is true. nearest: the first by embedding alone."""
    chance, notes = likely.chances[row], [likely.note] if likely.note and row == 0 else []
    if chance is not None and str(sheet.hits["id"].iloc[0]) != nearest:
        notes.append(
            f"by embedding alone {nearest} comes first: {chance} that it is a true match; of what "
            "re-ranking put before it, that is not known"
        )
        chance = None
    return replace(sheet, chance=chance, notes=[*sheet.notes, *notes])


def _strangers(
    settings: SearchSettings, asking: Asking, indexes: Sequence[Index], kind: Kind
) -> Strangers | None:
    """What scores of these queries are compared with; None for scores of another sort."""
    kinds = {each.kind for each in asking.every}
    if len(indexes) > 1 or not asking.single or len(kinds) > 1:
        return None
    ids = [each.id for each in asking.every if each.id is not None]
    return strangers_of(indexes[0], kinds.pop(), kind, settings.where, ids)


def _sheet(
    found: Hits, row: int, group: Sequence[Asked], unlike: Sequence[Asked], indexes: Sequence[Index]
) -> SearchSheet:
    """A query with its results and what is known about them."""
    hits = result_table(found, row, indexes)
    ids: dict[str, list[str]] = {
        kind: [each.id for each in group if each.id and each.kind == kind] for kind in KINDS
    }
    hits["known"] = known_pairs(indexes[0], found.kind, ids, hits["id"])
    pictures = [QueryPicture.of(each) for each in group]
    pictures += [QueryPicture.of(each, unlike=True) for each in unlike]
    return SearchSheet(found.queries[row], pictures, hits)


def _picture(model: Model, path: Path) -> Image.Image:
    """A file as the model looks at it, at full size. Raises ImageReadError."""
    return Image.fromarray(model.reading.picture(read_image(path)))


def _explained(
    sheet: SearchSheet,
    row: int,
    model: Model,
    asking: Asking,
    before: Hits,
    index: Index,
    k: int,
) -> SearchSheet:
    """A re-ranked sheet with the cosine similarities of before and the layouts, if any."""
    assert model.rerank is not None
    cosines = dict(zip(before.ids[row].tolist(), before.scores[row].tolist(), strict=True))
    hits = sheet.hits.assign(cosine=[cosines[name] for name in sheet.hits["id"]])
    looked = min(model.rerank.depth, len(hits))
    notes = [*sheet.notes, f"the first {looked} re-ranked: {model.rerank.name}"]
    pictures = kept_pictures(model, index, asking.every, before.kind)
    if pictures is not None:
        hits = hits.head(k)
        known = index.part(before.kind).embeddings.rows
        rows = [known[name] for name in hits["id"].head(looked)]
        drawing = Image.fromarray(model.reading.picture(asking.every[row].pixels()))
        found = placements(pictures, row, rows)
        drawn: list[Any] = [
            None if placement is None else overlay(drawing, _picture(model, Path(path)), placement)
            for path, placement in zip(hits["path"].head(looked), found, strict=True)
        ]
        weight = next(link.weight for link in model.rerank.links if isinstance(link, Spatial))
        added = [0.0 if placement is None else weight * placement.score for placement in found]
        beyond = len(hits) - len(drawn)
        hits = hits.assign(
            spatial=[*added, *[0.0] * beyond],
            **match_columns(model, asking.every[row], hits["path"], found),
            overlay=pd.Series([*drawn, *[None] * beyond], index=hits.index, dtype=object),
        )
        if model.reading.size < LAYOUT_SIZE:
            few = model.reading.size // STRIDE
            notes.append(
                f"spatial: at {model.reading.size} px there are {few} x {few} patches alone, at "
                f"{LAYOUT_SIZE} px or more layouts can be told apart"
            )
    return replace(sheet, hits=hits, notes=notes)


def _closed(sheet: SearchSheet, row: int, asking: Asking, kind: Kind, k: int) -> SearchSheet:
    """A sheet cut to its length, with all that is to be said."""
    hits = sheet.hits[:k]
    notes = [*(asking.notes if row == 0 else ()), *sheet.notes]
    if len(hits) < k:
        notes.append(f"k={k}: {counted(len(hits), kind)} is all there is to rank")
    return replace(sheet, hits=hits, notes=notes)
