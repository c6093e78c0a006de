"""Age groups, countries, style copies, and artists' names that were broken on the way."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.names import (
    AGE_GROUPS,
    STYLE_SUFFIXES,
    countries,
    display_name,
    original_id,
    repaired,
)

LATIN = "abcdefghijklmnopqrstuvwxyzàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿčďěńňőřšťůűžłąęśćż"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"


def words(alphabet: str) -> st.SearchStrategy[str]:
    """Names of one to three words, each with a capital."""
    word = st.text(alphabet, min_size=2, max_size=8).map(str.title)
    return st.lists(word, min_size=1, max_size=3).map(" ".join)


def read_as(text: str, encoding: str) -> str:
    """What is seen of UTF-8 text that a program takes for another encoding."""
    return text.encode().decode(encoding)


def test_age_groups_are_in_their_natural_order() -> None:
    ages = [int(group.split("-")[0]) for group in AGE_GROUPS if group[0].isdigit()]
    assert ages == sorted(ages)
    assert AGE_GROUPS[len(ages) :] == ("MS", "unknown")


def test_countries_are_alpha_3() -> None:
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in countries())
    assert {"FRA", "LKA", "LVA", "UKR"} <= countries()
    assert {"ANT", "CSK", "DDR", "SCG", "SUN", "YUG", "ZAR"} <= countries()  # that are no more
    assert not {"SRI", "LET", "YOU", "XKX", ""} & countries()


@pytest.mark.parametrize("suffix", STYLE_SUFFIXES)
def test_a_style_copy_is_of_a_known_original(suffix: str) -> None:
    assert original_id(f"a_R_C{suffix}", {"a_R_C", "b"}) == "a_R_C"
    assert original_id(f"a_R_C{suffix}", {"b"}) is None


def test_the_longer_ending_goes_first() -> None:
    assert original_id("a_pencil_gray", {"a", "a_pencil"}) == "a"
    assert original_id("a_pencil_gray", {"a_pencil"}) == "a_pencil"


@given(words(LATIN), st.sampled_from(["cp437", "latin-1", "mac_roman"]))
def test_broken_latin_names_are_repaired(name: str, encoding: str) -> None:
    seen = read_as(name, encoding)
    # Where every sign of the broken name is one that names have, nobody can tell.
    looks_fine = all(c.isalpha() or c == " " for c in seen)
    assert repaired(seen) == name or looks_fine


@given(words(CYRILLIC), st.sampled_from(["cp437", "latin-1"]))
def test_broken_cyrillic_names_are_repaired(name: str, encoding: str) -> None:
    assert repaired(read_as(name, encoding)) == name


@given(words(LATIN) | words(CYRILLIC))
def test_good_names_are_left_alone(name: str) -> None:
    assert repaired(name) == name
    decomposed = unicodedata.normalize("NFD", name)
    assert repaired(decomposed) == decomposed


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ("Albrecht_Du╠êrer", "Albrecht Dürer"),  # decomposed, in a zip archive
        ("Albrecht_DÃ¼rer", "Albrecht Dürer"),
        ("AntonÃ\xadn_DvoÅ™Ã¡k", "Antonín Dvořák"),  # cp1252, which lacks some bytes
        ("Albrecht_D√ºrer", "Albrecht Dürer"),
        ("Albrecht_DuÃàrer", "Albrecht Dürer"),  # Mac, decomposed: nothing but letters
        ("RenÃƒÂ©_Magritte", "René Magritte"),  # broken twice
        ("Oâ€™Keeffe", "O’Keeffe"),
        ("Édouard_Manet", "Édouard Manet"),
        ("E\u0301douard_Manet", "Édouard Manet"),
        ("Joan_Miró", "Joan Miró"),
        ("JOSÉ_DE_ALMADA", "JOSÉ DE ALMADA"),
        ("Mª_Ángeles", "Mª Ángeles"),
        ("葛飾_北斎", "葛飾 北斎"),
        ("Robert_and_Sonia__Delaunay_", "Robert and Sonia Delaunay"),
        ("Anon._№ 7 (16×20)", "Anon. № 7 (16×20)"),
        ("", ""),
    ],
)
def test_names_for_people(found: str, shown: str) -> None:
    assert display_name(found) == shown
