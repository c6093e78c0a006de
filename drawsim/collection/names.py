"""File names of the archive's scans: `year_agegroup_id_country_side_quality`."""

from __future__ import annotations

import re
from dataclasses import dataclass

AGE_GROUPS = ("3-5", "6-9", "10-13", "14-17", "18-25")

_NAME = re.compile(
    r"(?P<year>\d{4})_(?P<age_group>\d+-\d+)_(?P<number>[^_]+)_(?P<country>[A-Z]{3})"
    r"_(?P<side>[RV])_(?P<quality>[AC])"
)


@dataclass(frozen=True)
class ScanName:
    """The six parts of a scan's name, e.g. `2015_14-17_3372_ITA_R_C` (thesis, "Data")."""

    year: int
    age_group: str
    number: str
    country: str
    side: str
    quality: str

    def __str__(self) -> str:
        return "_".join(str(getattr(self, part)) for part in self.__dataclass_fields__)


def parse_scan_name(stem: str) -> ScanName | None:
    """The parts of a file name without its ending, or None if it does not follow the scheme."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    parts = match.groupdict()
    return ScanName(year=int(parts.pop("year")), **parts)
