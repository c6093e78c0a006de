"""The page of motifs: from what was found, a collection and embeddings to `motifs.html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.common.errors import UserError
from drawsim.common.progress import progress_bar

if TYPE_CHECKING:
    from drawsim.collection.kinds import Kind
    from drawsim.collection.tables import Collection
    from drawsim.models.model import Model
    from drawsim.reporting.motifs.view import Match
    from drawsim.retrieval.analysis.calibration import Calibration
    from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
    from drawsim.retrieval.motifs.files import Motifs
    from drawsim.retrieval.motifs.named import Named
    from drawsim.retrieval.motifs.sources import Sources
    from drawsim.retrieval.reranking.spatial import Placement
    from drawsim.workflows.motifs import MotifResults

MATCHED = 48
"""Motifs of which is shown what matches, the largest."""
LOOKED = 6
"""Drawings of each that the medoid is compared with; the one that matches best is shown."""


def write_page(
    results: MotifResults,
    collection: Collection,
    galleries: Mapping[Kind, Gallery],
    out: Path,
    *,
    name: str,
    level: float,
    workers: int,
    run: Path | None = None,
    names: Path | None = None,
) -> Path:
    """Write `motifs.html` and its pictures into `out`; returns the page.

    galleries: of drawings, and of artworks if motifs are to be compared with them. name: of the
    collection. level: the share of false findings among those that are called found. run: what the
    embeddings are of, if of one: it may know how likely an artwork is the source, and its network
    shows what matches. names: a `groups.csv` that the annotation app exported; None: that of the
    collection, if there is one.
    """
    from drawsim.reporting.kit.captions import Captions
    from drawsim.reporting.kit.folder import Folder
    from drawsim.reporting.motifs.page import write_motifs_page
    from drawsim.reporting.motifs.view import MotifsView

    motifs = results.motifs
    drawings = galleries["drawing"]
    files = dict(collection.paths("drawing", drawings.embeddings.ids))
    matches, said = _matches(motifs, files, run)
    named, unknown = _named(motifs, collection, names)
    view = MotifsView(
        name,
        motifs,
        results.who,
        results.leanings,
        results.colours,
        collection.drawings.loc[list(drawings.embeddings.ids)],
        _by_kind(files, collection.paths("artwork")),
        Captions.of(collection),
        drawings.model.short,
        _sources(motifs, collection, galleries, run),
        matches,
        level,
        [*results.notes, *said, *unknown],
        named,
    )
    folder = Folder(out, "motifs")
    page = write_motifs_page(view, folder, workers)
    folder.finish()
    return page


def _named(
    motifs: Motifs, collection: Collection, names: Path | None
) -> tuple[dict[str, Named], list[str]]:
    """What groups are called, and a sentence on those that are no more."""
    from drawsim.retrieval.motifs.named import GROUPS, read_named

    file = collection.root / GROUPS if names is None else names
    if names is None and not file.is_file():
        return {}, []
    named, gone = read_named(file, motifs)
    if not gone:
        return named, []
    has = "group has" if gone == 1 else "groups have"
    return named, [
        f"{file}: {gone:,} {has} a name or tags, and no motif has the same drawings any more"
    ]


def _by_kind(
    drawings: Mapping[str, Path], artworks: Mapping[str, Path]
) -> dict[tuple[str, str], Path]:
    every = {("drawing", name): file for name, file in drawings.items()}
    every |= {("artwork", name): file for name, file in artworks.items()}
    return every


def _sources(
    motifs: Motifs, collection: Collection, galleries: Mapping[Kind, Gallery], run: Path | None
) -> Sources | None:
    """The artworks near each motif; None without a gallery."""
    from drawsim.retrieval.motifs.sources import find_sources

    gallery = galleries.get("artwork")
    if gallery is None or not gallery.embeddings.ids:
        return None
    calibration, note = _calibrated(run, gallery.model)
    return find_sources(
        motifs,
        galleries["drawing"].embeddings,
        gallery.embeddings,
        collection.true_pairs,
        calibration,
        note,
    )


def _calibrated(run: Path | None, model: EmbeddingModel) -> tuple[Calibration | None, str]:
    """The calibration of a run, or a sentence that says why there is none."""
    from drawsim.retrieval.analysis.calibration import load_calibration
    from drawsim.retrieval.index.results import check_calibration
    from drawsim.runs.results import CALIBRATION, results_folder

    unknown = "How likely a nearest artwork is the source is not known"
    if run is None:
        return None, f"{unknown}: run=DIR, in place of embedding files, may know it"
    try:
        file = results_folder(run) / CALIBRATION
        if not file.is_file():
            how = f"python -m drawsim.evaluate run={run} calibrate=true finds out"
            return None, f"{unknown}: {how}"
        calibration = load_calibration(file)
        check_calibration(calibration, model)
    except UserError as error:
        return None, f"{unknown}: {error}"
    return calibration, ""


def _matches(
    motifs: Motifs, files: Mapping[str, Path], run: Path | None
) -> tuple[dict[str, Match], list[str]]:
    """Of the largest motifs, what matches between the medoid and another drawing.

    And sentences on why that is not known: looking at pictures may fail, the page does not.
    """
    if run is None or not motifs.motifs:
        return {}, []
    from drawsim.models.model import Model

    try:
        return _matched(motifs, files, Model.load(run)), []
    except UserError as error:
        return {}, [f"What matches is not shown: {error}"]


def _matched(motifs: Motifs, files: Mapping[str, Path], model: Model) -> dict[str, Match]:
    from drawsim.models.local_features import KeptPictures
    from drawsim.retrieval.reranking.spatial import placements

    some = motifs.motifs[:MATCHED]
    others = {
        motif.id: [name for name in motif.members if name != motif.medoid][:LOOKED]
        for motif in some
    }
    names = [name for motif in some for name in others[motif.id]]
    rows = {name: row for row, name in enumerate(names)}
    asked = [_there(files, motif.medoid) for motif in some]
    pictures = KeptPictures(model, asked, [_there(files, name) for name in names])
    found: dict[str, Match] = {}
    with progress_bar("looking for what matches", len(some), "motifs") as advance:
        for query, motif in enumerate(some):
            own = others[motif.id]
            if asked[query] is not None and any(_there(files, name) for name in own):
                every = placements(pictures, query, [rows[name] for name in own])
                match = _best(model, motif.medoid, own, every, files)
                found |= {} if match is None else {motif.id: match}
            advance()
    return found


def _there(files: Mapping[str, Path], name: str) -> Path | None:
    file = files.get(name)
    return file if file is not None and file.is_file() else None


def _best(
    model: Model,
    medoid: str,
    names: Sequence[str],
    every: Sequence[Placement | None],
    files: Mapping[str, Path],
) -> Match | None:
    """The picture of the best of the placements of a medoid; None if there is none."""
    from PIL import Image

    from drawsim.pixels.decode import read_image
    from drawsim.reporting.motifs.view import Match
    from drawsim.reporting.search.overlay import overlay

    placed = [(one.score, n) for n, one in enumerate(every) if one is not None]
    if not placed:
        return None
    best = max(placed)[1]
    both = (medoid, names[best])
    # As the model looks at them: what is not the picture is cut off.
    one, other = (Image.fromarray(model.reading.picture(read_image(files[name]))) for name in both)
    return Match(names[best], overlay(one, other, every[best]))
