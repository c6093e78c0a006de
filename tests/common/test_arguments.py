"""What is typed is what is meant: Hydra reads the arguments back as the texts that they were."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from drawsim.common.arguments import as_texts, quoted

LETTERS = st.text(alphabet="aZ09 ,.'\"\\(){}[]=$:;#*?!&|~@%äß本\t-_/", min_size=1, max_size=12)


def value_of(argument: str) -> object:
    """A value as Hydra reads it."""
    return OverridesParser.create().parse_override(argument).value()


@given(LETTERS)
def test_any_text_in_quotes_is_read_back(text: str) -> None:
    assert value_of(f"out={quoted(text)}") == text


@given(LETTERS)
def test_a_text_setting_is_taken_as_it_is_typed(text: str) -> None:
    typed = f"out={text}"
    (written,) = as_texts([typed], ["out"])
    if text.strip()[:1] not in ("'", '"') and text.strip() not in ("", "null"):
        assert value_of(written) == text
    assert as_texts([written], ["out"]) == [written]  # further processes get it again


@given(LETTERS)
def test_hydra_can_read_every_argument(text: str) -> None:
    (written,) = as_texts([f"+other={text}"])
    OverridesParser.create().parse_override(written)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("out=my runs (1)", "my runs (1)"),
        ("out=a,b", "a,b"),
        ("out=2024", "2024"),
        ("out=it's", "it's"),
        ("out='it is'", "it is"),
        ("out={b}", "{b}"),
        ("out=ends\\", "ends\\"),
        ("image=[a b.png, Käthe's]", ["a b.png", "Käthe's"]),
        ("image=a,b.png", "a,b.png"),
        ("where={country: FRA}", {"country": "FRA"}),
        ("step.where={land: Österreich, n: [1, x (2)]}", {"land": "Österreich", "n": [1, "x (2)"]}),
        ("seed=3", 3),
        ("layout.parts=[[-2, 4]]", [[-2, 4]]),
    ],
)
def test_what_a_setting_gets(typed: str, value: object) -> None:
    (written,) = as_texts([typed], ["out"], ["image", "where"])
    assert value_of(written) == value


@pytest.mark.parametrize("argument", ["-m", "--cfg", "job", "~logger", "split=glob(v*)", "out="])
def test_what_is_left_to_hydra(argument: str) -> None:
    assert as_texts([argument], ["out"]) == [argument]


def test_in_a_sweep_commas_are_hydras() -> None:
    assert as_texts(["out=a,b", "study=c (1)"], ["out", "study"], sweep=True) == [
        "out=a,b",
        "study='c (1)'",
    ]
