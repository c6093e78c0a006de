"""Published score tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawsim.common.errors import UserError
from drawsim.reporting.comparison.score_files import read_scores
from tests.reporting.comparison.compared import write_scores, write_table


def test_tables_become_scores(tmp_path: Path) -> None:
    write_scores(tmp_path, "tuned", "FT", [30, 40, 50])
    write_scores(tmp_path, "baselines", "resnext", [10, 20, 30])
    write_scores(tmp_path, "tuned", "FT", [31, 41, 51], "non_train_scores.csv")
    results = read_scores([f"{tmp_path}/*/test_*.csv", f"{tmp_path}/tuned/*.csv"])
    assert results.models == ["ImageNet baseline", "FT"]
    assert results.baselines == ["ImageNet baseline"]
    assert results.sets == ["test", "non_train"]
    assert results.splits == ["v0", "v1", "v2"]
    assert results.metrics == ["MAP", "MMP"]
    assert results.notes == []
    rows = results.scores.set_index(["model", "set", "split", "metric"])["value"]
    assert rows["FT", "test", "v1", "MMP"] == 400
    assert rows["FT", "non_train", "v2", "MAP"] == 51


def test_both_names_of_the_split_are_understood(tmp_path: Path) -> None:
    write_scores(tmp_path, "baselines", "A", [1, 2])
    rows = [{"version": f"v{i}", "model": "B", "MAP": i} for i in range(2)]
    write_table(tmp_path / "b" / "test_b.csv", rows)
    results = read_scores([f"{tmp_path}/*/test_*.csv"])
    assert results.splits == ["v0", "v1"]
    assert results.models == ["A", "B"]


def test_folders_tell_equal_models_apart(tmp_path: Path) -> None:
    write_scores(tmp_path, "first", "FT", [1, 2])
    write_scores(tmp_path, "second", "FT", [3, 4])
    results = read_scores([f"{tmp_path}/*/*.csv"])
    assert results.models == ["first/FT", "second/FT"]
    assert results.notes == ["There is no baseline: no table lies in a folder named baselines."]


def test_a_pattern_without_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        read_scores([f"{tmp_path}/*.csv"])
    with pytest.raises(UserError, match="is a folder; give its files"):
        read_scores([str(tmp_path)])


def test_everything_wrong_is_listed_with_file_row_and_cure(tmp_path: Path) -> None:
    rows = [
        {"model": "A", "version": "v0", "MAP": 1, "R@40": 2},
        {"model": "A", "version": "v1", "MAP": "much", "R@40": 2},
    ]
    write_table(tmp_path / "test_a.csv", rows)
    write_table(tmp_path / "scores.csv", [{"model": "A", "MAP": 1}])
    with pytest.raises(UserError) as caught:
        read_scores([f"{tmp_path}/*.csv"])
    text = str(caught.value)
    assert f"{tmp_path}/test_a.csv, row 1: unknown column R@40 – did you mean R@400" in text
    assert "row 3: MAP is 'much'" in text
    assert f"{tmp_path}/scores.csv: the file's name does not say the set" in text
    assert "scores.csv, row 1: no column for the split" in text


def test_a_score_given_twice_is_an_error(tmp_path: Path) -> None:
    rows = [{"model": "A", "version": "v0", "MAP": 1}, {"model": "A", "version": "v0", "MAP": 2}]
    write_table(tmp_path / "test_a.csv", rows)
    with pytest.raises(UserError, match="A has two test scores for split v0"):
        read_scores([f"{tmp_path}/*.csv"])


def test_a_file_that_several_patterns_match_counts_once(tmp_path: Path) -> None:
    path = write_scores(tmp_path, "baselines", "A", [1, 2])
    assert len(read_scores([str(path), f"{tmp_path}/*/*.csv"]).scores) == 4
