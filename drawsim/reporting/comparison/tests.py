"""Which models differ from a reference: paired tests by split, and by query if rankings are known.

Test sets of different splits overlap, so that scores by split are not independent. By query, each
drawing counts once, with the mean of its scores over the splits and seeds in which it was ranked,
and drawings that are connected by common artworks make one unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from drawsim.collection.splits import components
from drawsim.common.errors import UserError, nearest
from drawsim.common.words import in_words
from drawsim.reporting.comparison.results import Results
from drawsim.retrieval.analysis.statistics import PairedTest, holm, paired_test, smallest_p
from drawsim.retrieval.metrics import registry

LEVEL = 0.05
HELD_OUT = ("test", "val")
"""Sets on which a difference means something."""
FEWEST_SPLITS = 2


@dataclass(frozen=True)
class Comparison:
    """A model against the reference in one metric.

    by: query or split, the unit. test.difference is model minus reference; p_wilcoxon and
    p_permutation are corrected by Holm's method over the models compared by that unit on that set
    in that metric.
    """

    by: str
    set: str
    metric: str
    model: str
    reference: str
    test: PairedTest
    p_wilcoxon: float
    p_permutation: float

    @property
    def stands(self) -> bool:
        """Whether both tests, corrected, tell the two apart."""
        return max(self.p_wilcoxon, self.p_permutation) < LEVEL

    @property
    def better(self) -> bool:
        """Whether the model scores better than the reference."""
        return registry.gain(self.metric, 0.0, self.test.difference) > 0


def choose_reference(results: Results, wanted: str | None) -> str:
    """The model that the others are compared with: the one wanted, else the first (the baseline).

    Raises UserError if there is none of this name.
    """
    if wanted is None:
        return results.models[0]
    if wanted not in results.models:
        raise UserError(f"reference={wanted}: no such model, {nearest(wanted, results.models)}")
    return wanted


def compare_models(results: Results, reference: str) -> list[Comparison]:
    """Every model against the reference, by query and by split, on test and val."""
    comparisons: list[Comparison] = []
    groups = connected(results) if len(results.queries) else None
    for set_name in (name for name in HELD_OUT if name in results.sets):
        for metric in registry.tested(results.metrics):
            if groups is not None:
                table = by_query(results, set_name, metric)
                units = groups.reindex(table.index).tolist()
                comparisons += _family("query", set_name, metric, table, reference, units)
            table = by_split(results, set_name, metric)
            if len(table) >= FEWEST_SPLITS:
                comparisons += _family("split", set_name, metric, table, reference, None)
    return comparisons


def by_query(results: Results, set_name: str, metric: str) -> pd.DataFrame:
    """A row per drawing and a column per model: mean over seeds, then over splits."""
    rows = results.queries[results.queries["set"] == set_name]
    by_split = rows.groupby(["drawing_id", "model", "split"])[metric].mean()
    return by_split.groupby(["drawing_id", "model"]).mean().unstack("model").dropna()


def by_split(results: Results, set_name: str, metric: str) -> pd.DataFrame:
    """A row per split and a column per model: mean over seeds."""
    scores = results.scores
    rows = scores[(scores["set"] == set_name) & (scores["metric"] == metric)]
    return rows.groupby(["split", "model"])["value"].mean().unstack("model").dropna()


def connected(results: Results) -> pd.Series[int]:
    """drawing id -> the number of its group of drawings and artworks that pairs connect."""
    pairs = {
        (query.drawing_id, artwork)
        for run in results.runs
        for queries in run.queries.values()
        for query in queries
        for artwork in query.shown.ranks
    }
    table = pd.DataFrame(sorted(pairs), columns=["drawing_id", "artwork_id"])
    groups = components(table["drawing_id"], table["artwork_id"])
    return pd.Series(groups, index=table["drawing_id"]).groupby(level=0).first()


def _family(
    by: str,
    set_name: str,
    metric: str,
    table: pd.DataFrame,
    reference: str,
    units: Sequence[int] | None,
) -> list[Comparison]:
    if reference not in table.columns:
        return []
    models = [model for model in table.columns if model != reference]
    tests = [paired_test(table[model] - table[reference], units) for model in models]
    wilcoxon = holm([test.p_wilcoxon for test in tests])
    permutation = holm([test.p_permutation for test in tests])
    return [
        Comparison(by, set_name, metric, model, reference, test, float(w), float(p))
        for model, test, w, p in zip(models, tests, wilcoxon, permutation, strict=True)
    ]


# What it comes to


@dataclass(frozen=True)
class Verdict:
    """What the comparisons of one model on one set say, a comparison per metric."""

    model: str
    reference: str
    comparisons: list[Comparison]

    @property
    def better(self) -> list[str]:
        """The metrics in which it is better, and that stands."""
        return [registry.label(c.metric) for c in self.comparisons if c.stands and c.better]

    @property
    def worse(self) -> list[str]:
        """The metrics in which it is worse, and that stands."""
        return [registry.label(c.metric) for c in self.comparisons if c.stands and not c.better]

    @property
    def text(self) -> str:
        """A sentence that begins with its verb; the model is its subject."""
        undecided = len(self.comparisons) - len(self.better) - len(self.worse)
        metrics = f"{undecided} metric{'' if undecided == 1 else 's'}"
        if undecided == len(self.comparisons):
            return f"cannot be told from {self.reference} in any of {metrics}."
        parts = [
            f"is {word} than {self.reference} in {in_words(found)}"
            for word, found in (("better", self.better), ("worse", self.worse))
            if found
        ]
        return " and ".join(parts) + (f"; not told apart in {metrics}." if undecided else ".")


def verdicts(
    comparisons: Sequence[Comparison], set_name: str, models: Sequence[str]
) -> list[Verdict]:
    """One for each model, from comparisons by query where there are any, else by split."""
    own = deciding(comparisons, set_name)
    by_model = {model: [c for c in own if c.model == model] for model in models}
    return [Verdict(model, mine[0].reference, mine) for model, mine in by_model.items() if mine]


def deciding(comparisons: Sequence[Comparison], set_name: str) -> list[Comparison]:
    """The comparisons on a set that decide: those by query if there are any, else by split."""
    own = [c for c in comparisons if c.set == set_name]
    return [c for c in own if c.by == "query"] or own


def format_p(p: float) -> str:
    """
    >>> format_p(0.0123), format_p(0.00012)
    ('p = 0.012', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def format_difference(value: float, metric: str) -> str:
    """A score's difference with its sign, unless it prints as zero.

    >>> format_difference(-0.0512, "mrr"), format_difference(0.00001, "mrr")
    ('−0.051', '0.000')
    """
    text = registry.written(abs(value), metric)
    if not text.strip("0."):
        return text
    return ("−" if value < 0 else "+") + text


def grounds(results: Results, comparisons: Sequence[Comparison], set_name: str) -> list[str]:
    """Sentences on what the verdicts of a set rest on, and how far they can be trusted."""
    own = deciding(comparisons, set_name)
    if not own:
        return []
    test = own[0].test
    splits = len(results.splits)
    if own[0].by == "query":
        sentences = [
            f"Paired by query: {test.pairs} drawings in {test.units} groups that share no artwork; "
            "a group is one unit of the tests."
        ]
        if splits > 1:
            rows = results.queries[results.queries["set"] == set_name]
            places = len(rows.drop_duplicates(["split", "drawing_id"]))
            sentences.append(
                f"The {set_name} sets of the {splits} splits do not overlap."
                if places == test.pairs
                else f"The {set_name} sets of the {splits} splits overlap: they hold {places} "
                "drawings if each is counted as often as it comes. Here it counts once, with the "
                "mean of its scores over splits and seeds."
            )
    else:
        sentences = [
            f"Paired by split: only the scores of {test.pairs} splits are known. Splits are drawn "
            "from one pool of pairs, so that they overlap and are not independent, and the "
            "p-values too small: what does not stand here does not stand, and what stands is no "
            "more than likely."
        ]
        if smallest_p(test.pairs) * len({c.model for c in own}) >= LEVEL:
            sentences.append("There are too few splits for any difference to stand.")
    if set_name == "val":
        sentences.append(
            "Where epochs were chosen, it was on this set, which favours trained models."
        )
    return sentences


def comparison_table(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """The comparisons as a table: one row each, p-values as tested and corrected."""
    rows = [
        {
            "set": c.set,
            "metric": c.metric,
            "model": c.model,
            "reference": c.reference,
            "by": c.by,
            "n": c.test.pairs,
            "units": c.test.units,
            "difference": c.test.difference,
            "low": c.test.low,
            "high": c.test.high,
            "p_wilcoxon": c.test.p_wilcoxon,
            "p_permutation": c.test.p_permutation,
            "p_wilcoxon_holm": c.p_wilcoxon,
            "p_permutation_holm": c.p_permutation,
            "stands": c.stands,
        }
        for c in comparisons
    ]
    return pd.DataFrame(rows)
