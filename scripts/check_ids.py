"""Do file names say what a table of metadata says? For every row: year, age group, number, country.

    python scripts/check_ids.py METADATA.csv
    python scripts/check_ids.py METADATA.csv --scheme mine --config-dir MYCONF

The table has the columns year, age_group, country, uid (the id of the drawing) and id (the number
in its name), and may have path. Its values are taken as they are but for what only its making put
there: numbers that end in ".jpg" or have blanks, and "Not Added" for no country. Rows that differ
are listed; the exit code is 1 if more than 0.1 % do.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from drawsim.common.building import config_folder
from drawsim.preparing.drawings import parse_scans
from drawsim.preparing.listing import assign_ids, read_prepared
from drawsim.preparing.schemes import Scheme, load_scheme
from drawsim.preparing.sources import Walk

FIELDS = ("year", "age_group", "number", "country")
ALLOWED = 0.001

Rows = dict[str, dict[str, str]]
"""The fields by id."""


def compare(metadata: Path, rules: Scheme) -> tuple[Rows, Rows]:
    """What the table says, and what the names say where they follow the scheme."""
    walk = Walk(metadata, metadata.parent, "drawings")  # the images need not be there
    images = [image for image, _ in walk.images(lambda: None)]
    ids = assign_ids(images, read_prepared(Path("none")), qualify=False)
    scans, _ = parse_scans(ids.of, rules)
    return (
        {image.id: _cleaned(image.cells or {}) for image in images},
        {scan.id: {field: scan.name.fields[field] for field in FIELDS} for scan in scans},
    )


def _cleaned(cells: dict[str, str]) -> dict[str, str]:
    country = cells["country"].replace("Not Added", "")
    number = cells["number"].removesuffix(".jpg").replace(" ", "")
    return {f: cells[f] for f in FIELDS} | {"number": number, "country": country}


def show_counts(said: Rows, parsed: Rows, field: str, top: int) -> None:
    """Print how often the most frequent values are in the table and in the names."""
    print(f"{field:<12}{'table':>8}{'names':>8}")
    names = Counter(row[field] for row in parsed.values())
    for value, count in Counter(row[field] for row in said.values()).most_common(top):
        print(f"  {value or 'none':<10}{count:>8,}{names[value]:>8,}")


def main() -> None:
    """Print what differs, and the counts of both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("metadata", type=Path, help="the table")
    parser.add_argument("--scheme", default="imaj", help="a file of the folder scheme, or imaj")
    ours = config_folder()
    parser.add_argument("--config-dir", type=Path, default=ours, help="in place of conf")
    arguments = parser.parse_args()
    folder = arguments.config_dir / "scheme"
    settings: Any = OmegaConf.to_container(OmegaConf.load(folder / f"{arguments.scheme}.yaml"))
    said, parsed = compare(arguments.metadata, load_scheme(settings, [folder]))
    nothing = dict.fromkeys(FIELDS, "")
    wrong = {name: row for name, row in said.items() if row != parsed.get(name, nothing)}
    print(
        f"{len(said):,} rows, {len(said) - len(wrong):,} alike ({1 - len(wrong) / len(said):.3%})"
    )
    for name, row in wrong.items():
        found = parsed.get(name, nothing)
        differ = [
            f"{field} {row[field]!r} in the table, {found[field]!r} by name"
            for field in FIELDS
            if row[field] != found[field]
        ]
        print(f"  {name}: {', '.join(differ)}")
    show_counts(said, parsed, "age_group", top=10)
    show_counts(said, parsed, "country", top=10)
    sys.exit(int(len(wrong) > ALLOWED * len(said)))


if __name__ == "__main__":
    main()
