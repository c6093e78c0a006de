"""The step `iiif`: from a manifest or a collection of a museum to rows and pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from drawsim.collection.kinds import KINDS, Kind
from drawsim.collection.names import display_name, named_artist
from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError, nearest
from drawsim.common.progress import progress_bar
from drawsim.common.words import counted, first_of
from drawsim.preparing.fetching.fetcher import Fetcher
from drawsim.preparing.fetching.log import FetchLog
from drawsim.preparing.fetching.manners import Manners
from drawsim.preparing.iiif.canvases import NO_IMAGE, Canvas, read_canvases
from drawsim.preparing.iiif.names import names_of
from drawsim.preparing.iiif.pictures import (
    Made,
    Pictures,
    Wanted,
    check_size,
    fetch_pictures,
)
from drawsim.preparing.iiif.walking import DocumentStore, Met, walk
from drawsim.preparing.listing import read_prepared
from drawsim.preparing.museum_tables import completed
from drawsim.preparing.not_fetched import list_failed
from drawsim.preparing.renewal import count_rows, renew
from drawsim.preparing.rewriting import RECORDS

SHOWN = 8


def prepare_iiif(
    source: str,
    out: Path,
    workers: int,
    *,
    kind: Kind,
    size: int,
    languages: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    refresh: bool,
    fetch: Mapping[str, Any],
    largest_document: int,
    largest_image: int,
) -> Summary:
    """Add a museum's canvases to the table of drawings or artworks, with their pictures.

    source: the address of a manifest or collection (Presentation 2 or 3), or a file: a document or
    a list of addresses. Each canvas with an image becomes a row: id, path, canvas, manifest, label
    and what the museum says of it, `columns` being column -> labels of metadata. size: pixels of
    the longer side that are asked for. refresh: ask whether documents have changed since.
    fetch: settings of `Manners`. largest_document, largest_image: bytes.
    Rows of other sources stay. A run that was stopped goes on; what could not be had is listed in
    `not_fetched.csv` and tried again the next time. Raises UserError if the source cannot be read
    or has no image.
    """
    if kind not in KINDS:
        raise UserError(f"step.kind={kind}: {nearest(kind, KINDS)}")
    check_size(size)
    table_path, folder = out / f"{kind}s.csv", f"{kind}s"
    prepared = read_prepared(table_path)
    records = out / RECORDS / "iiif"
    fetcher = Fetcher(Manners(**fetch), FetchLog(records / "fetched.csv"))
    store = DocumentStore(records / "documents", fetcher, largest_document, refresh)
    met = Met()
    canvases, empty = _canvases(source, store, met, columns, languages)
    if not canvases:
        why = f"; {met.failed[0][0]}: {met.failed[0][1]}" if met.failed else ""
        raise UserError(
            f"{source}: no image in {counted(met.manifests, 'manifest')}"
            f" ({counted(empty, 'canvas', 'canvases')} without){why}"
        )
    names = _names(canvases, prepared, out, folder)
    wanted = [
        Wanted(each.key, name, each.picture) for name, each in zip(names, canvases, strict=True)
    ]
    with progress_bar("fetching images", len(wanted), "images") as advance:
        pictures = fetch_pictures(
            wanted, out, folder, size, largest_image, fetcher, workers, advance
        )
    rows = [
        _row(name, pictures.paths[name], each, kind)
        for name, each in zip(names, canvases, strict=True)
        if name in pictures.paths
    ]
    summary = Summary(
        read={"collections": met.collections, "manifests": met.manifests, "canvases": len(canvases)}
    )
    if met.failed:
        summary.skipped["documents that cannot be had or read"] = len(met.failed)
    if pictures.failed:
        summary.skipped["images that cannot be had"] = len(pictures.failed)
    documents = [("", *why) for why in met.failed]
    list_failed(summary, out, source, [*documents, *pictures.rows_of_failed])
    pictures.check_some(source)
    table = pd.DataFrame(rows, dtype=str).fillna("")
    record = f"iiif/{kind}s-{hashlib.sha256(source.encode()).hexdigest()[:12]}.csv"
    renewal = renew(table_path, table, prepared, list(table.columns), record=record)
    count_rows(summary, renewal, f"{kind}s")
    _account(summary, canvases, empty, met, pictures)
    return summary


def _canvases(
    source: str,
    store: DocumentStore,
    met: Met,
    columns: Mapping[str, Sequence[str]],
    languages: Sequence[str],
) -> tuple[list[Canvas], int]:
    """The canvases with an image, each once, and how many have none."""
    found: dict[object, Canvas] = {}
    empty = twice = 0
    with progress_bar("reading manifests", None, "documents") as advance:
        for manifest in walk(source, store, met, advance):
            for canvas in read_canvases(manifest, columns, languages):
                if canvas is None:
                    empty += 1
                else:
                    twice += canvas.shows in found
                    found.setdefault(canvas.shows, canvas)
    if twice:
        met.notes.append(f"canvases listed by several manifests, and taken once: {twice:,}")
    return list(found.values()), empty


def _names(canvases: list[Canvas], prepared: pd.DataFrame, out: Path, folder: str) -> list[str]:
    """Ids: as an earlier run gave them, or new ones that nobody and no file has."""
    made = Made(out)
    known = {key: PurePosixPath(path).stem for key, path in made.paths.items()}
    others = set(prepared["id"])
    if {"canvas", "manifest"} <= set(prepared.columns):
        of_canvases = prepared[prepared["canvas"] != ""]
        keys = of_canvases["manifest"] + " " + of_canvases["canvas"]
        known |= dict(zip(keys, of_canvases["id"], strict=True))
    own = {each.key for each in canvases}
    known = {key: name for key, name in known.items() if key in own}
    taken = (others | made.others(out / folder)) - set(known.values())
    return names_of([(each.manifest, each.id) for each in canvases], known, taken)


def _row(name: str, path: str, canvas: Canvas, kind: Kind) -> dict[str, str]:
    cells = dict(canvas.cells)
    row = {"id": name, "path": path}
    label = " – ".join(filter(None, (cells.pop("label", ""), cells.get("canvas_label", ""))))
    row["title"] = cells.pop("title", "") or label
    if kind == "artwork" and (artist := named_artist(cells.get("artist", ""))):
        row |= {"artist": artist, "artist_name": display_name(artist)}
    return completed({**row, "label": label, **cells})


def _account(
    summary: Summary, canvases: list[Canvas], empty: int, met: Met, pictures: Pictures
) -> None:
    """Enter what was made of the canvases, and what was left of them."""
    pictures.enter(summary)
    if empty:
        summary.skipped[NO_IMAGE] = empty
    several = [each for each in canvases if each.others]
    if several:
        summary.notes.append(
            f"canvases of several images, of which the largest is taken: {len(several):,}, "
            f"e.g. {several[0].id}"
        )
    if choices := [each for each in canvases if each.choices]:
        summary.notes.append(
            f"canvases that offer a choice, of which the first is taken: {len(choices):,}, "
            f"e.g. {choices[0].id}"
        )
    labels: dict[str, int] = {}
    for each in canvases:
        for label in each.left:
            labels[label] = labels.get(label, 0) + 1
    if labels:
        often = sorted(labels, key=lambda label: -labels[label])
        summary.notes.append(
            f"labels that no column takes: {first_of(often, SHOWN)}; name them in a copy of "
            "conf/step/iiif.yaml, or step.columns.NAME=[LABEL]"
        )
    summary.notes += met.notes
