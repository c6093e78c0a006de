"""What was planted in a demo collection: in files of their own, which no command reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drawsim.collection.csv_files import read_csv
from drawsim.collection.problems import Problems, raise_problems

TRUTH = "truth"
MEMBERS, MEMBER_COLUMNS = f"{TRUTH}/motifs.csv", ("drawing_id", "motif")
LEANS, LEAN_COLUMNS = f"{TRUTH}/leans.csv", ("motif", "column", "value")


@dataclass(frozen=True)
class Truth:
    """The motif that each planted drawing shows, and what is over-represented in which motif.

    motifs: drawing id → motif. leans: (motif, column, value), such as ("seascape", "country",
    "GRC").
    """

    motifs: Mapping[str, str]
    leans: frozenset[tuple[str, str, str]]


def read_truth(root: Path) -> Truth:
    """What was planted in the demo collection at `root`.

    Raises UserError where the files of it are missing or no tables.
    """
    problems = Problems()
    members = read_csv(root / MEMBERS, MEMBER_COLUMNS, problems)
    leans = read_csv(root / LEANS, LEAN_COLUMNS, problems)
    raise_problems(f"{root}: what was planted cannot be used", problems)
    return Truth(
        dict(zip(members["drawing_id"], members["motif"], strict=True)),
        frozenset(leans[list(LEAN_COLUMNS)].itertuples(index=False, name=None)),
    )
