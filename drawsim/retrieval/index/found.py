"""What a search from Python found: a table, and pictures where a notebook shows them."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from drawsim.pixels.decode import ImageReadError, read_image
from drawsim.retrieval.index.folder import Index
from drawsim.retrieval.index.queries import Hits
from drawsim.retrieval.index.results import picture

SIDE = 120
"""Pixels of the longer side of a picture."""
SHOWN = 12
"""Results of a query with pictures; the table has them all."""


@dataclass(frozen=True)
class Found:
    """Results of queries in an index, best first."""

    hits: Hits
    index: Index

    def __len__(self) -> int:
        return len(self.hits.queries)

    def __repr__(self) -> str:
        queries, k = self.hits.ids.shape
        return f"Found({queries} queries, up to {k} {self.hits.kind}s each)"

    def table(self) -> pd.DataFrame:
        """A row for each result: query, rank, id, score, and what the collection says of it."""
        return self.hits.table(self.index.part(self.hits.kind).table)

    def _repr_html_(self) -> str:
        """The first results of each query, with pictures where their files are known."""
        parts = []
        for row, query in enumerate(self.hits.queries):
            cells = [
                self._cell(str(name), float(score))
                for name, score in zip(
                    self.hits.ids[row][:SHOWN], self.hits.scores[row][:SHOWN], strict=True
                )
                if name
            ]
            parts.append(f"<p><b>{html.escape(query)}</b></p><div>{''.join(cells)}</div>")
        return "".join(parts)

    def _cell(self, name: str, score: float) -> str:
        file = picture(self.index, self.hits.kind, name)
        uri = None if file is None else _thumbnail(file)
        image = f'<img alt="" src="{uri}">' if uri else ""
        return (
            '<figure style="display:inline-block;margin:4px;vertical-align:top">'
            f"{image}<figcaption>{html.escape(name)}<br>{score:.3f}</figcaption></figure>"
        )


def _thumbnail(file: Path) -> str | None:
    """A small JPEG as a data URI; None if the file cannot be read."""
    try:
        image = Image.fromarray(read_image(file, SIDE))
    except ImageReadError:
        return None
    image.thumbnail((SIDE, SIDE))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"
