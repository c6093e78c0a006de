"""Names of columns: those that drawsim knows are found in whatever capitals and spaces."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from drawsim.common.errors import nearest

KNOWN = (
    *("id", "uid", "path", "parent", "year", "age_group", "country", "verso"),
    *("artist", "artist_name", "title"),
    *("drawing_id", "artwork_id", "uid_connection", "pair", "set", "cluster"),
    *("annotator", "annotated_at", "grade"),
)
"""Names that mean something to drawsim."""
OFFERED = 200
"""Letters in which the names of a table are listed."""


def key(name: str) -> str:
    """What two spellings of a column's name have in common.

    >>> key("Drawing ID"), key("drawing-id"), key("Ａｇｅ.Group ")
    ('drawing_id', 'drawing_id', 'age_group')
    """
    visible = "".join(c for c in name if unicodedata.category(c) != "Cf")
    plain = unicodedata.normalize("NFKC", visible).casefold()
    return re.sub(r"[\W_]+", "_", plain).strip("_")


def renamed(header: Iterable[str]) -> dict[str, str]:
    """The names of a header, each as it is known, where one column alone can be meant.

    >>> renamed(["ID", "Path", "Technique"])
    {'ID': 'id', 'Path': 'path', 'Technique': 'Technique'}
    >>> renamed(["id", "Id"])
    {'id': 'id', 'Id': 'Id'}
    """
    names = list(header)
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[key(name)].append(name)
    alone = {
        own[0]: known
        for known in KNOWN
        if known not in names and len(own := alike.get(known, [])) == 1
    }
    return {name: alone.get(name, name) for name in names}


def twice(header: Sequence[str]) -> list[tuple[str, str]]:
    """Names that several columns have, with their places as a spreadsheet names these.

    >>> twice(["id", "age", "age", ""])
    [('age', 'B and C')]
    """
    places: dict[str, list[str]] = defaultdict(list)
    for number, name in enumerate(header):
        places[unicodedata.normalize("NFC", name.strip())].append(letter(number))
    return [
        (name, f"{', '.join(own[:-1])} and {own[-1]}")
        for name, own in places.items()
        if name and len(own) > 1
    ]


def letter(number: int) -> str:
    """What a spreadsheet calls a column, counted from 0.

    >>> letter(0), letter(25), letter(26), letter(701), letter(702)
    ('A', 'Z', 'AA', 'ZZ', 'AAA')
    """
    name = ""
    while number >= 0:
        number, rest = divmod(number, 26)
        name = chr(ord("A") + rest) + name
        number -= 1
    return name


def offer(missing: Iterable[str], header: Iterable[str]) -> str:
    """What a table has in place of columns that it lacks: near names, and all names."""
    names = [name for name in header if name.strip()]
    free = [name for name in names if key(name) not in KNOWN]
    offers = [nearest(name, free) for name in missing] if free else []
    near = [found for found in offers if found.startswith("did")]
    listed = ", ".join(names) or "nothing"
    short = listed if len(listed) < OFFERED else f"{listed[:OFFERED].rpartition(',')[0]}, …"
    return " ".join([*dict.fromkeys(near), f"found {short}"])
