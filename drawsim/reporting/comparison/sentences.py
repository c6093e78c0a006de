"""What a comparison says in words, on its page as in a paper."""

from __future__ import annotations

from drawsim.common.words import counted
from drawsim.reporting.comparison.results import Results
from drawsim.reporting.comparison.tests import LEVEL, Comparison, format_difference, format_p

RULE = (
    "both the Wilcoxon signed-rank test and the paired permutation test of the mean give "
    f"p < {LEVEL} after Holm's correction over the models compared on a set in a metric"
)
"""When a difference stands."""
INTERVAL = "95 % percentile bootstrap interval"
NOT_CORRECTED = (
    "There is no correction over metrics, which say much the same: a difference in one of them "
    "alone means little."
)


def gallery_size(results: Results) -> int | None:
    """Artworks that were ranked for each drawing, where that is known."""
    return next((run.gallery_size for run in results.runs if run.gallery_size), None)


def lead(results: Results, *, within: bool = False) -> str:
    """What was compared, on how many splits; within: a sentence that has begun."""
    runs = len(results.runs)
    published = "published scores" if within else "Published scores"
    front = counted(runs, "finished run") if runs else published
    on = f"{counted(len(results.splits), 'split')} ({', '.join(results.splits)})"
    gallery = gallery_size(results)
    ranked = f", {counted(gallery, 'artwork')} ranked for each drawing" if gallery else ""
    return f"{front} on {on}{ranked}."


def figures_of(comparison: Comparison) -> str:
    """A difference with its interval and the larger of its two corrected p."""
    test, metric = comparison.test, comparison.metric
    low, high = format_difference(test.low, metric), format_difference(test.high, metric)
    p = format_p(max(comparison.p_wilcoxon, comparison.p_permutation))
    return f"{format_difference(test.difference, metric)}, {low} to {high}, {p}"
