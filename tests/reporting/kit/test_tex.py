"""Any text in LaTeX: it is printed as it is, and ends no cell, row or group."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.reporting.kit.tex import escaped, foreign, sentence
from tests.reporting.kit.tex_reader import cells, printed

PRINTABLE = st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(
    " \\{}&%#_$~^-'`,\"[]*<>|?!"
)


@given(st.text(PRINTABLE))
def test_it_prints_what_it_says(text: str) -> None:
    assert printed(escaped(text)) == unicodedata.normalize("NFC", text)


@given(st.text(), st.text())
def test_it_stays_in_its_cell(one: str, other: str) -> None:
    row = f"{escaped(one)} & {escaped(other)} \\\\"
    assert row.isprintable()  # and so it is one line
    assert len(cells(row)) == 2
    assert not row.lstrip("{").startswith(("[", "*")) or row.startswith("{")


@pytest.mark.parametrize("text", ["[2em]", "*", "[*]"])
def test_it_is_no_option_of_the_row_before(text: str) -> None:
    assert escaped(text).startswith("{")


def test_p_is_set_as_a_number() -> None:
    assert sentence("MRR −0.1, p < 0.001; p = 0.5.") == (
        r"MRR \ensuremath{-}0.1, $p < 0.001$; $p = 0.5$."
    )


def test_letters_that_pdflatex_lacks_are_named() -> None:
    assert foreign("Käthe–Łódź, “ß” € … − é") == ""
    assert foreign("Ж中Ж\u0301") == "Ж中\u0301"
