"""The map: drawings and artworks in one plane, as one page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from drawsim.collection.rights import licence, rights_of, web_address
from drawsim.common.files import write_text
from drawsim.reporting.embedding_map.fields import make_field
from drawsim.reporting.kit.atlas import make_atlas
from drawsim.reporting.kit.captions import warning_of
from drawsim.reporting.kit.pages import address, as_script, environment

STEPS = 65_535
"""Positions are whole numbers up to this: finer than a pixel at the highest magnification."""


@dataclass(frozen=True)
class Layer:
    """Images of one kind and where they lie.

    kind: drawing or artwork. table: indexed by N ids, with any metadata. files: the image of each
    id, where there is one. plane: (N, 2) positions, in the order of the table, x to the right and
    y upwards; all layers of a map share their axes.
    """

    kind: str
    table: pd.DataFrame
    files: Mapping[str, Path]
    plane: np.ndarray

    def __post_init__(self) -> None:
        if self.plane.shape != (len(self.table), 2):
            raise ValueError(f"positions {self.plane.shape} for {len(self.table)} images")


def write_map(
    layers: Sequence[Layer],
    pairs: pd.DataFrame,
    out: Path,
    *,
    name: str,
    made_by: str,
    made_in_full: str = "",
    workers: int,
) -> None:
    """Write the page `out`.

    pairs: `drawing_id`, `artwork_id` of the known pairs; one that names an image which is not on
    the map is left out. name: the heading. made_by: the method and the model, as a phrase.
    made_in_full: the model with hash and transform, for who points at it. Each
    picture becomes a tile of 32 to 128 pixels, by their number (see `atlas`); `workers` processes
    read them. One that cannot be read stays a dot.
    """
    data = map_data(layers, pairs, out.parent)
    files = [layer.files.get(id_, Path()) for layer in layers for id_ in layer.table.index]
    atlas = make_atlas(files, workers)
    data |= {
        "tile": atlas.side,
        "columns": atlas.columns,
        "sheets": atlas.sheets,
        "width": atlas.sizes[:, 0].tolist(),
        "height": atlas.sizes[:, 1].tolist(),
    }
    page = (
        environment()
        .get_template("embedding_map/templates/map.html.j2")
        .render(
            name=name,
            made_by=made_by,
            made_in_full=made_in_full,
            counts=[(layer.kind, len(layer.table)) for layer in layers if len(layer.table)],
            pairs=len(data["pairs"]),
            rights=warning_of(
                rights_of({str(name): cell for name, cell in row.items()})
                for layer in layers
                for row in layer.table.to_dict("records")
            ),
            data=as_script(data),
        )
    )
    write_text(out, page)


def map_data(layers: Sequence[Layer], pairs: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """What the script of the page draws, less the pictures; images in the order of the layers.

    kinds, ids, x, y (0..65535, y downwards), fields (see `make_field`), licences (address by what
    the field of rights calls them), pairs (rows of drawing and artwork), files (addresses of the
    full images as seen from `folder`).
    """
    kinds = [layer.kind for layer in layers for _ in layer.table.index]
    ids = [str(id_) for layer in layers for id_ in layer.table.index]
    rows = {image: row for row, image in enumerate(zip(kinds, ids, strict=True))}
    ends = zip(pairs["drawing_id"], pairs["artwork_id"], strict=True)
    joined = [(rows.get(("drawing", d)), rows.get(("artwork", a))) for d, a in ends]
    x, y = _steps(np.concatenate([layer.plane for layer in layers])).T.tolist()
    table = pd.concat([layer.table for layer in layers]).drop(columns="path", errors="ignore")
    table = table.fillna("").astype(str)
    licences: dict[str, str] = {}
    if "rights" in table.columns:
        named = {text: licence(text)[0] for text in table["rights"].unique()}
        licences = {label: url for text, label in named.items() if (url := web_address(text))}
        table["rights"] = table["rights"].map(named)
    fields = [make_field("kind", kinds)] + [make_field(c, table[c].tolist()) for c in table.columns]
    return {
        "kinds": [int(kind == "drawing") for kind in kinds],
        "ids": ids,
        "x": x,
        "y": y,
        "fields": [asdict(field) for field in fields if field.values],
        "licences": licences,
        "pairs": [list(pair) for pair in joined if None not in pair],
        "files": [
            address(layer.files.get(id_), folder) for layer in layers for id_ in layer.table.index
        ],
    }


def _steps(plane: np.ndarray) -> np.ndarray:
    """Positions as whole numbers, the larger extent from 0 to STEPS, y downwards as on a screen."""
    if not len(plane):
        return np.zeros((0, 2), np.int64)
    shown = plane * (1, -1)
    low, high = shown.min(axis=0), shown.max(axis=0)
    extent = float((high - low).max()) or 1.0
    return np.rint((shown - low) / extent * STEPS).astype(np.int64)
