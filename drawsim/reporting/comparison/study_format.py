"""The archive of a study: which files it may hold, and how large they may be.

`MANIFEST` has the SHA-256 of every other file, as sha256sum writes and checks it; `study.json` says
which runs there are; `runs/` has what their comparison is made from, `comparison/` what was made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from drawsim.common.opening import printable

FORMAT = 1
MANIFEST, STUDY, README = "MANIFEST", "study.json", "README.txt"
TABLE = "comparison/table.csv"
RUN_FILES = {
    "config.yaml": 256 << 10,
    "environment.txt": 64 << 10,
    "metrics.csv": 64 << 20,
    "metrics.json": 64 << 20,
    "ranks.csv": 1 << 30,
}
"""Files of a run, and bytes of each at most."""
NEEDED = ("config.yaml", "metrics.json", "ranks.csv")
COMPARISON_FILES = (
    *("commands.txt", "comparisons.csv", "index.html", "paragraph.tex"),
    *("table.csv", "table.html", "table.md", "table.tex"),
)
MOST_COMPARISON, MOST_OTHER = 256 << 20, 4 << 20
"""Bytes of a file of the comparison, and of each of the first three."""
MOST_RUNS = 2_000
MOST_MEMBERS = MOST_RUNS * len(RUN_FILES) + len(COMPARISON_FILES) + 3
MOST_BYTES = 4 << 30
"""Of an archive, packed and unpacked."""
MOST_TIMES = 200
"""How many times larger it may be unpacked."""
ALLOWANCE = 1 << 20
"""Bytes beyond that, for small archives."""
MOST_NOTES, LONGEST = 200, 2_000
"""Notes of an archive, and characters of one or of a name."""
PATTERN = re.compile(r"runs/(\d{4}-[A-Za-z0-9._-]{1,80})/([a-z.]+)")

ABOUT = """\
A comparison made by drawsim, and what it was made from.

comparison/index.html  the page, for a browser; beside it tables and a paragraph for LaTeX
comparison/commands.txt  how the numbers were made
runs/  of each run its settings, scores and the ranks of every drawing
MANIFEST  SHA-256 of every file here: `sha256sum --check MANIFEST` in the unpacked folder

To check it all and to make the same tables again: drawsim compare runs=STUDY.zip out=DIR
No picture and no weights are in it. Paths of the machine are ELSEWHERE/1, ELSEWHERE/2, ...
"""


def run_folder(number: int, name: str) -> str:
    """The folder of the run of a number, from 1, in `runs/`.

    >>> run_folder(3, "lite-Käthe v0")
    '0003-lite-K_the_v0'
    """
    return f"{number:04d}-{re.sub('[^A-Za-z0-9._-]', '_', name)[:80] or '_'}"


def most(name: str) -> int | None:
    """Bytes of a file of this name at most; None for what no such archive has.

    >>> most("runs/0001-a/config.yaml"), most("runs/../config.yaml"), most("/MANIFEST")
    (262144, None, None)
    """
    if name in (MANIFEST, STUDY, README):
        return MOST_OTHER
    if found := PATTERN.fullmatch(name):
        return RUN_FILES.get(found[2])
    folder, _, file = name.partition("/")
    known = folder == "comparison" and file in COMPARISON_FILES
    return MOST_COMPARISON if known else None


def notes_of(told: Iterable[str], found: Iterable[str]) -> list[str]:
    """The notes of an archive: those that it tells, then those that its runs make, none twice."""
    shown = [printable(note)[:LONGEST] for note in (*told, *found)]
    return list(dict.fromkeys(shown))[:MOST_NOTES]
