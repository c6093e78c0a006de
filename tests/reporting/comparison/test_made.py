"""How numbers were made, as runs wrote it down: commands that a shell takes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from drawsim.common.arguments import in_a_shell
from drawsim.common.errors import UserError
from drawsim.reporting.comparison.made import Made, block, commands_text, software
from drawsim.reporting.comparison.page import compare
from drawsim.reporting.comparison.results import Results, read_runs
from drawsim.reporting.comparison.score_files import read_scores
from drawsim.reporting.run.finished import Run
from tests.reporting.comparison.compared import make_study, write_scores

DIGEST = "a" * 64


def write_down(folder: Path, commands: list[list[str]], **facts: str) -> None:
    """What a run of today has in its folder beside its scores."""
    file = folder / "metrics.json"
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    record |= {"commands": commands, "inputs": {"pairs.csv": DIGEST}}
    file.write_text(json.dumps(record), encoding="utf-8")
    text = "".join(f"{key}: {value}\n" for key, value in facts.items())
    (folder / "environment.txt").write_text(text, encoding="utf-8")


def taken_by_a_shell(text: str) -> list[list[str]]:
    """The words of each command, as a POSIX shell reads the file."""
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [words for words in lines if words]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return make_study(tmp_path / "study", {"none": 2, "style": 1}, ["v0"])


def text_of(study: Path) -> str:
    return commands_text(compare(read_runs([study]), None))


def test_a_block_tells_what_a_run_recorded(study: Path) -> None:
    arguments = ["aug=style", "data.root='my scans (1)'", "study=$(id)"]
    facts = {"git commit": "abc (modified)", "python": "3.12.1", "drawsim": "0.1.0", "timm": "1.0"}
    write_down(study / "lite-style-v0-seed0", [arguments], **facts, wandb="not installed")
    head, none, style = text_of(study).split("\n\n")
    assert "reference=baseline" in head
    assert "not recorded: the command, the git commit" in none
    assert "lite-style-v0-seed0: model lite-style, split v0, seed 0" in style
    assert "# drawsim 0.1.0, git commit abc (modified), python 3.12.1" in style
    assert "# timm 1.0" in style
    assert "wandb" not in style
    assert f"# data pairs.csv: sha256 {DIGEST}" in style
    assert "not recorded" not in style
    assert taken_by_a_shell(style) == [["python", "-m", "drawsim.train", *arguments]]


def test_a_run_that_was_taken_up_has_a_command_for_each_start(study: Path) -> None:
    commands = [["seed=0"], ["seed=0", "resume=true"]]
    write_down(study / "lite-none-v0-seed0", commands, python="3")
    assert [words[3:] for words in taken_by_a_shell(text_of(study))] == commands


@given(st.lists(st.lists(st.text(), max_size=4), max_size=3), st.text(), st.text())
def test_a_shell_reads_back_every_command_and_nothing_else(
    commands: list[list[str]], name: str, fact: str
) -> None:
    settings = {"split": {"name": "v0"}, "seed": 0}
    run = Run((), name, settings, {}, "drawsim", 40, None, [])
    made = Made(commands, {"gpu": fact, fact: "x"}, {name: fact})
    text = "\n".join(block(run, made))
    shown = [own for own in commands if all(word.isprintable() for word in own)]
    assert taken_by_a_shell(text) == [["python", "-m", "drawsim.train", *own] for own in shown]


def test_quotes_of_a_plain_word_are_left_out() -> None:
    recorded = ["study='a-b/c'", "name='two words'", "split=glob(v*)", "study='true'", "seed='0'"]
    meant = ["study=a-b/c", *recorded[1:]]
    made = in_a_shell(recorded)
    assert shlex.split(made) == meant
    assert made.startswith("study=a-b/c \"name='two words'\" ")
    parser = OverridesParser.create()
    values = [parser.parse_override(text).value() for text in recorded]
    assert [parser.parse_override(text).value() for text in meant] == values


def test_what_is_no_command_is_damaged(study: Path) -> None:
    write_down(study / "lite-none-v0-seed0", [["a"], "rm -rf"])  # type: ignore[list-item]
    with pytest.raises(UserError, match="commands is no list of lists of texts"):
        read_runs([study])


def test_a_paper_names_the_software_of_the_runs(study: Path) -> None:
    for folder, torch in zip(sorted(study.iterdir()), ("2.4", "2.5"), strict=True):
        write_down(
            folder, [], drawsim="0.1.0", python="3.12", torch=torch, **{"git commit": 40 * "a"}
        )
    (said, *_) = software(read_runs([study]).runs)
    assert said == (
        "The runs were made with drawsim 0.1.0 (git commit aaaaaaaaaaaa), python 3.12 and torch "
        "2.4 or 2.5."
    )


def test_published_scores_have_no_commands(tmp_path: Path) -> None:
    write_scores(tmp_path, "a", "A", [10.0])
    results: Results = read_scores([f"{tmp_path}/*/*.csv"])
    assert taken_by_a_shell(commands_text(compare(results, None))) == []
    assert "not recorded" in software(results.runs)[0]
