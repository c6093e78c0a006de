"""Texts that attack whoever shows them unescaped, and an app that is full of one of them."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

from drawsim.collection.spreadsheets import guard
from drawsim.collection.tables import Collection
from drawsim.web.events.drafts import Draft
from drawsim.web.services import Services
from tests.web.conftest import make_index, make_services

ATTACKS = (
    "<script>window.hacked = 1</script>",
    "\"><img src=x onerror='window.hacked = 1'>",
    "'-window.hacked-'{{ 7 * 7 }}{% raw %}",
    "</title></textarea></noscript><svg onload=window.hacked=1>",
    "javascript:window.hacked=1//",
)


def attacked(folder: Path, collection: Collection, text: str) -> Services:
    """An app for a collection whose d0 and a0 have a text for ids, titles, names, notes."""
    folder.mkdir()
    for kind, old in (("drawings", "d0"), ("artworks", "a0")):
        shutil.copytree(collection.root / kind, folder / kind)
        with (folder / f"{kind}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "path", "title", "artist", "country"])
            for each, path in getattr(collection, kind)["path"].items():
                named = text if each == old else each
                rows.writerow([guard(named), path, *[guard(text)] * 3])
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["drawing_id", "artwork_id", "pair"], [guard(text), guard(text), "true"]]
        )
    listed = Collection.open(folder)
    services = make_services(folder, listed, make_index(folder / "index", listed, 0))
    pair: dict[str, Any] = {"drawing_id": text, "artwork_id": text}
    for number, (who, grade) in enumerate((("zoe", "same work"), (text, "different"))):
        draft = Draft(f"graded-{number}", "grade", "drawing", **pair, grade=grade, note=text)  # type: ignore[arg-type]
        services.store.save(who, [draft], services.finder.made_with)
        done = Draft(f"finished-{number}", "done", "drawing", drawing_id=text, shown_ids=(text,))
        services.store.save(who, [done], services.finder.made_with)
    return services
