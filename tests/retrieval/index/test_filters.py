"""Filters against a reading of each row on its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.common.errors import UserError
from drawsim.retrieval.index.filters import Condition, parse_filter, passing

COUNTRIES = ["FRA", "ITA", "", "Côte d'Ivoire", "a, b|c"]
YEARS = ["2009", "2010", "2015.5", "", "Divers"]


def table(rows: list[tuple[str, str]]) -> pd.DataFrame:
    ids = pd.Index([f"d{i}" for i in range(len(rows))], name="id")
    return pd.DataFrame(rows, index=ids, columns=["country", "year"], dtype=object)


WORLD = table([(country, year) for country in COUNTRIES for year in YEARS])


def found(given_filter: str | dict[str, Any]) -> list[tuple[str, str]]:
    rows = WORLD[passing(parse_filter(given_filter), WORLD).mask]
    return list(rows.itertuples(index=False, name=None))


@given(
    st.lists(st.sampled_from(COUNTRIES), min_size=1, max_size=3),
    st.booleans(),
    st.sampled_from([">=", "<=", ">", "<"]),
    st.sampled_from(["2009", "2010", "2012"]),
)
def test_rows_that_pass_equal_a_reading_of_each(
    countries: list[str], unlike: bool, order: str, bound: str
) -> None:
    conditions = (
        Condition("country", "!=" if unlike else "=", tuple(countries)),
        Condition("year", order, (bound,)),
    )
    expected = []
    for country, year in WORLD.itertuples(index=False, name=None):
        numeric = year not in ("", "Divers")
        right = numeric and {
            ">=": lambda a, b: a >= b,
            "<=": lambda a, b: a <= b,
            ">": lambda a, b: a > b,
            "<": lambda a, b: a < b,
        }[order](float(year), float(bound))
        expected.append((country in countries) != unlike and right)
    if any(expected):
        assert passing(conditions, WORLD).mask.tolist() == expected
    else:
        with pytest.raises(UserError, match="nothing in the index passes"):
            passing(conditions, WORLD)


@given(
    st.dictionaries(
        st.text(st.characters(categories=["L", "N"]), min_size=1),
        st.tuples(
            st.sampled_from(["=", "!="]),
            st.lists(st.text(st.characters(exclude_characters='"')), min_size=1),
        ),
    )
)
def test_a_quoted_text_gives_back_any_value(wanted: dict[str, tuple[str, list[str]]]) -> None:
    text = ",".join(
        name + sign + "|".join(f'"{value}"' for value in values)
        for name, (sign, values) in wanted.items()
    )
    assert parse_filter(text) == tuple(
        Condition(name, sign, tuple(values)) for name, (sign, values) in wanted.items()
    )


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("country=FRA|ITA, year >= 2010", {"country": ["FRA", "ITA"], "year": ">=2010"}),
        ("year>=2010,year<2015", {"year": [">=2010", "<2015"]}),
        ("year=2010,country!=FRA", {"year": 2010, "country": "!=FRA"}),
        ("country=Côte d'Ivoire,year=", {"country": "Côte d'Ivoire", "year": None}),
        ("country='a, b|c'", {"country": "a, b|c"}),
        ("", {}),
    ],
)
def test_text_and_mapping_say_the_same(text: str, mapping: dict[str, Any]) -> None:
    assert parse_filter(text) == parse_filter(mapping)
    assert found(text) == found(mapping)


def test_unicode_spelling_does_not_matter() -> None:
    assert found("country=Co\u0302te d'Ivoire") == found("country=C\u00f4te d'Ivoire") != []


def test_texts_are_ordered_as_texts_and_ids_can_be_asked_for() -> None:
    dates = table([("", "2010-03-01"), ("", "2010-11-30"), ("", "")])
    mask = passing(parse_filter("year>=2010-04"), dates).mask
    assert mask.tolist() == [False, True, False]
    assert passing(parse_filter("id=d2"), dates).mask.tolist() == [False, False, True]
    assert passing((), dates).mask.tolist() == [True] * 3
    assert passing((), dates).mask.dtype == np.bool_


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("contry=FRA", r"no column 'contry'.*did you mean country\?"),
        ("country=FRE", r"no country is 'FRE', did you mean FRA\?"),
        ("country", "'country' is no condition"),
        ("country=FRA,,year=2010", "is no condition"),
        ("=FRA", "is no condition"),
        ("year>=", "takes one value"),
        ("year>=2009|2010", "takes one value"),
        ("year>2015.5", "nothing in the index passes"),
        ({"country": []}, "list of values is empty"),
        ("country=__import__('os')", "no country is"),
    ],
)
def test_a_filter_that_cannot_be_used_is_named(wrong: str | dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        found(wrong)
    assert "\n" not in str(error.value)


def test_years_are_compared_by_the_first_that_a_cell_names() -> None:
    """As of tables of museums: ca., spans, centuries (by ISO 8601); what names no year fails."""
    cells = ["1889", "ca. 1889", "1912–13", "19th c.", "1888", "13-Oct", "n.d.", ""]
    dated = table([("", cell) for cell in cells])
    rows = dated[passing(parse_filter("year>=1889"), dated).mask]
    assert rows["year"].tolist() == ["1889", "ca. 1889", "1912–13"]
    rows = dated[passing(parse_filter("year<1889"), dated).mask]
    assert rows["year"].tolist() == ["19th c.", "1888"]


def test_a_licence_is_found_however_it_is_spelled() -> None:
    by, inc = "creativecommons.org/licenses/by/4.0", "rightsstatements.org/vocab/InC/1.0"
    cells = [f"http://{by}/", f"https://{by}/deed.de", f"http://{inc}/", "Ask the museum", ""]
    rights = pd.DataFrame({"rights": cells}, index=pd.Index(list("abcde"), name="id"))

    def passes(text: str) -> str:
        return "".join(rights.index[passing(parse_filter(text), rights).mask])

    assert passes("rights=CC BY 4.0") == passes(f"rights=https://{by}/") == "ab"
    assert passes("rights=in copyright|Ask the museum") == "cd"
    assert passes(f"rights!=http://{inc}/,rights!=cc-by-4.0") == "de"
    with pytest.raises(UserError, match=r"no rights is 'CC BY 3\.0', did you mean CC BY 4\.0"):
        passes("rights=CC BY 3.0")
