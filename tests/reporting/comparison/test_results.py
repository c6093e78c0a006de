"""Run folders put side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drawsim.common.errors import UserError
from drawsim.reporting.comparison.results import query_scores, read_runs
from drawsim.reporting.run.finished import natural
from drawsim.reporting.run.reading import Ranking as RankingOf
from drawsim.retrieval.metrics.functions import query_metrics
from drawsim.retrieval.ranking import Ranking, Relevance
from tests.reporting.comparison.compared import ladder, make_run, make_study

SETS = {"test": ladder(["a", "b"], 2), "val": ladder(["c", "d"], 3), "train": ladder(["e"], 1)}


def run(study: Path, **options: Any) -> Path:
    return make_run(study, **{"before": SETS, "after": SETS, **options})


@given(st.sets(st.integers(1, 60), min_size=1, max_size=5))
def test_scores_of_a_query_are_those_of_the_metrics(ranks: set[int]) -> None:
    count = len(ranks)
    ranking = Ranking(
        torch.empty(1, 0, dtype=torch.int64),
        torch.empty(1, 0),
        Relevance(torch.zeros(count, dtype=torch.int64), torch.arange(count)),
        higher=torch.tensor(sorted(ranks)) - 1,
        equal=torch.ones(count, dtype=torch.int64),
        gallery_size=60,
    )
    expected = {name: float(value[0]) for name, value in query_metrics(ranking).items()}
    ranked = {f"a{rank}": float(rank) for rank in sorted(ranks, reverse=True)}
    (scores,) = query_scores({"d": RankingOf(ranked, [], [])}, 60).to_dict("records")
    assert scores.pop("drawing_id") == "d"
    del expected["query"]
    assert scores == pytest.approx(expected)


def test_a_study_becomes_models_with_replicates(tmp_path: Path) -> None:
    results = read_runs([make_study(tmp_path / "study", {"none": 2, "style": 1}, ("v10", "v2"))])
    assert results.models == ["baseline", "lite-none", "lite-style"]
    assert results.baselines == ["baseline"]
    assert results.splits == ["v2", "v10"]
    assert results.sets == ["test", "val", "train"]
    assert results.notes == []
    mrr = results.scores[(results.scores["metric"] == "mrr") & (results.scores["set"] == "test")]
    assert mrr.groupby("model").size().to_dict() == {
        "baseline": 2,  # once per split, though two runs measured it
        "lite-none": 2,
        "lite-style": 2,
    }


def test_queries_average_to_the_scores(tmp_path: Path) -> None:
    results = read_runs([make_study(tmp_path / "study", {"none": 2, "style": 1})])
    keys = ["model", "set", "split"]
    means = results.queries.groupby(keys)[["mrr", "recall@10", "mean_rank"]].mean()
    scores = results.scores.pivot_table(index=keys, columns="metric", values="value")
    pd.testing.assert_frame_equal(means, scores[means.columns], check_names=False)


def test_a_run_given_twice_counts_once(tmp_path: Path) -> None:
    folder = run(tmp_path / "study")
    assert len(read_runs([folder, tmp_path / "study", folder]).runs) == 1


def test_unfinished_runs_are_left_out_with_a_note(tmp_path: Path) -> None:
    run(tmp_path / "s")
    run(tmp_path / "s", split="v1", status="interrupted")
    results = read_runs([tmp_path / "s"])
    assert len(results.runs) == 1
    assert "lite-none-v1-seed0 is not finished (interrupted)" in results.notes[0]


def test_only_unfinished_runs_are_an_error(tmp_path: Path) -> None:
    run(tmp_path / "s", status="failed")
    with pytest.raises(UserError, match=r"no finished run .*\(failed\)"):
        read_runs([tmp_path / "s"])


def test_earlier_runs_that_were_set_aside_are_no_runs(tmp_path: Path) -> None:
    run(tmp_path / "s")
    run(tmp_path / "s" / "_previous", split="v5")
    assert read_runs([tmp_path / "s"]).splits == ["v0"]


def test_folders_without_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        read_runs([tmp_path / "typo"])
    with pytest.raises(UserError, match=r"no run in this folder; a run has a metrics\.json"):
        read_runs([tmp_path])
    run(tmp_path / "one")
    run(tmp_path / "two")
    with pytest.raises(UserError, match="give its studies: one, two"):
        read_runs([tmp_path])


@pytest.mark.parametrize("name", ["config.yaml", "ranks.csv"])
def test_a_damaged_run_is_named(tmp_path: Path, name: str) -> None:
    folder = run(tmp_path / "s")
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"lite-none-v0-seed0: {name} is missing"):
        read_runs([folder])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"gallery_size": 8577}, "gallery size differs: 40 in .*none.*; 8577 in .*style"),
        ({"protocol": "thesis"}, "protocol differs: drawsim in .*none.*; thesis in .*style"),
    ],
)
def test_runs_of_other_kinds_cannot_be_compared(
    tmp_path: Path, record: dict[str, Any], message: str
) -> None:
    run(tmp_path / "s", aug="none")
    run(tmp_path / "s", aug="style", record=record)
    with pytest.raises(UserError, match=message):
        read_runs([tmp_path / "s"])


def test_a_split_must_mean_the_same_drawings(tmp_path: Path) -> None:
    run(tmp_path / "s", aug="none")
    other = {**SETS, "test": ladder(["a", "z"], 2)}
    run(tmp_path / "s", aug="style", before=other, after=other)
    with pytest.raises(UserError, match="the test set of split v0 has other drawings"):
        read_runs([tmp_path / "s"])


def test_models_are_compared_on_the_splits_that_all_have(tmp_path: Path) -> None:
    for split in ("v0", "v1", "v2"):
        run(tmp_path / "s", aug="none", split=split)
    run(tmp_path / "s", aug="style", split="v1")
    results = read_runs([tmp_path / "s"])
    assert results.splits == ["v1"]
    assert {one.split for one in results.runs} == {"v1"}
    assert set(results.queries["split"]) == {"v1"}
    assert "Left out of test, for not every model has them: v0 and v2." in results.notes


def test_models_without_a_common_split_are_an_error(tmp_path: Path) -> None:
    run(tmp_path / "s", aug="none", split="v0")
    run(tmp_path / "s", aug="style", split="v1")
    with pytest.raises(UserError, match="lite-none on v0; lite-style on v1"):
        read_runs([tmp_path / "s"])


def test_studies_tell_equal_names_apart(tmp_path: Path) -> None:
    run(tmp_path / "fast")
    run(tmp_path / "slow")
    run(tmp_path / "slow", aug="style")
    results = read_runs([tmp_path / "fast", tmp_path / "slow"])
    assert results.models == ["baseline", "fast/lite-none", "slow/lite-none", "lite-style"]


def test_folders_tell_equal_studies_apart(tmp_path: Path) -> None:
    run(tmp_path / "here" / "demo")
    run(tmp_path / "there" / "demo")
    results = read_runs([tmp_path / "here" / "demo", tmp_path / "there" / "demo"])
    assert results.models[1:] == ["here/demo/lite-none", "there/demo/lite-none"]


def test_a_name_of_the_users_is_the_model(tmp_path: Path) -> None:
    run(tmp_path / "s", name="wide")
    run(tmp_path / "s", name="wide-v0-seed7", seed=7)
    assert read_runs([tmp_path / "s"]).models == ["baseline", "wide"]


def test_replicates_of_different_settings_are_noted(tmp_path: Path) -> None:
    run(tmp_path / "s", seed=0, settings={"optim": {"lr": 0.1}, "workers": 1})
    run(tmp_path / "s", seed=1, settings={"optim": {"lr": 0.2}, "workers": 2})
    note = "The runs of lite-none differ in more than split and seed: optim.lr (0.1 and 0.2)."
    assert read_runs([tmp_path / "s"]).notes == [note]


def test_other_networks_are_other_baselines(tmp_path: Path) -> None:
    run(tmp_path / "s", name="a", settings={"backbone": {"name": "lite"}})
    run(tmp_path / "s", name="b", settings={"backbone": {"name": "imagenet"}})
    run(tmp_path / "s", name="c", settings={"backbone": {"name": "imagenet", "pool": "max"}})
    run(tmp_path / "s", name="d", settings={"backbone": {"name": "lite"}, "image_size": 224})
    run(tmp_path / "t", name="e", settings={"backbone": {"name": "lite"}})
    names = read_runs([tmp_path / "s" / "a", tmp_path / "s" / "b"]).baselines
    assert names == ["baseline lite", "baseline imagenet"]
    names = read_runs([tmp_path / "s" / "a", tmp_path / "s" / "d", tmp_path / "t" / "e"]).baselines
    assert names == ["baseline lite 64 px", "baseline lite 224 px"]
    names = read_runs([tmp_path / "s" / "b", tmp_path / "s" / "c"]).baselines
    assert names == ["baseline imagenet 64 px (1)", "baseline imagenet 64 px (2)"]


def test_pictures_read_otherwise_are_other_baselines(tmp_path: Path) -> None:
    """By `reading`; runs of before, which have none, say it by their augmentation's `exact`."""
    run(tmp_path / "s", name="a", settings={"reading": "areas"})
    run(tmp_path / "s", name="b", settings={"reading": "thesis"})
    run(tmp_path / "s", name="c", settings={"aug": {"name": "basic", "exact": True}})
    run(tmp_path / "s", name="d", settings={"reading": "areas", "aug": {"exact": True}})

    def baselines(*names: str) -> int:
        return len(read_runs([tmp_path / "s" / name for name in names]).baselines)

    assert baselines("a", "b") == baselines("a", "c") == 2
    assert baselines("b", "c") == baselines("a", "d") == 1


def test_an_untrained_network_measured_differently_is_noted(tmp_path: Path) -> None:
    run(tmp_path / "s", aug="none")
    other = {**SETS, "test": ladder(["a", "b"], 5)}
    run(tmp_path / "s", aug="style", before=other)
    (note,) = read_runs([tmp_path / "s"]).notes
    assert "scores differently on test" in note


def test_metrics_that_not_all_runs_have_are_left_out(tmp_path: Path) -> None:
    run(tmp_path / "s", aug="none")
    scores = {"test": {"mrr": 0.5}, "val": {"mrr": 0.5}, "train": {"mrr": 0.5}}
    run(tmp_path / "s", aug="style", record={"final": scores})
    results = read_runs([tmp_path / "s"])
    assert results.metrics == ["mrr"]
    assert results.notes[0].startswith("Left out, for not every run has them: map, recall@1")


def test_two_comes_before_ten() -> None:
    assert sorted(["v10", "v2", "b1", "7"], key=natural) == ["7", "b1", "v2", "v10"]
