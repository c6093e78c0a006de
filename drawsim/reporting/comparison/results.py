"""Finished runs side by side: one long table of scores, and the rankings behind it.

What a model is among them, and which runs are its replicates, `finished_run` says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.common.errors import UserError
from drawsim.common.words import counted, in_words
from drawsim.reporting.comparison.searches import Search
from drawsim.reporting.run.finished import Run, natural, with_labels
from drawsim.reporting.run.reading import Ranking, read_epochs, read_metrics, read_queries
from drawsim.retrieval.metrics.functions import metric_values
from drawsim.retrieval.metrics.query_ranks import QueryRanks
from drawsim.runs.settings import read_values

SETS = ("test", "val", "train", "non_train")
SCORES = ["model", "set", "split", "seed", "metric", "value"]
OWN_SETTINGS = ("split", "seed", "study", "name", "out", "resume", "dry_run", "workers", "logger")
"""Settings that replicates of one model may differ in."""
AGREE = 1e-3  # by which two measurements of one untrained network may differ


@dataclass(frozen=True)
class Results:
    """What is compared.

    scores: columns SCORES, one row per replicate and metric. models: their names, baselines first,
    then in the order given. queries: one row per replicate and drawing, with the columns model,
    set, split, seed, drawing_id and those of `query_scores`; empty where rankings are not known.
    runs: those behind the scores, if any. notes: sentences on what was left out or looks odd.
    """

    scores: pd.DataFrame
    models: list[str]
    baselines: list[str]
    queries: pd.DataFrame
    runs: list[Run]
    notes: list[str]

    @property
    def sets(self) -> list[str]:
        """The sets that have scores."""
        present = set(self.scores["set"])
        return [name for name in SETS if name in present]

    @property
    def metrics(self) -> list[str]:
        """The metrics, in the order in which they came."""
        return list(dict.fromkeys(self.scores["metric"]))

    @property
    def splits(self) -> list[str]:
        """The splits, v2 before v10."""
        return sorted(set(self.scores["split"]), key=natural)


# Run folders


def read_runs(folders: Sequence[Path], searches: Iterable[Search] = ()) -> Results:
    """Read run folders, and all runs of study folders; for a search among them, its best trial.

    Trials were chosen among, so that each is no model of its own: but those whose own folder is
    given are compared. Unfinished runs are left out with a note. Raises UserError if a folder holds
    no run, if none of the runs is finished, if one is damaged, and if they cannot be compared.
    """
    runs: list[Run] = []
    found = list(dict.fromkeys(run for given in folders for run in run_folders(given)))
    best, lesser, notes = _trials(searches, found)
    lesser -= {folder.resolve() for folder in folders}
    for folder in (one for one in found if one in best or one not in lesser):
        record = read_metrics(folder / "metrics.json")
        status = record.get("status", "unknown")
        if status == "finished":
            runs.append(replace(read_run(folder, record), called=best.get(folder, "")))
        else:
            notes.append(f"{folder} is not finished ({status}) and is left out.")
    if not runs:
        raise UserError(
            "no finished run to compare: " + " ".join(notes) + " Finish them with resume=true."
        )
    return combine(runs, notes)


def _trials(
    searches: Iterable[Search], folders: Collection[Path]
) -> tuple[dict[Path, str], set[Path], list[str]]:
    """The best run of each search and what it is called, the runs of all trials, and notes.

    A search whose best run is not among the folders is passed over.
    """
    best: dict[Path, str] = {}
    trials: set[Path] = set()
    notes = []
    for search in searches:
        place = Path(search.place).resolve()
        if search.best is None or not search.best.run or place / search.best.run not in folders:
            continue
        among = counted(search.count("finished") + search.count("pruned"), "trial")
        best[place / search.best.run] = f"{place.name} (best of {among})"
        trials |= {place / one.run for one in search.trials if one.run}
        notes.append(
            f"{search.place} holds a search: its best of {among} by {search.monitor}, "
            f"{search.best.run}, stands for it. To compare others, give the folders of their runs."
        )
    return best, trials, notes


def run_folders(given: Path) -> list[Path]:
    """The run folder itself, or those of a study, v2 before v10."""
    folder = given.resolve()
    if not folder.is_dir():
        raise UserError(f"{given}: no such folder; give folders of runs or of studies")
    if _is_run(folder):
        return [folder]
    inside = sorted((path for path in folder.iterdir() if path.is_dir()), key=natural)
    inside = [path for path in inside if not path.name.startswith((".", "_"))]
    runs = [path for path in inside if _is_run(path)]
    if not runs:
        studies = [path.name for path in inside if any(map(_is_run, path.glob("[!._]*/")))]
        cure = f"give its studies: {', '.join(studies)}" if studies else "a run has a metrics.json"
        raise UserError(f"{given}: there is no run in this folder; {cure}")
    return runs


def _is_run(folder: Path) -> bool:
    return (folder / "metrics.json").is_file()


def read_run(folder: Path, record: Mapping[str, Any]) -> Run:
    """A run from its folder and its record. Raises UserError where files or values are missing."""
    for name in ("config.yaml", "ranks.csv"):
        if not (folder / name).is_file():
            raise UserError(f"{folder}: {name} is missing; run it again or leave it out")
    settings = read_values(folder)
    plain = (record.get("stages") or {}).get("untrained", record.get("baseline"))
    try:
        return Run(
            origin=folder.parent.parts,
            name=str(record["name"]),
            settings=settings,
            scores={"baseline": plain or record["baseline"], "final": record["final"]},
            protocol=str(record["protocol"]),
            gallery_size=int(record["gallery_size"]),
            best_epoch=record.get("best_epoch"),
            epochs=read_epochs(folder / "metrics.csv"),
            queries=read_queries(folder / "ranks.csv"),
            folder=folder,
        )
    except KeyError as error:
        raise UserError(
            f"{folder}/metrics.json: no {error}; run it again or leave it out"
        ) from None


# Side by side


def combine(runs: Sequence[Run], notes: Sequence[str] = ()) -> Results:
    """Put finished runs side by side, on the splits that all models have.

    Raises UserError if they were ranked by different protocols or in different galleries, if a
    split means other drawings in one run than in another, and if the models share no split.
    """
    _check_comparable(runs)
    runs = with_labels(runs)
    notes = [*notes, *_mixtures(runs)]
    rows: list[dict[str, Any]] = []
    queries: list[pd.DataFrame] = []
    measured: dict[tuple[str, str], Run] = {}
    for run in runs:
        first = measured.setdefault((run.untrained, run.split), run)
        notes += _disagreement(first, run)
        stages = [(run.untrained, "baseline"), (run.model, "final")]
        for model, stage in stages if first is run else stages[1:]:
            where = {"model": model, "split": run.split, "seed": run.seed}
            for name, values in run.scores[stage].items():
                at: dict[str, Any] = {**where, "set": name}
                rows += [{**at, "metric": m, "value": float(v)} for m, v in values.items()]
                if rankings := run.rankings(stage, name):
                    queries.append(query_scores(rankings, run.gallery_size or 0).assign(**at))
    scores, missing = _shared_metrics(pd.DataFrame(rows, columns=SCORES))
    scores, left_out = on_common_splits(scores)
    baselines = list(dict.fromkeys(run.untrained for run in runs))
    splits = set(scores["split"])
    table = pd.concat(queries, ignore_index=True) if queries else pd.DataFrame()
    return Results(
        scores=scores,
        models=[*baselines, *dict.fromkeys(run.model for run in runs)],
        baselines=baselines,
        queries=table[table["split"].isin(splits)] if len(table) else table,
        runs=[run for run in runs if run.split in splits],
        notes=[*notes, *missing, *left_out],
    )


def query_scores(rankings: Mapping[str, Ranking], gallery_size: int) -> pd.DataFrame:
    """A row per drawing: drawing_id, and what it adds to each metric that ranks decide."""
    ranks = [list(ranking.ranks.values()) for ranking in rankings.values()]
    values = metric_values(QueryRanks.of_lists(ranks, gallery_size))
    return pd.DataFrame({"drawing_id": list(rankings), **values})


def on_common_splits(scores: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The scores on the splits that every model of a set has, and a note if others are left out.

    Raises UserError if the models of a set share none.
    """
    kept, notes = [], []
    for name, rows in scores.groupby("set", sort=False):
        by_model = rows.groupby("model", sort=False)["split"].agg(set)
        common = set.intersection(*by_model)
        if not common:
            told = "; ".join(
                f"{m} on {in_words(sorted(splits, key=natural))}" for m, splits in by_model.items()
            )
            raise UserError(
                f"no split has {name} scores of all models, so that they cannot be compared: {told}"
            )
        if others := set(rows["split"]) - common:
            told = in_words(sorted(others, key=natural))
            notes.append(f"Left out of {name}, for not every model has them: {told}.")
        kept.append(rows[rows["split"].isin(common)])
    return pd.concat(kept, ignore_index=True), notes


def _check_comparable(runs: Sequence[Run]) -> None:
    for what, values in (
        ("protocol", [run.protocol for run in runs]),
        ("gallery size", [run.gallery_size for run in runs]),
    ):
        first: dict[object, Run] = {}
        for value, run in zip(values, runs, strict=True):
            if value is not None:  # W&B does not tell
                first.setdefault(value, run)
        if len(first) > 1:
            told = "; ".join(f"{value} in {run.place}" for value, run in first.items())
            raise UserError(
                f"these runs cannot be compared, their {what} differs: {told}. "
                "Compare those of one kind at a time."
            )
    seen: dict[tuple[str, str], tuple[set[str], Run]] = {}
    for run in runs:
        for name, queries in run.queries.items():
            drawings = {query.drawing_id for query in queries}
            expected, other = seen.setdefault((run.split, name), (drawings, run))
            if drawings != expected:
                raise UserError(
                    f"these runs cannot be compared: the {name} set of split {run.split} has other "
                    f"drawings in {run.place} ({len(drawings)}) than in {other.place} "
                    f"({len(expected)}). Compare runs of one collection and its splits."
                )


def _mixtures(runs: Sequence[Run]) -> list[str]:
    """A note for each model whose runs differ in more than split and seed."""
    notes = []
    for model in dict.fromkeys(run.model for run in runs):
        values: dict[str, set[str]] = {}
        for run in runs:
            if run.model == model:
                for key, value in pd.json_normalize(dict(run.settings)).iloc[0].items():
                    if str(key).split(".")[0] not in OWN_SETTINGS:
                        values.setdefault(str(key), set()).add(str(value))
        told = [
            f"{key} ({in_words(sorted(v, key=natural))})" for key, v in values.items() if len(v) > 1
        ]
        if told:
            notes.append(
                f"The runs of {model} differ in more than split and seed: {'; '.join(told)}."
            )
    return notes


def _disagreement(first: Run, second: Run) -> list[str]:
    """A note if two runs measured one untrained network differently."""
    for name, values in first.scores["baseline"].items():
        other = second.scores["baseline"].get(name, {})
        far = [m for m in ("mrr", "map") if abs(values.get(m, 0) - other.get(m, 0)) > AGREE]
        if far:
            return [
                f"The untrained network scores differently on {name} in {first.place} and "
                f"{second.place} ({', '.join(far)}); the first is taken."
            ]
    return []


def _shared_metrics(scores: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The scores in metrics that all models have, and a note on the others."""
    models = scores.groupby("metric", sort=False)["model"].nunique()
    missing = list(models.index[models < scores["model"].nunique()])
    if not missing:
        return scores, []
    note = f"Left out, for not every run has them: {', '.join(missing)}."
    return scores[~scores["metric"].isin(missing)], [note]
