"""What a run folder says of its settings, and what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from drawsim.collection.demo.make import demo_folder
from drawsim.common.errors import UserError
from drawsim.common.yaml_files import MOST_BYTES, yaml_text
from drawsim.runs.settings import (
    data_root,
    read_settings,
    read_values,
)


def written(folder: Path, text: str) -> Path:
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return folder


def test_settings_come_back_as_they_were(tmp_path: Path) -> None:
    tags = ["é", "a b", "1995_14", "null", "2020-01-01"]
    settings = {"seed": 0, "data": {"root": "/ä"}, "tags": tags, "more": tags, "rate": 1e-05}
    text = yaml_text(settings)
    assert "&" not in text
    assert read_settings(written(tmp_path, text)) == settings
    assert read_values(tmp_path) == settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2\nb", "not the settings of a run"),
        ("- 1", "must be key: value"),
        ("", "it is empty"),
        ("\0", "not the settings of a run"),
        ("[" * 5000, "not the settings of a run"),
        ("a: " + "9" * 5000, "not the settings of a run"),
        ("a: !!python/object/apply:os.system ['touch ran']", "could not determine a constructor"),
        ("a: !!python/name:os.system", "could not determine a constructor"),
        ("a: !!binary aGVsbG8=", "a is a bytes, not a plain value"),
        ("a: 2020-01-01", "a is a date, not a plain value"),
        ("a: {1: 2}", "which is no name"),
        ("a: &x [1]\nb: *x", "has an alias"),
        ("a: &a {k: 1}\nb: {<<: [*a, *a]}", "has an alias"),
        ("a: &a [*a]", "has an alias"),
        ("_target_: os.system", "as a whole is not built"),
        ("loss: {_target_: os.system}", "loss asks for 'os.system'"),
        ("extra: {_target_: os.system}", "extra asks for 'os.system'"),
        ("callbacks: {x: {_target_: mine.Y}}", "callbacks.x asks for 'mine.Y'.*trust=mine"),
        ("a: ${oc.env:HOME}", "refers to something else"),
        ("# " + "x" * MOST_BYTES, "more than the 262,144 that are read"),
    ],
)
def test_what_is_no_settings_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said) as error:
        read_settings(written(tmp_path, text))
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_folder_without_settings_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run folder"):
        read_settings(tmp_path)


def test_trust(tmp_path: Path) -> None:
    written(tmp_path, "loss: {_target_: mine.Loss}")
    assert read_settings(tmp_path, ["mine"]) == {"loss": {"_target_": "mine.Loss"}}
    assert read_values(tmp_path) == {"loss": {"_target_": "mine.Loss"}}


def test_the_collection_of_a_run(tmp_path: Path) -> None:
    assert data_root({"data": {"root": str(tmp_path)}}) == tmp_path
    assert data_root({"data": {"root": str(tmp_path / "gone")}}) is None
    assert data_root({"data": {}}) is None
    assert data_root({}) is None


def test_a_file_never_makes_a_demo(tmp_path: Path) -> None:
    demo: dict[str, Any] = {
        "_target_": "drawsim.collection.demo.demo_root",
        "cache": str(tmp_path / "cache"),
        "artworks": 4,
        "paired_artworks": 2,
        "pairs": 2,
        "unpaired_drawings": 0,
        "seed": 0,
    }
    assert data_root({"data": {"demo": demo}}) is None
    assert list(tmp_path.iterdir()) == []
    folder = demo_folder(**{key: value for key, value in demo.items() if key != "_target_"})
    folder.mkdir(parents=True)
    assert data_root({"data": {"demo": demo}}) == folder
    for wrong in ({"seed": "../.."}, {"root": "/x"}, {"cache": {"a": 1}}, {"artworks": [1]}):
        assert data_root({"data": {"demo": {**demo, **wrong}}}) is None


def test_files_are_read_by_any_yaml(tmp_path: Path) -> None:
    text = yaml_text({"a": {"b": [1, None, True, 0.5, "x"]}})
    assert yaml.safe_load(text) == {"a": {"b": [1, None, True, 0.5, "x"]}}
