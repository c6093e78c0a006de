"""Score tables with a row per model and split, as the thesis published them: `*_kfold.csv`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.problems import Problem, Problems, raise_problems
from drawsim.common.errors import UserError, nearest
from drawsim.reporting.comparison.results import SCORES, SETS, Results, on_common_splits

METRICS = ("MAP", "R@400", "R@200", "R@100", "R@50", "R@20", "MMP", "MP", "mean_median_position")
"""The thesis's metrics: percent, but for the last three, which are 0-based positions."""
SPLIT_COLUMNS = ("version", "data_split_version")
IGNORED_COLUMNS = ("best_epoch",)
BASELINES = "baselines"
"""The folder of the network that was not trained further."""
PUBLISHED_NAMES = {"resnext": "ImageNet baseline"}


def read_scores(patterns: Iterable[str]) -> Results:
    """Read score tables: paths, or patterns such as `scores/*/test_scores_kfold.csv`.

    The set is the beginning of a file's name, the model a column; the folder is put in front of
    models that stand in several folders. Raises UserError for a pattern without a file, for columns
    and cells that are none of a score table, and for a model with two scores for one split.
    """
    files = list(dict.fromkeys(path for pattern in patterns for path in _matching(pattern)))
    problems = Problems()
    table = pd.concat([_read(path, problems) for path in files], ignore_index=True)
    raise_problems("these score tables cannot be used", problems)
    folders = table.groupby("model")["folder"].nunique()
    several = table["model"].isin(folders.index[folders > 1])
    table["model"] = table["model"].mask(several, table["folder"] + "/" + table["model"])
    _check_once(table)
    scores, notes = on_common_splits(table[SCORES])
    models = list(dict.fromkeys(table["model"]))
    baselines = list(dict.fromkeys(table.loc[table["folder"] == BASELINES, "model"]))
    if not baselines:
        notes.append(f"There is no baseline: no table lies in a folder named {BASELINES}.")
    return Results(
        scores=scores,
        models=[*baselines, *(model for model in models if model not in baselines)],
        baselines=baselines,
        queries=pd.DataFrame(),
        runs=[],
        notes=notes,
    )


def _matching(pattern: str) -> list[Path]:
    path = Path(pattern)
    files = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    if not files:
        raise UserError(f"scores={pattern}: there is no such file")
    for path in files:
        if not path.is_file():
            raise UserError(
                f"scores={pattern}: {path} is a folder; give its files, {pattern}/*.csv"
            )
    return files


def _read(path: Path, problems: Problems) -> pd.DataFrame:
    """The scores of a file in long form, with a column `folder`; problems are appended."""
    empty = pd.DataFrame(columns=[*SCORES, "folder"])
    found = Problems()
    table = read_csv(path, ("model",), found)
    set_name = re.match(f"({'|'.join(sorted(SETS, key=len, reverse=True))})_", path.name)
    if set_name is None:
        cure = "begin the name with test_, val_, train_ or non_train_"
        found.append(Problem(path.name, None, "the file's name does not say the set", cure))
    split = next((column for column in SPLIT_COLUMNS if column in table.columns), None)
    if split is None and len(table):
        cure = f"name the column of the split {' or '.join(SPLIT_COLUMNS)}"
        found.append(Problem(path.name, 1, "no column for the split", cure))
    known = ("model", *SPLIT_COLUMNS, *IGNORED_COLUMNS, *METRICS)
    for column in table.columns:
        if column not in known:
            what, cure = f"unknown column {column}", nearest(column, known)
            found.append(Problem(path.name, 1, what, cure))
    metrics = [metric for metric in METRICS if metric in table.columns]
    for metric in metrics:
        for row, text in table[metric].items():
            if not _is_number(text):
                cure = "write a number, 12.5"
                found.append(Problem(path.name, int(str(row)), f"{metric} is {text!r}", cure))
    problems += [replace(problem, file=str(path)) for problem in found]
    if found or set_name is None or split is None:
        return empty
    long = table.melt(["model", split], metrics, var_name="metric", value_name="value")
    return pd.DataFrame(
        {
            "model": long["model"].replace(PUBLISHED_NAMES),
            "set": set_name[1],
            "split": "v" + long[split].str.removeprefix("v"),
            "seed": 0,
            "metric": long["metric"],
            "value": long["value"].astype(float),
            "folder": path.parent.name,
        }
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _check_once(table: pd.DataFrame) -> None:
    twice = table[table.duplicated(["model", "set", "split", "metric"])]
    if len(twice):
        row = twice.iloc[0]
        raise UserError(
            f"{row['model']} has two {row['set']} scores for split {row['split']}: "
            "give each table once, and every model a name of its own"
        )
