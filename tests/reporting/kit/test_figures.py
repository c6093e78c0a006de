"""The figures of a collection: every number in them, in colours that can turn dark."""

from __future__ import annotations

import io
import re
import warnings

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drawsim.reporting.collection.charts import (
    LETTERS,
    RANKED,
    Bar,
    ages_figure,
    artists_figure,
    bars_figure,
    countries_figure,
    pairs_figure,
    sizes_figure,
    year_columns,
    years_figure,
)
from drawsim.reporting.kit.figures import COLOURS, DPI, Drawn, inline_svg, short_names


def tips(figure: Drawn) -> list[str]:
    """What the marks of a figure say."""
    return re.findall("<title>(.*?)</title>", figure.svg)


def texts(figure: Drawn) -> list[str]:
    """The words in a figure."""
    return re.findall("<text[^>]*>(.*?)</text>", figure.svg)


def counts(**values: int) -> pd.Series[int]:
    return pd.Series({name.strip("_"): count for name, count in values.items()})


def all_figures() -> list[Drawn]:
    countries = pd.DataFrame(
        [("FRA", "France", 5, True), ("YOU", "YOU", 2, False)],
        columns=["code", "name", "drawings", "on_map"],
    )
    sizes = pd.DataFrame(
        [("drawing", 100, 80), ("drawing", 80, 100), ("artwork", 3000, 20)],
        columns=["kind", "width", "height"],
    )
    pairs = pd.DataFrame({"confirmed": [9, 1], "ambiguous": [0, 2]}, index=[1, 2])
    return [
        years_figure(counts(_1995=3, _1999=1, unknown=7)),
        ages_figure(pd.Series({"3-5": 1, "MS": 3})),
        countries_figure(countries),
        artists_figure(pd.DataFrame([("a", "A", 3)], columns=["artist", "name", "artworks"])),
        pairs_figure(pairs),
        sizes_figure(sizes),
    ]


@pytest.mark.parametrize("figure", all_figures(), ids=lambda figure: figure.name)
def test_a_figure_is_png_for_paper_and_svg_that_can_turn_dark(figure: Drawn) -> None:
    with Image.open(io.BytesIO(figure.png)) as picture:
        assert picture.width == pytest.approx(figure.width * DPI, abs=2)
    assert figure.svg.startswith("<svg viewBox=")
    assert not re.search("#[0-9a-f]{6}", figure.svg), "a colour that stays as it is"
    assert not re.search("<style|xlink|http|<g id=|font-family", figure.svg)
    assert set(re.findall(r"var\(--(\w+)\)", figure.svg)) <= set(COLOURS)
    assert texts(figure)


def test_years_keep_their_distances_and_what_is_no_year_is_told() -> None:
    columns, ticks, rest = year_columns(counts(_1986=1, _1994=2, _2020=3, Divers=4, unknown=5))
    assert [(column.x, column.bar.count) for column in columns] == [(1986, 1), (1994, 2), (2020, 3)]
    assert all(float(label) == place for label, place in ticks.items())
    assert rest == "not shown: Divers 4, unknown 5"
    many = counts(**{f"_{year}": 1 for year in range(1970, 2021)})
    assert len(year_columns(many)[1]) <= 16  # four digits each, side by side


def test_a_mistaken_year_does_not_stretch_the_axis() -> None:
    columns, ticks, rest = year_columns(counts(_0201=1, _2010=5, _2011=6, Divers=2))
    assert [column.x for column in columns] == [0, 1, 2, 3]
    assert list(ticks) == ["0201", "2010", "2011", "Divers"]
    assert not rest
    words = {f"word {i}": 1 for i in range(90)}
    assert len(year_columns(pd.Series(words))[1]) <= 20


def test_of_many_bars_none_is_lost() -> None:
    bars = [Bar(f"country {i}", 200 - i, f"tip {i}") for i in range(150)]
    figure = bars_figure("x", "X", [*bars, Bar("unknown", 999, "u")], pooled="codes")
    assert tips(figure) == [bar.tip for bar in bars[:RANKED]]
    rest = sum(bar.count for bar in bars[RANKED:])
    told = f"not shown: {150 - RANKED} other codes {rest:,}, unknown 999"
    assert told in texts(figure)


def test_every_bar_has_its_number() -> None:
    figure = ages_figure(pd.Series({"3-5": 1200, "14-17": 400}))
    assert tips(figure) == ["3-5: 1,200 drawings, 75.0%", "14-17: 400 drawings, 25.0%"]
    assert {"3-5", "14-17", "1,200", "400"} <= set(texts(figure))
    distribution = pd.DataFrame({"confirmed": [86, 1], "ambiguous": [38, 0]}, index=[1, 2])
    assert "38 artworks with 1 ambiguous drawing" in tips(pairs_figure(distribution))
    assert "1 artwork with 2 confirmed drawings" in tips(pairs_figure(distribution))


def test_any_name_can_be_drawn() -> None:
    names = [
        "$x^2$ $",
        "<b>&amp;\"'</svg>",
        "葛飾北斎",
        "🎨 a\nb",
        "مرحبا",
        "y" * 200,
        "%s {0} \\",
        "",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = bars_figure("x", "<x>", [Bar(name, 1, name) for name in names])
    assert "$x^2$ $" in texts(figure)
    assert "葛飾北斎" in texts(figure)  # a reader's browser has the letters that the PNG lacks
    assert "&lt;b&gt;&amp;amp;&quot;&#x27;&lt;/svg&gt;" in tips(figure)
    assert figure.svg.count("</svg>") == 1
    assert max(map(len, texts(figure))) <= max(LETTERS, len("&lt;b&gt;&amp;amp;\"'&lt;/svg&gt;"))


@given(st.sets(st.text("ab-1 ()", max_size=12), max_size=12), st.integers(8, 10))
def test_short_names_tell_apart(names: set[str], letters: int) -> None:
    short = short_names(sorted(names), letters)
    assert set(short) == names
    assert len(set(short.values())) == len(names)
    assert all(len(own) <= letters for own in short.values())


def test_a_title_is_taken_as_it_is() -> None:
    svg = inline_svg('<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>', r"a\i \g<0> \1", {})
    assert r'aria-label="a\i \g&lt;0&gt; \1"' in svg
