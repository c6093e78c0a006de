"""What is in a collection: counted, drawn, sampled, and written into one folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import write_csv
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.common.files import atomic, write_text
from drawsim.common.refusals import refusal
from drawsim.common.words import counted
from drawsim.reporting.collection import charts as charts
from drawsim.reporting.collection.counts import (
    Holdings,
    PairGroup,
    drawings_per_artwork,
    pair_groups,
    per_artist,
    per_artwork,
    per_country,
    per_value,
    read_holdings,
    year_by_age,
)
from drawsim.reporting.collection.page import render
from drawsim.reporting.collection.pairs import Paper, any_picture, describe_artwork, write_pages
from drawsim.reporting.collection.samples import Sample, Sampling, draw_samples
from drawsim.reporting.collection.sizes import describe_sizes, measure
from drawsim.reporting.collection.world_map import map_figure
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.figures import WIDTH, Drawn, shortened
from drawsim.reporting.kit.folder import Folder
from drawsim.reporting.kit.fonts import missing_letters
from drawsim.reporting.kit.pictures import load, placeholder
from drawsim.reporting.kit.sheets import Captioned, grid_sheet, painted

SAMPLE_DPI = 150
POINTS = 72  # an inch
SHEETS = {"confirmed": True, "ambiguous": False}
COLUMNS = ("year", "age_group", "country")


@dataclass
class Findings:
    """What was found in a collection; what its tables do not tell is missing here.

    name: of the collection. figures, tables: by the stems of their files. samples: random drawings.
    groups: confirmed and ambiguous pairs by artwork. pages: how many were printed of each.
    notes: sentences on what was left out.
    """

    name: str
    holdings: Holdings
    figures: dict[str, Drawn] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    groups: dict[str, list[PairGroup]] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def collection(self) -> Collection:
        """The collection, less style copies."""
        return self.holdings.collection

    @property
    def headline(self) -> str:
        """The counts in one line."""
        collection = self.collection
        confirmed = int(collection.pairs["pair"].sum())
        return (
            f"{counted(len(collection.drawings), 'drawing')}, "
            f"{counted(len(collection.artworks), 'artwork')}, "
            f"{counted(confirmed, 'confirmed pair')}, "
            f"{len(collection.pairs) - confirmed:,} ambiguous"
        )


def explore_collection(
    root: Path,
    out: Path,
    *,
    name: str,
    sampling: Sampling,
    paper: Paper,
    sizes: int | None,
    workers: int,
) -> Findings:
    """Count, draw and sample what is in the collection folder `root`, and write it into `out`.

    `sizes`: how many images of each kind are measured at most; 0: none, None: all. `workers`
    threads read images. Pictures that cannot be read become crossed tiles. Style copies are left
    out of everything. Raises UserError if the tables cannot be used or `out` cannot be written.
    """
    if sizes is not None and sizes < 0:
        raise UserError(f"explore.sizes={sizes}: must be 0 or more, or null")
    found = Findings(name, read_holdings(root))
    folder = Folder(out, "collection")
    try:
        out.mkdir(parents=True, exist_ok=True)
        _note_what_is_missing(found)
        _count_drawings(found)
        _count_artworks(found)
        if sizes != 0:
            _measure_images(found, sizes, workers)
        _sample(found, sampling)
        for stem, figure in found.figures.items():
            with atomic(folder.place(f"figures/{stem}.png")) as temporary:
                temporary.write_bytes(figure.png)
        for stem, table in found.tables.items():
            write_csv(table, folder.place(f"tables/{stem}.csv"))
        _write_samples(found, folder, sampling.cols, workers)
        _write_pairs(found, folder, paper, workers)
        page = render(found, sampling, folder.written)
        write_text(folder.place("index.html"), page)
        folder.finish()
    except OSError as error:
        said = refusal(error) or f"{out}: cannot be written ({error.strerror or error})"
        raise UserError(said) from error
    return found


def _note_what_is_missing(found: Findings) -> None:
    holdings = found.holdings
    if holdings.copies:
        copies = "copy is" if holdings.copies == 1 else "copies are"
        found.notes.append(f"{holdings.copies:,} style {copies} left out.")
    missing = [column for column in COLUMNS if column not in found.collection.drawings.columns]
    if missing:
        what = " or ".join([", ".join(missing[:-1]), missing[-1]] if missing[1:] else missing)
        found.notes.append(f"drawings.csv has no column {what}, so nothing is counted by it.")
    if holdings.absent:
        what = " and no ".join(holdings.absent)
        found.notes.append(f"The collection has no {what} yet, so no pairs are shown.")
    elif "artist" not in found.collection.artworks.columns:
        found.notes.append("artworks.csv has no column artist, so nothing is counted by it.")


def _count_drawings(found: Findings) -> None:
    drawings = found.collection.drawings
    years, ages = per_value(drawings, "year"), per_value(drawings, "age_group")
    table, countries = year_by_age(drawings), per_country(drawings)
    if years is not None:
        _add(found, charts.years_figure(years), years.reset_index())
    if ages is not None:
        _add(found, charts.ages_figure(ages), ages.reset_index())
    if table is not None:
        found.tables["drawings_per_year_and_age_group"] = table.reset_index()
    if countries is not None:
        _add(found, charts.countries_figure(countries), countries)
        known = countries[countries["on_map"]]
        if len(known):
            counts = dict(zip(known["code"], known["drawings"], strict=True))
            _add(found, map_figure(counts), None)


def _count_artworks(found: Findings) -> None:
    collection = found.collection
    artists = per_artist(collection.artworks)
    if artists is not None and len(artists):
        _add(found, charts.artists_figure(artists), artists)
    if len(collection.pairs):
        artworks = per_artwork(collection.pairs)
        _add(found, charts.pairs_figure(drawings_per_artwork(artworks)), artworks)
        for kind, confirmed in SHEETS.items():
            found.groups[kind] = pair_groups(collection.pairs, confirmed=confirmed)


def _add(found: Findings, figure: Drawn, table: pd.DataFrame | None) -> None:
    found.figures[figure.name] = figure
    if table is not None:
        found.tables[figure.name] = table


def _measure_images(found: Findings, at_most: int | None, workers: int) -> None:
    collection = found.collection
    paths = {
        "drawing": collection.paths("drawing", collection.drawings.index),
        "artwork": collection.paths("artwork"),
    }
    parts = [
        measure(files, kind, at_most=at_most, workers=workers) for kind, files in paths.items()
    ]
    sizes = pd.concat(parts, ignore_index=True)
    bad = sizes[sizes["problem"] != ""]
    good = sizes[sizes["problem"] == ""]
    if len(bad):
        found.tables["unreadable_images"] = bad[["kind", "id", "problem"]]
    for kind, files in paths.items():
        of_kind = int((sizes["kind"] == kind).sum())
        unreadable = int((bad["kind"] == kind).sum())
        if unreadable < of_kind < len(files):
            found.notes.append(
                f"Sizes are those of {of_kind:,} random {kind}s of {len(files):,} "
                "(explore.sizes=null measures all)."
            )
        if unreadable:
            found.notes.append(
                f"{unreadable:,} of {of_kind:,} {kind}s cannot be opened "
                "(tables/unreadable_images.csv)."
            )
    if len(good):
        _add(found, charts.sizes_figure(good), describe_sizes(sizes))


def _sample(found: Findings, sampling: Sampling) -> None:
    collection = found.collection
    if sampling.by is not None and sampling.by not in collection.drawings.columns:
        found.notes.append(f"The sample is one of all drawings, not by {sampling.by}.")
    samples = draw_samples(collection.drawings, sampling)
    ids = [id_ for sample in samples for id_ in sample.ids]
    if not any(path.is_file() for path in collection.paths("drawing", ids).values()):
        found.notes.append("No file of the sampled drawings is there, so no sample is shown.")
        return
    rows = [(sample.label, id_) for sample in samples for id_ in sample.ids]
    found.samples = samples
    found.tables["samples"] = pd.DataFrame(rows, columns=["sample", "drawing_id"])


def _write_samples(found: Findings, folder: Folder, columns: int, workers: int) -> None:
    pixels = round(WIDTH * SAMPLE_DPI / columns)
    captions = Captions.of(found.collection)
    for number, sample in enumerate(found.samples, start=1):
        files = found.collection.paths("drawing", sample.ids)
        images = load(list(files.values()), workers, pixels)
        items = [
            Captioned(image or placeholder(), captions("drawing", id_).printed)
            for id_, image in zip(sample.ids, images, strict=True)
        ]
        heading = f"{sample.label}: {len(items)} of {counted(sample.total, 'drawing')}"
        sheet = grid_sheet(items, columns, heading, WIDTH * POINTS)
        name = re.sub("[^A-Za-z0-9-]+", "_", sample.label).strip("_")[:40]
        with atomic(folder.place(f"samples/{number:02}_{name}.png")) as temporary:
            painted(sheet, SAMPLE_DPI).save(temporary, "PNG")


def _write_pairs(found: Findings, folder: Folder, paper: Paper, workers: int) -> None:
    captions = Captions.of(found.collection)
    for kind, groups in found.groups.items():
        shown = groups[: paper.artworks]
        if not any_picture(found.collection, shown):
            if shown:
                found.notes.append(f"No file of the {kind} pairs is there, so no page is printed.")
            continue
        if len(shown) < len(groups):
            found.notes.append(
                f"Pages of {kind} pairs: {counted(len(shown), 'artwork')} of {len(groups):,} "
                "(explore.pairs.artworks=null prints all)."
            )
        ids = [captions("artwork", group.artwork_id).printed for group in shown]
        ids += [captions("drawing", name).printed for group in shown for name in group.drawing_ids]
        titles = [describe_artwork(found.collection, group.artwork_id) for group in shown]
        if missing := missing_letters([*ids, *titles]):
            found.notes.append(
                f"No font of this machine has the letters {shortened(missing, 20)} of the {kind} "
                "pairs: PDF and PNG show boxes for them. With Noto fonts installed (for Chinese, "
                "Japanese and Korean: Noto Sans CJK) they are printed."
            )
        title = f"{found.name} · {kind} pairs"
        stem = f"pairs_{kind}"
        found.pages[kind] = write_pages(found.collection, shown, title, folder.place, stem, workers)
