"""The map of the world: every country once, where it belongs, in the shade of its count."""

from __future__ import annotations

import importlib.util
import math
import re
from pathlib import Path
from types import ModuleType

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

import drawsim
from drawsim.reporting.collection import world_map
from drawsim.reporting.collection.world_map import CLASSES, classes_of, map_figure, read_world

PLACES = {  # longitude, latitude
    "FRA": (2.35, 48.85),
    "GUF": (-53.0, 4.0),
    "SJM": (16.0, 78.5),
    "BRA": (-47.9, -15.8),
    "AUS": (133.9, -23.7),
    "UKR": (34.1, 44.95),
    "RUS": (37.6, 55.75),
    "XKX": (20.9, 42.6),
}


def make_world() -> ModuleType:
    script = Path(drawsim.__file__).parents[1] / "scripts" / "make_world.py"
    if not script.is_file():
        pytest.skip(f"the map is made in a checkout: there is no {script}")
    spec = importlib.util.spec_from_file_location("make_world", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def places_at(longitude: float, latitude: float) -> set[str]:
    """The codes whose outlines hold a point of the globe."""
    point = make_world().on_map(longitude, latitude)
    return {
        code
        for code, place in read_world().places.items()
        for ring in place.rings
        if Outline(list(zip(ring[::2], ring[1::2], strict=True))).contains_point(point)
    }


def test_every_code_of_iso_3166_is_on_the_map_once() -> None:
    places = read_world().places
    # Antarctica is below the map's edge; Kosovo has no code in ISO 3166.
    codes = {country.alpha_3 for country in pycountry.countries}
    assert set(places) == codes - {"ATA"} | {"XKX"}
    names = [place.name for place in places.values()]
    assert len(set(names)) == len(names)
    assert all(place.rings or place.dot for place in places.values())
    text = world_map.FILE.read_text(encoding="utf-8")
    written = re.findall('^ "(...)":', text, flags=re.MULTILINE)
    assert len(written) == len(places)  # JSON would silently keep the last of two


def test_everything_lies_within_the_map() -> None:
    world = read_world()
    for place in world.places.values():
        points = [*place.rings, *([place.dot] if place.dot else [])]
        assert all(0 <= x <= world.width for ring in points for x in ring[::2])
        assert all(0 <= y <= world.height for ring in points for y in ring[1::2])


@pytest.mark.parametrize("code", PLACES)
def test_a_country_is_where_it_is(code: str) -> None:
    assert places_at(*PLACES[code]) == {code}


def test_the_date_line_leaves_no_seam() -> None:
    # Both sides of 180 degrees, in northern Chukotka, and on it.
    for longitude in (177.0, 180.0, 185.0):
        assert places_at(longitude, 67.0) == {"RUS"}
    width = read_world().width
    rings = read_world().places["RUS"].rings
    assert not any(min(ring[::2]) < width / 4 for ring in rings)


@given(st.floats(-169, 191), st.floats(-85, 85))
def test_the_projection_keeps_areas(longitude: float, latitude: float) -> None:
    project = make_world().project
    step = 1e-4
    (west, east), (south, north) = (
        (project(longitude - step, latitude), project(longitude + step, latitude)),
        (project(longitude, latitude - step), project(longitude, latitude + step)),
    )
    sides = [(b[0] - a[0], b[1] - a[1]) for a, b in ((west, east), (south, north))]
    (a, b), (c, d) = sides
    on_globe = math.radians(2 * step) ** 2 * math.cos(math.radians(latitude))
    assert (a * d - b * c) / on_globe == pytest.approx(1, abs=1e-4)


def test_the_projection_is_equal_earth() -> None:
    # The extent that the projection's authors give for a globe of radius 1.
    project, centre = make_world().project, make_world().CENTRE
    assert project(centre + 180, 0)[0] == pytest.approx(2.70663, abs=1e-5)
    assert project(centre, 90)[1] == pytest.approx(1.31736, abs=1e-5)


@given(st.integers(1, 10**7), st.data())
def test_classes_hold_every_count_once(top: int, data: st.DataObject) -> None:
    classes = classes_of(top)
    assert classes.starts[0] == 1
    assert len(classes.starts) == len(classes.labels) <= CLASSES
    count = data.draw(st.integers(1, top))
    ends = [int(label.split(" – ")[-1].replace(",", "")) for label in classes.labels]
    start, end = classes.starts[classes.of(count)], ends[classes.of(count)]
    assert start <= count <= end
    assert ends[-1] == top


def test_the_map_tells_each_count_and_shows_small_states() -> None:
    svg = map_figure({"FRA": 2467, "SGP": 1, "MUS": 30}).svg
    titles = re.findall("<title>(.*?)</title>", svg)
    assert "France (FRA): 2,467 drawings" in titles
    assert "Singapore (SGP): 1 drawing" in titles
    assert "Brazil (BRA): none" in titles
    # Dots stand only for what was counted: Malta has no outline and no drawings.
    assert not any("MLT" in title for title in titles)
    france = svg[svg.index("France (FRA)") :]
    assert "var(--m6)" in france[: france.index("</g>")]
    brazil = svg[svg.index("Brazil (BRA)") :]
    assert "var(--tile)" in brazil[: brazil.index("</g>")]
