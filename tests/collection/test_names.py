"""Names of scans, taken apart and put together."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.names import AGE_GROUPS, ScanName, parse_scan_name

names = st.builds(
    ScanName,
    year=st.integers(1000, 9999),
    age_group=st.sampled_from(AGE_GROUPS),
    number=st.text("0123456789ABZab", min_size=1, max_size=6),
    country=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3),
    side=st.sampled_from("RV"),
    quality=st.sampled_from("AC"),
)


def test_an_example() -> None:
    assert parse_scan_name("2015_14-17_3372_ITA_R_C") == ScanName(
        2015, "14-17", "3372", "ITA", "R", "C"
    )


@given(names)
def test_a_name_comes_back_from_its_text(name: ScanName) -> None:
    assert parse_scan_name(str(name)) == name


@pytest.mark.parametrize(
    "stem",
    [
        "",
        "1995_14-17_64_0072",  # no country
        "2000_6-9_310045",  # a separator is missing
        "2015_14-17_3372_ITA_R_C_crop",
        "x2015_14-17_3372_ITA_R_C",
        "2015_14-17_3372_ITA_R_C\n",
        "2015_14-17_3372_ITA_X_C",
        "2015_14-17_3372_ita_R_C",
        "15_14-17_3372_ITA_R_C",
    ],
)
def test_what_does_not_follow_the_scheme_is_not_guessed_at(stem: str) -> None:
    assert parse_scan_name(stem) is None


@pytest.mark.real_data
def test_the_published_names(shared_data: Path) -> None:
    """Year and number are those of the published table; countries and ages it has corrected."""
    path = shared_data / "thesis" / "metadata" / "drawings_14_25_metadata.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    parsed = [(parse_scan_name(row["uid"]), row) for row in rows]
    read = [(name, row) for name, row in parsed if name is not None]
    assert len(read) == 18_561
    assert all((str(name.year), name.number) == (row["year"], row["id"]) for name, row in read)
