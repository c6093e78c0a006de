"""What an evaluation leaves behind: metrics.json, three tables, and one page to look at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.collection.csv_files import write_csv
from drawsim.collection.names import AGE_GROUPS, display_name
from drawsim.common.files import atomic, write_json, write_text
from drawsim.reporting.evaluation.reliability import chance_figure, reliability_figure
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.figures import Drawn
from drawsim.reporting.kit.pages import environment
from drawsim.reporting.kit.stages import Stage, learnt_nothing
from drawsim.reporting.kit.thumbnails import SIDE, make_sheet
from drawsim.retrieval.analysis.evaluation import Evaluation
from drawsim.retrieval.analysis.inputs import Inputs
from drawsim.retrieval.analysis.known_answers import Calibrated
from drawsim.retrieval.analysis.score_words import describe_scores
from drawsim.retrieval.metrics import registry

SET_NAMES = {
    "train": "Training",
    "val": "Validation",
    "test": "Test",
    "val+test": "Validation and test",
}
SHOWN_VALUES = 15  # of a breakdown; the table has them all


@dataclass(frozen=True)
class Bar:
    """One value of a breakdown: its mean and interval in per cent of the axis 0..1."""

    value: str
    queries: int
    mean: float
    low: float | None
    high: float | None


def write_evaluation(
    result: Evaluation, inputs: Inputs, out: Path, calibrated: Calibrated | None = None
) -> Path:
    """Write everything into `out`; returns the page.

    metrics.json: protocol, direction, gallery_size, counts, tie_rate, hubness_skew, and under the
    name of each model, or of each stage of one, its sets and their metrics. ranks.csv,
    breakdowns.csv, memorisation.csv, hubs.csv: the tables of the Evaluation. calibration.json,
    chance.png and reliability.png: the calibration and its figures; of what could not be fitted,
    earlier ones are deleted. evaluation.html: one self-contained page.
    """
    record = {
        "protocol": result.protocol,
        "direction": result.direction,
        "gallery_size": result.gallery_size,
        "counts": result.counts,
        "pairs_without_embeddings": len(inputs.absent),
        "tie_rate": result.tie_rate,
        "hubness_skew": result.skew,
        **result.metrics,
    }
    write_json(out / "metrics.json", record)
    write_csv(result.ranks, out / "ranks.csv")
    write_csv(result.breakdowns, out / "breakdowns.csv")
    write_csv(result.memorisation, out / "memorisation.csv")
    write_csv(result.hubs, out / "hubs.csv")
    curves = [] if calibrated is None else _write_calibration(calibrated, out)
    page = out / "evaluation.html"
    write_text(page, _page(result, inputs, calibrated, curves))
    return page


def _write_calibration(calibrated: Calibrated, out: Path) -> list[Drawn]:
    """Write the calibration and its figures, and delete earlier ones, which are of another time."""
    found = calibrated.calibration
    for name in ("calibration.json", "chance.png", "reliability.png"):
        (out / name).unlink(missing_ok=True)
    if found is None:
        return []
    found.save(out / "calibration.json")
    figures = [chance_figure(found)]
    if found.reliability is not None:
        figures.append(reliability_figure(found, found.reliability))
    for figure in figures:
        with atomic(out / f"{figure.name}.png") as temporary:
            temporary.write_bytes(figure.png)
    return figures


def _page(
    result: Evaluation, inputs: Inputs, calibrated: Calibrated | None, curves: list[Drawn]
) -> str:
    collection = inputs.collection
    forth = result.direction == "drawing_to_artwork"
    table = collection.artworks if forth else collection.drawings
    pictured = [item for item in result.hubs["item"].unique() if table.at[item, "path"]]
    files = collection.paths("artwork" if forth else "drawing", pictured)
    sheet = make_sheet(files.values())
    hubs: dict[str, list[Any]] = {}
    symbols = [sheet.symbol(files.get(item)) for item in result.hubs["item"]]
    for model, rows in result.hubs.assign(symbol=symbols).groupby("model", sort=False):
        hubs[str(model)] = rows.to_dict("records")
    names = _names(result.metrics)
    captions = Captions.of(collection)
    return (
        environment()
        .get_template("evaluation/templates/evaluation.html.j2")
        .render(
            result=result,
            absent=len(inputs.absent),
            source=inputs.source,
            root="" if collection.root == Path() else str(collection.root),
            split_name=inputs.split_name,
            written=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            learnt_nothing=learnt_nothing(inputs.record),
            shown=registry.headline(names),
            families=registry.by_family(names),
            stages=[Stage(name, name, scores) for name, scores in result.metrics.items()],
            all_sets={name: title for name, title in SET_NAMES.items() if _has(result, name)},
            set_names=SET_NAMES,
            breakdowns=_bars(result.breakdowns),
            broken_down=[name for name in result.metrics if not name.endswith("+csls")][-1],
            memorisation=result.memorisation.to_dict("records"),
            hubs=hubs,
            scores=describe_scores(inputs) if forth else None,
            captions=captions,
            called=partial(captions, "artwork" if forth else "drawing"),
            sheet=sheet,
            side=SIDE,
            calibrated=calibrated,
            curves=curves,
        )
    )


def _has(result: Evaluation, name: str) -> bool:
    """Whether a set has queries."""
    return bool(result.counts.get(name, {}).get("queries"))


def _names(metrics: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """The metrics of a set that has queries."""
    return next((list(own) for sets in metrics.values() for own in sets.values() if own), [])


def _bars(breakdowns: pd.DataFrame) -> dict[str, list[Bar]]:
    """For each column the MRR of its values, of the model as trained, on val and test together."""
    if breakdowns.empty:
        return {}
    model = [name for name in breakdowns["model"].unique() if not name.endswith("+csls")][-1]
    of = breakdowns[
        (breakdowns["model"] == model)
        & (breakdowns["set"] == "val+test")
        & (breakdowns["metric"] == "mrr")
    ]
    bars: dict[str, list[Bar]] = {}
    for column, rows in of.groupby("column", sort=False):
        most = rows.nlargest(SHOWN_VALUES, "queries", keep="first")
        bars[str(column)] = [
            Bar(
                display_name(value) if column == "artist" else value,
                queries,
                mean,
                *(None if math.isnan(end) else end for end in (low, high)),
            )
            for value, queries, mean, low, high in sorted(
                most[["value", "queries", "mean", "low", "high"]].itertuples(
                    index=False, name=None
                ),
                key=lambda row: _natural(row[0]),
            )
        ]
    return bars


def _natural(value: str) -> tuple[int, str]:
    """Age groups from young to old, everything else by name."""
    return (AGE_GROUPS.index(value) if value in AGE_GROUPS else 0, value)
