"""Finished runs side by side: one long table of scores, and the rankings behind it.

A model is what a run's name says without its split and seed; its runs over splits and seeds are its
replicates. The untrained network that each run measured first is a model too, the baseline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from drawsim.errors import UserError
from drawsim.reporting.run_page import Query, Ranking, read_epochs, read_metrics, read_queries

SETS = ("test", "val", "train", "non_train")
STAGES = ("baseline", "final")
SCORES = ["model", "set", "split", "seed", "metric", "value"]
QUERY_KS = (1, 5, 10, 20, 50, 100)
OWN_SETTINGS = ("split", "seed", "study", "name", "out", "resume", "dry_run", "workers", "logger")
"""Settings that replicates of one model may differ in."""
AGREE = 1e-3  # by which two measurements of one untrained network may differ


@dataclass(frozen=True)
class Run:
    """A finished run.

    origin: the parts of its study's place, innermost last. scores: stage (baseline, final) -> set
    -> metric -> value. epochs: the rows of `metrics.csv`. queries: set -> ranked drawings; empty
    where only scores are known. model, untrained: what it and its untrained network are called
    among other runs.
    """

    origin: tuple[str, ...]
    name: str
    settings: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, Mapping[str, float]]]
    protocol: str
    gallery_size: int | None
    best_epoch: int | None
    epochs: Sequence[Mapping[str, float]]
    queries: Mapping[str, Sequence[Query]] = field(default_factory=dict)
    model: str = ""
    untrained: str = ""

    @property
    def place(self) -> str:
        """The run's folder, or where else it is."""
        return str(Path(*self.origin, self.name))

    @property
    def split(self) -> str:
        """The name of its split."""
        return str(self.settings["split"]["name"])

    @property
    def seed(self) -> int:
        """Its seed."""
        return int(self.settings["seed"])

    @property
    def stem(self) -> str:
        """The name without split and seed."""
        rest = self.name
        for part in (self.split, f"seed{self.seed}"):
            rest = re.sub(rf"(^|-){re.escape(part)}(?=-|$)", "", rest)
        return rest.strip("-") or self.name

    def rankings(self, stage: str, set_name: str) -> dict[str, Ranking]:
        """drawing id -> how one stage's model ranked the gallery for it."""
        found = {
            query.drawing_id: getattr(query, stage) for query in self.queries.get(set_name, ())
        }
        return {drawing: ranking for drawing, ranking in found.items() if ranking is not None}


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


def read_runs(folders: Iterable[Path]) -> Results:
    """Read run folders, and all runs of study folders.

    Unfinished runs are left out with a note. Raises UserError if a folder holds no run, if none of
    the runs is finished, if one is damaged, and if they cannot be compared.
    """
    runs: list[Run] = []
    notes: list[str] = []
    for folder in dict.fromkeys(run for given in folders for run in _run_folders(given)):
        record = read_metrics(folder / "metrics.json")
        status = record.get("status", "unknown")
        if status == "finished":
            runs.append(_read_run(folder, record))
        else:
            notes.append(f"{folder} is not finished ({status}) and is left out.")
    if not runs:
        raise UserError(
            "no finished run to compare: " + " ".join(notes) + " Finish them with resume=true."
        )
    return combine(runs, notes)


def _run_folders(given: Path) -> list[Path]:
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


def _read_run(folder: Path, record: Mapping[str, Any]) -> Run:
    for name in ("config.yaml", "ranks.csv"):
        if not (folder / name).is_file():
            raise UserError(f"{folder}: {name} is missing; run it again or leave it out")
    settings = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    try:
        return Run(
            origin=folder.parent.parts,
            name=str(record["name"]),
            settings=settings,
            scores={stage: record[stage] for stage in STAGES},
            protocol=str(record["protocol"]),
            gallery_size=int(record["gallery_size"]),
            best_epoch=record.get("best_epoch"),
            epochs=read_epochs(folder / "metrics.csv"),
            queries=read_queries(folder / "ranks.csv"),
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
    runs = _with_labels(runs)
    notes = [*notes, *_mixtures(runs)]
    rows, queries = [], []
    measured: dict[tuple[str, str], Run] = {}
    for run in runs:
        first = measured.setdefault((run.untrained, run.split), run)
        notes += _disagreement(first, run)
        stages = [(run.untrained, "baseline"), (run.model, "final")]
        for model, stage in stages if first is run else stages[1:]:
            where = {"model": model, "split": run.split, "seed": run.seed}
            for name, values in run.scores[stage].items():
                at = {**where, "set": name}
                rows += [{**at, "metric": m, "value": float(v)} for m, v in values.items()]
                queries += [
                    {**at, "drawing_id": drawing, **query_scores(list(ranking.ranks.values()))}
                    for drawing, ranking in run.rankings(stage, name).items()
                ]
    scores, missing = _shared_metrics(pd.DataFrame(rows, columns=SCORES))
    scores, left_out = on_common_splits(scores)
    baselines = list(dict.fromkeys(run.untrained for run in runs))
    splits = set(scores["split"])
    table = pd.DataFrame(queries)
    return Results(
        scores=scores,
        models=[*baselines, *dict.fromkeys(run.model for run in runs)],
        baselines=baselines,
        queries=table[table["split"].isin(splits)] if len(table) else table,
        runs=[run for run in runs if run.split in splits],
        notes=[*notes, *missing, *left_out],
    )


def query_scores(ranks: Sequence[float]) -> dict[str, float]:
    """What one query with true artworks at these ranks adds to the metrics of the run contract.

    With r_1 <= … <= r_m: mrr 1 / r_1; map mean_j j / r_j; recall@k #{r_j <= k} / m (Manning,
    Raghavan and Schütze, Introduction to Information Retrieval, 2008, ch. 8); first_rank r_1;
    mean_rank mean_j r_j.
    """
    r = np.sort(np.asarray(ranks, dtype=np.float64))
    recalls = {f"recall@{k}": float((r <= k).mean()) for k in QUERY_KS}
    precision = np.arange(1, len(r) + 1) / r
    own = {"mrr": float(1 / r[0]), "map": float(precision.mean())}
    return {**own, **recalls, "mean_rank": float(r.mean()), "first_rank": float(r[0])}


def on_common_splits(scores: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The scores on the splits that every model of a set has, and a note if others are left out.

    Raises UserError if the models of a set share none.
    """
    kept, notes = [], []
    for name, rows in scores.groupby("set", sort=False):
        by_model = rows.groupby("model", sort=False)["split"].agg(set)
        common = set.intersection(*by_model)
        if not common:
            told = "; ".join(f"{m} on {_listed(splits)}" for m, splits in by_model.items())
            raise UserError(
                f"no split has {name} scores of all models, so that they cannot be compared: {told}"
            )
        if others := set(rows["split"]) - common:
            notes.append(f"Left out of {name}, for not every model has them: {_listed(others)}.")
        kept.append(rows[rows["split"].isin(common)])
    return pd.concat(kept, ignore_index=True), notes


def natural(value: object) -> list[tuple[bool, int, str]]:
    """A key that sorts v2 before v10.

    >>> sorted(["v10", "v2", "a"], key=natural)
    ['a', 'v2', 'v10']
    """
    parts = re.findall("[0-9]+|[^0-9]+", str(value))
    return [(False, int(p), "") if p.isdecimal() else (True, 0, p) for p in parts]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names, key=natural))


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


def _with_labels(runs: Sequence[Run]) -> list[Run]:
    """The runs with names for their models: the stem, and the study where stems repeat."""
    studies: dict[str, set[tuple[str, ...]]] = {}
    for run in runs:
        studies.setdefault(run.stem, set()).add(run.origin)
    untrained = _untrained_labels(runs)
    labelled = []
    for run in runs:
        model = run.stem
        if len(studies[run.stem]) > 1:
            model = f"{_tails(studies[run.stem])[run.origin]}/{run.stem}"
        labelled.append(replace(run, model=model, untrained=untrained[_untrained(run)]))
    return labelled


def _tails(paths: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """The last parts of each path, as many as tell them apart."""
    paths = list(paths)
    parts = 1
    while len({path[-parts:] for path in paths}) < len(paths):
        parts += 1
    return {path: "/".join(path[-parts:]) for path in paths}


def _untrained(run: Run) -> str:
    """What an untrained network's scores depend on besides the split."""
    settings = run.settings
    backbone = {k: v for k, v in settings["backbone"].items() if k != "freeze_norm"}
    adapt = {k: v for k, v in settings.get("adapt", {}).items() if k != "learn"}
    how = [settings.get("image_size"), settings.get("layout"), adapt, _exact(run)]
    return repr((backbone, how, settings.get("batch", {}).get("flip", False)))


def _exact(run: Run) -> bool:
    """Whether images were resized as the thesis did."""
    return bool(run.settings.get("aug", {}).get("exact", False))


def _untrained_labels(runs: Sequence[Run]) -> dict[str, str]:
    """`baseline` if all runs start from one network, else with its name, parts, size, number."""
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(_untrained(run), run)
    names = [str(run.settings["backbone"]["name"]) for run in first.values()]
    parts = [
        " ".join([name, *_chosen(run.settings, "layout"), *_chosen(run.settings, "adapt")])
        for name, run in zip(names, first.values(), strict=True)
    ]
    sized = [
        f"{name} {run.settings.get('image_size')} px"
        for name, run in zip(parts, first.values(), strict=True)
    ]
    numbered = [f"{name} ({number})" for number, name in enumerate(sized, start=1)]
    if len(first) == 1:
        return dict.fromkeys(first, "baseline")
    chosen = next(c for c in (names, parts, sized, numbered) if len(set(c)) == len(first))
    return {key: f"baseline {name}" for key, name in zip(first, chosen, strict=True)}


def _chosen(settings: Mapping[str, Any], group: str) -> list[str]:
    """The option of a group, if it is another than none."""
    name = str(settings.get(group, {}).get("name", "none"))
    return [] if name == "none" else [name]


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
        told = [f"{key} ({_listed(v)})" for key, v in values.items() if len(v) > 1]
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
