"""All parts of the annotation app, opened for one process that answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from drawsim.common.errors import UserError
from drawsim.models.calibrated import own_calibration
from drawsim.models.words import TextTower, tower_of
from drawsim.retrieval.analysis.calibration import Calibration, load_calibration
from drawsim.retrieval.index.databases import VARIABLE
from drawsim.retrieval.index.folder import Index, open_index
from drawsim.retrieval.index.results import check_calibration
from drawsim.retrieval.motifs.files import read_motifs
from drawsim.web.events.store import EventStore
from drawsim.web.pictures import Pictures
from drawsim.web.queue.finder import Finder
from drawsim.web.queue.group_queue import GroupQueue
from drawsim.web.queue.groups import Groups
from drawsim.web.queue.labels import Labels
from drawsim.web.queue.queue import Queue
from drawsim.web.queue.uncertainty import Uncertainty
from drawsim.web.review.standing import Standings
from drawsim.web.security.accounts import Accounts, Sessions
from drawsim.web.services import Services, Settings
from drawsim.web.thumbnails import open_thumbnails
from drawsim.workflows.annotate.lens import open_lens
from drawsim.workflows.annotate.settings import Serving
from drawsim.workflows.annotate.workplace import Workplace


def open_services(
    place: Workplace, indexes: Sequence[Path], how: Serving, accounts: Accounts | None
) -> tuple[Services, list[str]]:
    """All parts of the app, and what is to be said about them. Raises UserError."""
    collection = place.read()
    database = how.index_database or os.environ.get(VARIABLE) or place.database_url
    opened = [open_index(folder, database) for folder in indexes]
    lens, notes = open_lens(opened[0], how.trust)
    for index in opened:
        notes += index.check_collection(collection)
    calibration, told = _calibration(opened, how.calibration)
    notes += told
    tower, told = _words(opened, how)
    notes += told
    finder = Finder(opened, lens, collection, calibration, how.ann, tower)
    groups = None if how.motifs is None else _groups(how.motifs, opened[0], finder)
    engine = place.connect(how.connections)
    store = EventStore(engine)
    lease = timedelta(minutes=how.lease_minutes)
    copies = collection.parents[collection.copies.index]
    uncertainty = Uncertainty(engine, finder.unsure, finder.ids, finder.made_with.index_sha256)
    labels = Labels(store, groups)
    queue = Queue(
        engine,
        finder.tables,
        uncertainty,
        how.overlap,
        lease,
        how.audit,
        copies=dict(zip(copies.index, copies, strict=True)),
        said=labels.now,
    )
    title = collection.root.resolve().name
    services = Services(
        store,
        queue,
        uncertainty,
        accounts,
        Sessions(engine),
        finder,
        Pictures(collection, open_thumbnails(how.thumbnails or place.folder / "thumbnails")),
        Standings(store, collection, how.confirmed, how.k),
        collection,
        Settings(title, how.k, how.overlap, how.host, how.confirmed),
        labels,
        None if groups is None else GroupQueue(engine, groups, lease),
    )
    return services, notes


def _words(indexes: Sequence[Index], how: Serving) -> tuple[TextTower | None, list[str]]:
    """What looks for words, if that is wanted. Raises UserError where it cannot be had."""
    if not how.words:
        return None, []
    if len(indexes) > 1:
        raise UserError("words: are looked for by the model of one index; give one index")
    return tower_of(indexes[0], how.trust)


def _groups(folder: Path, index: Index, finder: Finder) -> Groups:
    """The groups of a folder of motifs. Raises UserError unless they were found in this index."""
    motifs = read_motifs(folder)
    motifs.check_drawings(finder.tables["drawing"].index, f"the index {index.folder}")
    motifs.check_embeddings(index.part("drawing").embeddings, f"the index {index.folder}")
    if not motifs.motifs:
        raise UserError(f"motifs={folder}: no group was found there; leave motifs out")
    return Groups(motifs)


def _calibration(
    indexes: Sequence[Index], given: Path | None
) -> tuple[Calibration | None, list[str]]:
    """How likely first candidates are true, where that is known, and what is to be said of it.

    Raises UserError if one is given that is not of the index.
    """
    if given is not None:
        return load_calibration(given), []
    if len(indexes) > 1:
        return None, []
    own = own_calibration(indexes[0].folder)
    if own.file is None:
        return None, [own.note]
    try:
        calibration = load_calibration(own.file)
        check_calibration(calibration, indexes[0].model)
    except UserError as error:
        return None, [f"uncalibrated: {error}"]
    return calibration, []
