"""Every country of the map lies in a region, and in one."""

from __future__ import annotations

from collections import Counter

from drawsim.collection.names import countries
from drawsim.collection.regions import _REGIONS, REGIONS
from drawsim.reporting.collection.world_map import read_world


def test_each_country_lies_in_one_region() -> None:
    every = Counter(code for codes in _REGIONS.values() for code in codes.split())
    assert set(every.values()) == {1}
    assert not set(read_world().places) - set(REGIONS)
    assert not set(REGIONS) - countries() - {"XKX"}
    assert (REGIONS["GRC"], REGIONS["TUR"]) == ("Southern Europe", "Western Asia")
