"""What the page of motifs shows, gathered before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from PIL import Image

from drawsim.reporting.kit.captions import Captions
from drawsim.retrieval.motifs.files import Motifs
from drawsim.retrieval.motifs.named import Named
from drawsim.retrieval.motifs.sources import Sources


@dataclass(frozen=True)
class Match:
    """A picture of which parts of a motif's medoid lie where in another drawing, `member`."""

    member: str
    picture: Image.Image


@dataclass(frozen=True)
class MotifsView:
    """Motifs and all that is known of them.

    name: of the collection. found: the groups. who, colours: see `retrieval/motifs/files.py`;
    leanings: what is found of the former, see `retrieval/analysis/who.py`.
    drawings: metadata of all drawings that were looked at, by id. files: pictures by (kind, id),
    those that are there. captions: what pictures are called, and whose they are. model: what made
    the embeddings, in few words. sources: which artworks a motif is near; None where no gallery was
    looked at. matches: by motif, where pictures were compared. level: the share of false findings
    among those that are called found. notes: sentences on what was left out. named: what people
    call motifs, by id.
    """

    name: str
    found: Motifs
    who: pd.DataFrame
    leanings: pd.DataFrame
    colours: pd.DataFrame
    drawings: pd.DataFrame
    files: Mapping[tuple[str, str], Path]
    captions: Captions
    model: str
    sources: Sources | None = None
    matches: Mapping[str, Match] = field(default_factory=dict)
    level: float = 0.05
    notes: Sequence[str] = ()
    named: Mapping[str, Named] = field(default_factory=dict)

    @property
    def findings(self) -> pd.DataFrame:
        """The rows of `who` that are found, the least likely by chance first."""
        return found_of(self.who, self.level)


def found_of(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """The rows of a table of who or colours that are found at this level, the surest first."""
    return table[table["q"] <= level].sort_values(["p", "motif"], kind="stable")
