"""Which differences stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drawsim.common.errors import UserError
from drawsim.reporting.comparison.results import Results, read_runs
from drawsim.reporting.comparison.score_files import read_scores
from drawsim.reporting.comparison.tests import (
    by_query,
    by_split,
    choose_reference,
    compare_models,
    comparison_table,
    connected,
    deciding,
    grounds,
    verdicts,
)
from drawsim.retrieval.analysis.statistics import holm
from drawsim.retrieval.metrics import registry
from tests.reporting.comparison.compared import ladder, make_run, make_study, write_scores


def published(root: Path, **models: list[float]) -> Results:
    """Scores of models over splits; the one named `base` lies in the folder of baselines."""
    for model, values in models.items():
        write_scores(root, "baselines" if model == "base" else model, model, values)
    return read_scores([f"{root}/*/*.csv"])


def test_the_reference_is_the_baseline_unless_named(tmp_path: Path) -> None:
    results = published(tmp_path, base=[1, 2], tuned=[3, 4])
    assert choose_reference(results, None) == "base"
    assert choose_reference(results, "tuned") == "tuned"
    with pytest.raises(UserError, match="reference=tune: no such model, did you mean tuned"):
        choose_reference(results, "tune")


def test_a_steady_difference_stands_and_noise_does_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(20, 5, 11)
    noise = rng.normal(0, 1, 11)
    results = published(
        tmp_path,
        base=list(base),
        better=list(base + 10 + 0.1 * noise),
        same=list(base + noise - noise.mean()),
    )
    found = {v.model: v for v in verdicts(compare_models(results, "base"), "test", results.models)}
    assert list(found) == ["better", "same"]
    # MMP is ten times MAP here, and larger positions are worse.
    assert (found["better"].better, found["better"].worse) == (["MAP"], ["MMP"])
    assert found["better"].text == "is better than base in MAP and is worse than base in MMP."
    assert found["same"].text == "cannot be told from base in any of 2 metrics."


def test_p_values_are_corrected_over_the_models_of_a_metric(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(20, 5, 9)
    models = {f"m{i}": list(base + rng.normal(i, 2, 9)) for i in range(4)}
    comparisons = compare_models(published(tmp_path, base=list(base), **models), "base")
    own = [c for c in comparisons if c.metric == "MAP"]
    assert [c.p_permutation for c in own] == pytest.approx(
        holm([c.test.p_permutation for c in own])
    )
    assert [c.p_wilcoxon for c in own] == pytest.approx(holm([c.test.p_wilcoxon for c in own]))
    assert len(comparison_table(comparisons)) == len(comparisons) == 8


def test_few_splits_are_said_to_be_too_few(tmp_path: Path) -> None:
    results = published(tmp_path, base=[1, 2, 3], tuned=[11, 12, 13])
    comparisons = compare_models(results, "base")
    assert not any(c.stands for c in comparisons)
    text = " ".join(grounds(results, comparisons, "test"))
    assert "only the scores of 3 splits are known" in text
    assert "not independent" in text
    assert "too few splits for any difference to stand" in text


def test_one_split_alone_is_not_tested(tmp_path: Path) -> None:
    assert compare_models(published(tmp_path, base=[1], tuned=[2]), "base") == []


def test_by_query_a_drawing_counts_once_with_its_mean_over_splits(tmp_path: Path) -> None:
    for seed, (first, second) in enumerate([(2, 10), (4, 10)]):
        for split, rank in (("v0", first), ("v1", second)):
            sets = {"test": {"d": [rank]}, "val": {"e": [1]}, "train": {"f": [1]}}
            make_run(tmp_path / "s", "none", split, seed, before=sets, after=sets)
    results = read_runs([tmp_path / "s"])
    table = by_query(results, "test", "mean_rank")
    # mean over the seeds of each split, then over splits: ((2 + 4) / 2 + 10) / 2
    assert table.loc["d", "lite-none"] == pytest.approx(6.5)
    assert by_split(results, "test", "mean_rank")["lite-none"].to_dict() == {"v0": 3, "v1": 10}


def test_drawings_that_share_artworks_are_one_unit(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    sets = {"test": ladder(["a", "b", "c"], 2), "val": ladder(["d"], 1)}
    run = make_run(folder, before=sets, after=sets)
    text = (run / "ranks.csv").read_text(encoding="utf-8")
    (run / "ranks.csv").write_text(text.replace("b-0", "a-0"), encoding="utf-8")
    results = read_runs([folder])
    groups = connected(results)
    assert groups["a"] == groups["b"] != groups["c"]
    comparisons = compare_models(results, "baseline")
    tests = [c.test for c in comparisons if c.set == "test"]
    assert {(test.pairs, test.units) for test in tests} == {(3, 2)}


def test_queries_decide_where_they_are_known(tmp_path: Path) -> None:
    results = read_runs([make_study(tmp_path / "s", {"none": 2, "style": 1})])
    comparisons = compare_models(results, "lite-none")
    assert {c.by for c in comparisons} == {"query", "split"}
    assert {c.by for c in deciding(comparisons, "test")} == {"query"}
    assert {c.model for c in comparisons} == {"baseline", "lite-style"}
    text = " ".join(grounds(results, comparisons, "test"))
    assert "7 drawings in 7 groups" in text
    assert "The test sets of the 2 splits overlap: they hold 8 drawings" in text
    assert "Where epochs were chosen, it was on this set" in " ".join(
        grounds(results, comparisons, "val")
    )


def test_metrics_that_are_wrong_by_construction_are_not_tested(tmp_path: Path) -> None:
    path = write_scores(tmp_path, "baselines", "base", [1, 2])
    path.write_text(path.read_text(encoding="utf-8").replace("MMP", "MP"), encoding="utf-8")
    assert registry.tested(read_scores([str(path)]).metrics) == ["MAP"]


@pytest.mark.real_data
def test_what_differs_from_the_thesiss_best_model(shared_data: Path) -> None:
    """The statement of experiments/thesis_published."""
    scores = shared_data.parent / "reference" / "scores"
    if not scores.is_dir():
        pytest.skip(f"no real data: no published scores in {scores}")
    results = read_scores([f"{scores}/*/{name}_scores_kfold.csv" for name in ("test", "val")])
    comparisons = compare_models(results, "FT Aug Mini-Replica")
    found = verdicts(comparisons, "test", results.models)
    assert not any(verdict.better for verdict in found)
    assert {verdict.model: verdict.worse for verdict in found if verdict.worse} == {
        "ImageNet baseline": ["MAP", "R@400", "R@200", "R@100", "R@50", "R@20", "MMP"],
        "Mini-Replica": ["R@400"],
        "Clus-Replica": ["R@400", "R@200", "MMP"],
        "FT No-Aug Clus-Replica": ["R@400", "R@200"],
    }
    told_apart = {v.model: len(v.worse) for v in verdicts(comparisons, "val", results.models)}
    assert told_apart == {
        "ImageNet baseline": 7,
        "Mini-Replica": 6,
        "Clus-Replica": 6,
        "FT Aug": 0,
        "FT Aug Clus-Replica": 5,
        "FT No-Aug Clus-Replica": 5,
        "FT No-Aug Mini-Replica": 0,
        "FT No-Aug": 5,
    }
