"""The model of an index, as the annotation app looks through it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from drawsim.collection.iiif.documents import Part
from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError

if TYPE_CHECKING:
    from drawsim.models.model import Model
    from drawsim.retrieval.index.folder import Index
    from drawsim.retrieval.index.queries import Hits, Queries
    from drawsim.retrieval.reranking.spatial import Placement


@dataclass(frozen=True)
class _Shown:
    """The picture behind a query; None where it is not known."""

    picture: Path | np.ndarray | None


class ModelLens:
    """A model that looks at pictures, one at a time."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._looking = threading.Lock()

    @property
    def depth(self) -> int:
        """How many of the first candidates the model looks at again; 0: none."""
        return 0 if self._model.rerank is None else self._model.rerank.depth

    def look_again(
        self, index: Index, query: Queries, picture: Path | np.ndarray | None, found: Hits
    ) -> Hits:
        """What a query and its picture found, in the order of the model's re-ranking.

        Raises UserError for a picture that is needed and not known, ImageReadError and
        CannotOpenError for one that cannot be read.
        """
        from drawsim.models.searching import looked_again

        with self._looking:
            return looked_again(self._model, index, [_Shown(picture)], query, found)

    @property
    def least_side(self) -> int | None:
        """Pixels of each side that decoding must leave of a whole picture; None: all there are."""
        return self._model.reading.least_side

    def embed(self, pixels: np.ndarray, kind: Kind) -> np.ndarray:
        """The (d,) unit vector of a picture, (height, width, 3) uint8 RGB."""
        with self._looking:
            return self._model.vectors([pixels], kind)[0].numpy()

    def overlay(self, drawing: Path, artwork: Path) -> Image.Image | None:
        """Both side by side with the patches that agree on one layout; None: none do.

        Raises ImageReadError if one of the two cannot be read.
        """
        from drawsim.pixels.decode import read_image
        from drawsim.reporting.search.overlay import HEIGHT, overlay

        left, right = (
            Image.fromarray(self._model.reading.picture(read_image(path, HEIGHT)))
            for path in (drawing, artwork)
        )
        placement = self._placement(drawing, artwork)
        return None if placement is None else overlay(left, right, placement)

    def matched(self, drawing: Path, artwork: Path) -> tuple[Part, Part] | None:
        """The parts of both that share a layout, as fractions; None: none do.

        Raises ImageReadError if one of the two cannot be read.
        """
        from drawsim.models.regions import part_of_whole
        from drawsim.retrieval.reranking.spatial import extent

        placement = self._placement(drawing, artwork)
        if placement is None:
            return None
        reading = self._model.reading
        one = part_of_whole(reading, drawing, extent(placement.drawing))
        return one, part_of_whole(reading, artwork, extent(placement.artwork))

    def _placement(self, drawing: Path, artwork: Path) -> Placement | None:
        """Where the drawing lies in the artwork."""
        from drawsim.models.local_features import KeptPictures
        from drawsim.retrieval.reranking.spatial import placements

        with self._looking:
            return placements(KeptPictures(self._model, [drawing], [artwork]), 0, [0])[0]


def open_lens(index: Index, trust: Sequence[str] = ()) -> tuple[ModelLens | None, list[str]]:
    """The model of an index, if it can be had; else what there will not be, and why.

    trust: modules of the user's own that the model's settings may name.
    """
    from drawsim.models.sources import model_of_index

    try:
        model = model_of_index(index.folder, trust)
        index.check_model(model.made_by(index.model.dimensions))
    except UserError as error:
        return None, [f"no search by picture and no overlays: {error}"]
    again, here = model.rerank, index.collection is not None and index.collection.is_dir()
    if again is not None and again.looks and not here:
        note = f"candidates are not re-ranked by {again.name}: the index's pictures are not there"
        return ModelLens(replace(model, rerank=None)), [note]
    return ModelLens(model), []
