"""Groups of drawings that share a motif: a manifest a group, a canvas a drawing."""

from __future__ import annotations

from pathlib import Path

from drawsim.collection.iiif.names import file_name
from drawsim.common.errors import UserError
from drawsim.common.words import counted
from drawsim.reporting.iiif.export import Entry, Group
from drawsim.retrieval.motifs.files import CURE, read_motifs
from drawsim.workflows.export.catalogue import Catalogue


def motifs_of(catalogue: Catalogue, folder: Path) -> list[Group]:
    """The groups of a folder that `explore view=motifs` wrote, those most like the rest first.

    Raises UserError for a damaged file, and for drawings that the collection does not have.
    """
    found = read_motifs(folder)
    if not found.motifs:
        raise UserError(f"{folder}: no group was found there; {CURE} with another chance")
    found.check_drawings(catalogue.collection.drawings.index, str(catalogue.collection.root))
    groups = []
    for motif in found.motifs:
        pictures = [catalogue.picture("drawing", name) for name in motif.members]
        entries = [
            Entry(file_name(each.id), catalogue.label(each), (each,)) for each in pictures if each
        ]
        summary = (
            f"{counted(motif.size, 'drawing')} that share a motif, stability {motif.stability:.2f}"
        )
        groups.append(Group(f"motif {motif.id}", f"Motif {motif.id}", entries, summary))
    return groups
