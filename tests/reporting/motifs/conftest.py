from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from drawsim.collection.tables import Collection
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.motifs.view import MotifsView
from drawsim.retrieval.analysis.calibration import Chance
from drawsim.retrieval.motifs.files import WHO_COLUMNS, Motif, Motifs, empty_who
from drawsim.retrieval.motifs.named import Named
from drawsim.retrieval.motifs.sources import Near, Sources

HOSTILE = "<img src=x onerror=alert(1)></script>"

MOTIFS = (
    Motif("1", ("d0", "d1", "d2", "d3"), "d0", 0.8, 0.5),
    Motif("2", ("d4", "d5", HOSTILE), "d4", 0.95),
)
WHO = [
    ("1", "country", "GRC", 3, 4, 0.9, 12.0, 2.5, float("inf"), 0.0001, 0.001),
    ("1", "country", "TUR", 1, 4, 0.8, 1.3, 0.2, 7.0, 0.6, 0.8),
    ("2", "age_group", "3-5", 0, 3, 2.2, 0.0, 0.0, 0.4, 0.001, 0.01),
]
COLOURS = [("country=GRC", "colour", "blue", 5, 6, 2.0, 4.0, 1.5, 9.0, 0.001, 0.01)]


def table(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(WHO_COLUMNS))


def leaning(*rows: tuple[object, ...]) -> pd.DataFrame:
    """Rows of who draws what as `leanings` has them, a value each."""
    found = table(rows)
    found["value"] = [(value,) for value in found["value"]]
    return found.rename(columns={"value": "values"})


@pytest.fixture(scope="module")
def view(collection: Collection) -> MotifsView:
    """Two motifs of 9 drawings, one of which has an id that is markup and no picture."""
    ids = [*(f"d{n}" for n in range(8)), HOSTILE]
    drawings = pd.DataFrame(
        {
            "country": ["GRC", "GRC", "GRC", "TUR", "MUS", "YOU", "", "GRC", "CHE"],
            "year": [*("1998", "1998", "2001", "2004", "2001", "", "1999"), "1998", "2010"],
        },
        index=pd.Index(ids, name="id"),
    )
    artworks = collection.artworks.assign(
        title="Regatta & Co.", artist="Ada_Byron", required_statement="Museum of Boats"
    )
    files = {("drawing", name): path for name, path in collection.paths("drawing", ids[:8]).items()}
    files |= {("artwork", name): path for name, path in collection.paths("artwork").items()}
    sources = Sources(
        {
            "1": [Near("a0", 0.6, 2, 3), Near("a1", 0.4, 1, 0, Chance(0.8, 0.5, 0.9))],
            "2": [Near("a1", 0.3, 1, 0, Chance(0.1, 0.0, 0.3))],
        },
        paired={"1": 3, "2": 0},
        gallery=12,
    )
    return MotifsView(
        "Drawings & more",
        Motifs(MOTIFS, 9, 1, "Drawings & more", "lite", "0" * 64),
        table(WHO),
        leaning(WHO[0], WHO[2]),
        table(COLOURS),
        drawings,
        files,
        Captions({"artwork": artworks}),
        "lite",
        sources,
        notes=["A column was left out."],
        named={"1": Named("Boats", ("sea", HOSTILE), frozenset({"d3"}))},
    )


@pytest.fixture
def bare(tmp_path: Path) -> MotifsView:
    """Nothing found in drawings of which nothing is known."""
    drawings = pd.DataFrame({"path": ["x.png"]}, index=pd.Index(["x"], name="id"))
    found = Motifs((), 1, 0, "bare", "lite", "0" * 64)
    nothing = (empty_who(), leaning(), empty_who())
    return MotifsView("bare", found, *nothing, drawings, {}, Captions(), "lite")
