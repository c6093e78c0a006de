"""Motifs that drawings share, and who draws them: from embeddings and a collection to files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drawsim.common.errors import UserError, nearest
from drawsim.common.progress import progress_bar
from drawsim.common.typed import check_bounds
from drawsim.common.words import counted, in_words
from drawsim.retrieval.motifs.find import Finding, Found, Pairs, find_motifs

if TYPE_CHECKING:
    import pandas as pd

    from drawsim.collection.tables import Collection
    from drawsim.retrieval.index.gallery import Gallery
    from drawsim.retrieval.motifs.files import Motifs
    from drawsim.retrieval.motifs.graph import Edges, Floats

STRATA = ("year", "country")
"""Strata that are held where they are there, whether or not anybody names them."""
ASKED = ("country", "region", "age_group", "year", "side", "medium")
"""Columns by which is asked who draws a motif, where none are named."""
OF_COLOURS = ("country", "age_group", "year")
"""Columns by which is asked who uses a colour."""
MEDIUM, REGION = "medium", "region"
SAID = 12
"""Findings that are lines of the console."""
COLOURED = 0.02
"""Share of coloured pixels from which on a picture is not gray."""


@dataclass(frozen=True)
class MotifSettings:
    """How motifs are looked for, and who is asked to draw them; see `explore.motifs`.

    columns: None for those of ASKED that are there. verify: edges count only where pictures match
    in one layout. gallery: artworks, where there are any, say what drawings have in common. names:
    a table of what groups are called, None: that of the collection, if there is one.
    """

    finding: Finding
    columns: tuple[str, ...] | None
    strata: tuple[str, ...]
    level: float
    colours: bool
    verify: bool
    gallery: bool
    names: Path | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> MotifSettings:
        """From plain values. Raises UserError for those that cannot be."""
        rest = dict(values)
        own = ("neighbours", "chance", "smallest", "resamples", "stability", "seed")
        finding = Finding(**{name: rest.pop(name) for name in own})
        check_bounds("explore.motifs.level", rest["level"], 0, 1)
        columns, strata = (_names(key, rest.pop(key)) for key in ("columns", "strata"))
        names = rest.pop("names", None)
        return cls(finding, columns, strata or (), **rest, names=names and Path(names))

    def plain(self) -> dict[str, Any]:
        """As they are kept in `motifs.json`."""
        own = {key: value for key, value in asdict(self).items() if key not in ("finding", "names")}
        return asdict(self.finding) | own


@dataclass(frozen=True)
class MotifResults:
    """What was found. who, colours: see `retrieval/motifs/files.py`. notes: for people.

    leanings: what is found of `who`, see `retrieval/analysis/who.py`.
    """

    motifs: Motifs
    who: pd.DataFrame
    leanings: pd.DataFrame
    colours: pd.DataFrame
    notes: list[str] = field(default_factory=list)


def motifs_of(
    gallery: Gallery,
    collection: Collection,
    settings: MotifSettings,
    *,
    max_pixels: int,
    workers: int,
    run: Path | None = None,
    artworks: Gallery | None = None,
) -> MotifResults:
    """Find motifs among the drawings of a gallery, and test who draws them.

    collection: of the drawings, without style copies. run: whose network looks at the pictures
    where edges are to be verified. artworks: a gallery of the same model. Raises UserError for
    fewer than 50 drawings, and for columns that are not there.
    """
    from drawsim.retrieval.index.gallery import NONE, UNKNOWN
    from drawsim.retrieval.motifs.files import Motifs, digest_of

    embeddings = gallery.embeddings
    looked = artworks if settings.gallery else None
    table = _with_regions(collection.drawings.loc[list(embeddings.ids)])
    columns, strata = _asked(settings, table), _strata(settings, table)
    paths = dict(collection.paths("drawing", embeddings.ids))
    found = find_motifs(
        embeddings,
        settings.finding,
        _bar,
        adapted=gallery.model.adaptation not in (NONE, UNKNOWN),
        artworks=None if looked is None else looked.embeddings.vectors.float(),
        same=lambda pairs: _same_pictures(pairs, paths, max_pixels, workers),
        confirm=_confirming(run, list(paths.values())) if settings.verify else None,
    )
    motifs = Motifs(
        found.motifs,
        drawings=len(embeddings.ids),
        unstable=found.unstable,
        collection=collection.root.resolve().name,
        model=str(gallery.model),
        digest=digest_of(embeddings),
        settings=settings.plain() | {"gallery": looked is not None, "strata": strata},
    )
    files = list(paths.values())
    asked = _Asked.of(table, files, columns, strata, settings, max_pixels, workers)
    who, leaning = asked.who(motifs, embeddings.rows)
    return MotifResults(
        motifs,
        who,
        leaning,
        asked.of_colours(),
        [*_copies(found), *asked.notes],
    )


def write_results(found: MotifResults, folder: Path) -> None:
    """Write `tables/` and `motifs.json`, the latter last."""
    from drawsim.collection.csv_files import write_csv
    from drawsim.retrieval.motifs.files import COLOURS, WHO, colour_table, write_motifs

    for table, place in ((found.who, WHO), (colour_table(found.colours), COLOURS)):
        write_csv(table, folder / place)
    write_motifs(found.motifs, folder)


def summary(found: MotifResults) -> list[str]:
    """Lines for the console: how many motifs, what is found of them, and what is not known."""
    from drawsim.reporting.motifs.words import leaning_words

    motifs, level = found.motifs, found.motifs.settings["level"]
    inside = sum(each.size for each in motifs.motifs)
    lines = [
        f"{counted(len(motifs.motifs), 'motif')} in {inside:,} of "
        f"{counted(motifs.drawings, 'drawing')}; {counted(motifs.unstable, 'group')} not stable"
    ]
    shares = [each.confirmed for each in motifs.motifs if each.confirmed is not None]
    if shares:
        lines.append(f"of the near pairs of each motif {min(shares):.0%} or more match in a layout")
    for what, table in (("who draws them", found.who), ("who uses which colours", found.colours)):
        if len(table):
            many = counted(int((table["q"] <= level).sum()), "finding")
            lines.append(
                f"{what}: {many} of {counted(len(table), 'test')} "
                f"at a false-discovery rate of {level:g}"
            )
    lines += [
        f"  motif {row.motif}, {leaning_words(row)}"
        for row in found.leanings.head(SAID).itertuples()
    ]
    if len(found.leanings) > SAID:
        lines.append(f"  and {len(found.leanings) - SAID:,} more: tables/who.csv")
    return [*lines, *(f"! {note}" for note in found.notes)]


def _names(key: str, value: Any) -> tuple[str, ...] | None:
    from drawsim.common.arguments import listed

    return None if value is None else tuple(str(each) for each in listed(value))


def _with_regions(table: pd.DataFrame) -> pd.DataFrame:
    """The drawings, with the regions of their countries where they have countries alone."""
    from drawsim.collection.regions import REGIONS
    from drawsim.reporting.collection.counts import country_codes

    if REGION in table.columns or "country" not in table.columns:
        return table
    regions = country_codes(table).map(REGIONS).fillna("")
    several = regions[regions != ""].nunique() > 1
    return table.assign(**{REGION: regions}) if several else table


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    with progress_bar(what, total) as advance:
        yield advance


def _asked(settings: MotifSettings, table: pd.DataFrame) -> list[str]:
    """The columns that are asked about. Raises UserError for one that is not there."""
    measured = {MEDIUM} if settings.colours else set()
    if settings.columns is None:
        return [name for name in ASKED if name in table.columns or name in measured]
    for name in settings.columns:
        if name not in {*table.columns, *measured}:
            raise UserError(
                f"explore.motifs.columns={name}: no such column in drawings.csv, "
                f"{nearest(name, [*table.columns, *measured])}"
            )
    return list(dict.fromkeys(settings.columns))


def _strata(settings: MotifSettings, table: pd.DataFrame) -> list[str]:
    """The strata that are there. Raises UserError for one that is not, unless it is usual."""
    for name in settings.strata:
        if name not in {*table.columns, *STRATA}:
            raise UserError(
                f"explore.motifs.strata={name}: no such column in drawings.csv, "
                f"{nearest(name, table.columns)}"
            )
    return [name for name in dict.fromkeys(settings.strata) if name in table.columns]


def _same_pictures(
    pairs: Pairs, paths: Mapping[str, Path], max_pixels: int, workers: int
) -> list[tuple[str, str]]:
    """Of very near drawings, those that are the same picture."""
    from drawsim.pixels.duplicates import near_duplicates

    names = dict.fromkeys(name for pair in pairs for name in pair)
    there = {name: paths[name] for name in names if paths[name].is_file()}
    table = near_duplicates(there, workers=workers, max_pixels=max_pixels)
    return list(zip(table["first"], table["second"], strict=True))


def _confirming(run: Path | None, files: Sequence[Path]) -> Callable[[Edges], Floats]:
    """What looks at the pictures behind edges."""
    if run is None:
        raise UserError(
            "explore.motifs.verify=true: needs run=DIR, whose network looks at the pictures"
        )
    from drawsim.models.local_features import KeptPictures
    from drawsim.models.model import Model
    from drawsim.retrieval.motifs.confirming import confirmed

    pictures = KeptPictures(Model.load(run), files, files)

    def confirm(edges: Edges) -> Floats:
        with _bar("matching pictures", len(edges.first)) as advance:
            return confirmed(edges, pictures, advance)

    return confirm


def _copies(found: Found) -> list[str]:
    if not found.copies:
        return []
    many = counted(len(found.copies), "drawing is", "drawings are")
    return [
        f"{many} another scan of one that is there already, and left out: {found.copies[0]!r} is "
        "one (view=duplicates shows them all)"
    ]


@dataclass(frozen=True)
class _Asked:
    """What is known of each drawing, as texts; `columns` of it are asked about within `strata`.

    colours: the share of each basic colour, (N, 11), nan where a picture could not be read; None
    where pictures were not looked at.
    """

    table: pd.DataFrame
    columns: list[str]
    strata: list[str]
    colours: np.ndarray | None
    settings: MotifSettings
    notes: list[str]

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        paths: Sequence[Path],
        columns: list[str],
        strata: list[str],
        settings: MotifSettings,
        max_pixels: int,
        workers: int,
    ) -> _Asked:
        """Read the columns, and measure colours if they are asked for."""
        import pandas as pd

        from drawsim.pixels.colours import colours_of
        from drawsim.reporting.collection.counts import UNKNOWN, country_codes, filled

        colours = None
        if settings.colours:
            colours = colours_of(paths, max_pixels=max_pixels, workers=workers)
        cells = {
            name: country_codes(table) if name == "country" else filled(table, name)
            for name in dict.fromkeys([*columns, *strata, *OF_COLOURS])
            if name in table.columns
        }
        told = {
            name: own.where(own.str.lower() != UNKNOWN, "").reset_index(drop=True)
            for name, own in cells.items()
        }
        if colours is not None and MEDIUM in columns and MEDIUM not in table.columns:
            told[MEDIUM] = _medium(colours)
        known = pd.DataFrame(told, index=pd.RangeIndex(len(table)))
        notes, varied = [], []
        for name in columns:
            values = set(known[name]) - {""}
            if len(values) > 1:
                varied.append(name)
            else:
                what = f"only {values.pop()!r}" if values else "nothing"
                notes.append(f"{name} says {what} of all drawings: nothing to compare by it")
        if not columns and settings.columns is None:
            names = in_words(ASKED)
            notes.append(f"drawings.csv has none of {names}: who draws a motif is not known")
        if missing := [name for name in settings.strata if name not in strata]:
            notes.append(
                f"drawings.csv has no {in_words(missing)}: drawings that come together by it are "
                "not told apart from those that do not (explore.motifs.strata)"
            )
        return cls(known, varied, strata, colours, settings, notes)

    def who(self, motifs: Motifs, rows: Mapping[str, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The tests of all motifs by all columns, and what they find."""
        from drawsim.retrieval.analysis.who import leanings, who_draws

        groups = {each.id: [rows[name] for name in each.members] for each in motifs.motifs}
        total = len(groups) * len(self.columns)
        with progress_bar("testing who draws them", total) as advance:
            who = who_draws(
                groups,
                self.table,
                self.columns,
                self.strata,
                level=self.settings.level,
                advance=advance,
            )
        level = self.settings.level
        return who, leanings(who, groups, self.table, self.strata, level=level)

    def of_colours(self) -> pd.DataFrame:
        """The tests of each colour's use by country, age group and year: one family of tests."""
        from drawsim.pixels.colours import FOCAL, USED
        from drawsim.retrieval.analysis.who import uses_what
        from drawsim.retrieval.motifs.files import empty_who

        held = [name for name in OF_COLOURS if name in self.table.columns]
        if self.colours is None or not held:
            return empty_who()
        used = {name: self.colours[:, place] >= USED for place, name in enumerate(FOCAL)}
        seen = ~np.isnan(self.colours[:, 0])
        with progress_bar("testing who uses colours", len(held)) as advance:
            return uses_what(
                self.table,
                held,
                used,
                seen,
                self.strata,
                what="colour",
                level=self.settings.level,
                advance=advance,
            )


def _medium(colours: np.ndarray) -> pd.Series[str]:
    """gray or colour of each picture, by its pixels that are neither white, gray nor black."""
    import pandas as pd

    from drawsim.pixels.colours import FOCAL

    plain = [place for place, name in enumerate(FOCAL) if name in ("white", "gray", "black")]
    coloured = 1 - colours[:, plain].sum(axis=1)
    words = np.where(np.isnan(coloured), "", np.where(coloured >= COLOURED, "colour", "gray"))
    return pd.Series(words, dtype=object)
