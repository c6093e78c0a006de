"""Embeddings that a run keeps in its folder, stage by stage, and takes up when it is resumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from drawsim.collection.kinds import KINDS
from drawsim.common.errors import UserError
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.results import Vectors
from drawsim.models.model import Model
from drawsim.retrieval.embeddings import Embeddings, kind_path, load_embeddings

NOT_OF_THIS_RUN = "damaged, or not of this run; begin it anew with again=true"


@dataclass(frozen=True)
class RunEmbeddings:
    """Files of the gallery and of the drawings that are no style copies, in `run`/embeddings.

    data: whose task and drawings they are. precision: of the trainer.
    """

    run: Path
    data: TripletData
    precision: str

    def save(self, stage: str, vectors: Vectors, model: Model, *, layout: bool = True) -> None:
        """Keep embeddings of the gallery and of the originals that are embedded by now."""
        made_by = model.describe(self.precision, layout=layout)
        task = self.data.task
        rows = task.originals()
        if not self.data.at_the_end:
            rows = rows[torch.isin(rows, task.looked_at())]
        drawings = Embeddings([task.drawings[row] for row in rows.tolist()], vectors[0][rows])
        drawings.save(self.file(stage, "drawing"), made_by)
        Embeddings(task.artworks, vectors[1]).save(self.file(stage, "artwork"), made_by)

    def load(self, stage: str, dimensions: int | None = None) -> Vectors:
        """What `save` kept; zeros for the drawings that it did not.

        Raises UserError for what is not of this task, or not of this many dimensions.
        """
        task = self.data.task
        kept, gallery = (load_embeddings(self.file(stage, kind)) for kind in KINDS)
        row = {name: i for i, name in enumerate(task.drawings)}
        strange = [name for name in kept.ids if name not in row]
        strange += [name for name in task.artworks if name not in gallery.rows]
        widths = {kept.vectors.shape[1], gallery.vectors.shape[1]}
        if strange or (dimensions is not None and widths != {dimensions}):
            raise UserError(f"{self.file(stage, 'drawing')}: {NOT_OF_THIS_RUN}")
        drawings = torch.zeros(len(task.drawings), kept.vectors.shape[1])
        drawings[[row[name] for name in kept.ids]] = kept.vectors
        return drawings, gallery.of(task.artworks).vectors.clone()

    def load_if_kept(self, stage: str, dimensions: int | None = None) -> Vectors | None:
        """The same; None for a model that has no such stage."""
        kept = self.file(stage, "artwork").is_file()
        return self.load(stage, dimensions) if kept else None

    def file(self, stage: str, kind: str) -> Path:
        """Where embeddings of a kind are."""
        return kind_path(self.run / "embeddings" / stage, kind)
