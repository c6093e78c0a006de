"""A comparison written out: the page `index.html`, and its tables and figures beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from drawsim.collection.csv_files import write_csv
from drawsim.common.errors import UserError
from drawsim.common.files import atomic, write_text
from drawsim.common.progress import progress_bar
from drawsim.common.refusals import refusal
from drawsim.reporting.comparison import tables as compare_tables
from drawsim.reporting.comparison.figures import rank_figure, recall_figure
from drawsim.reporting.comparison.latex import latex_paragraph, latex_tables
from drawsim.reporting.comparison.made import commands_text
from drawsim.reporting.comparison.results import Results
from drawsim.reporting.comparison.searches import Search, search_figures
from drawsim.reporting.comparison.sentences import INTERVAL, NOT_CORRECTED, RULE, lead
from drawsim.reporting.comparison.sheet import (
    TOP,
    Pictures,
    Showing,
    choose,
    find_pictures,
    sheet_figure,
)
from drawsim.reporting.comparison.study_writing import (
    without_places,
    write_archive,
)
from drawsim.reporting.comparison.tables import Table, make_tables
from drawsim.reporting.comparison.tests import (
    HELD_OUT,
    Comparison,
    Verdict,
    choose_reference,
    compare_models,
    comparison_table,
    format_difference,
    format_p,
    grounds,
    verdicts,
)
from drawsim.reporting.kit.figures import WIDTH, Drawn, svg_file
from drawsim.reporting.kit.folder import Folder
from drawsim.reporting.kit.pages import environment
from drawsim.reporting.kit.thumbnails import SIDE, Sheet, make_sheet
from drawsim.reporting.run.curves import curve_panels, curves_figure
from drawsim.reporting.run.finished import Run
from drawsim.retrieval.metrics import registry

OPEN_TABLES = 2  # of a set that are shown at once


@dataclass(frozen=True)
class Findings:
    """What the comparison of some models says.

    verdicts, grounds: by set. notes: sentences on what was left out. searches: for settings, that
    the runs are trials of.
    """

    results: Results
    reference: str
    tables: list[Table]
    comparisons: list[Comparison]
    verdicts: dict[str, list[Verdict]]
    grounds: dict[str, list[str]]
    notes: list[str]
    searches: Sequence[Search] = ()


def compare(results: Results, reference: str | None, searches: Sequence[Search] = ()) -> Findings:
    """Test every model against the reference (the first, a baseline, if None is named).

    Raises UserError if there is no model of this name.
    """
    chosen = choose_reference(results, reference)
    comparisons = compare_models(results, chosen)
    found = {name: verdicts(comparisons, name, results.models) for name in HELD_OUT}
    return Findings(
        results=results,
        reference=chosen,
        tables=make_tables(results),
        comparisons=comparisons,
        verdicts={name: own for name, own in found.items() if own},
        grounds={name: grounds(results, comparisons, name) for name in HELD_OUT},
        notes=list(results.notes),
        searches=searches,
    )


def write_comparison(
    found: Findings, out: Path, *, workers: int, archive: Path | None = None
) -> Path:
    """Write everything into the folder `out` and return its page.

    `workers` threads read pictures. archive: the file that gets it all for others, without pictures
    and places. What an earlier comparison wrote there is replaced. Raises UserError if the folder
    or the archive cannot be written.
    """
    results = found.results
    showing = choose(results, found.reference)
    pictures, notes = find_pictures(results.runs) if showing else (Pictures(), [])
    found.notes.extend(notes)
    folder = Folder(out, "comparison")
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_csv(compare_tables.summary(results), folder.place("table.csv"))
        write_csv(comparison_table(found.comparisons), folder.place("comparisons.csv"))
        for name, text in _texts(found).items():
            write_text(folder.place(name), text)
        figures, curves, sheets = _draw(found, showing, pictures, workers)
        searched = [search_figures(one, number) for number, one in enumerate(found.searches, 1)]
        own = [figure for several in searched for figure in several]
        for figure in (*figures, *own, *curves.values(), *sheets.values()):
            with atomic(folder.place(f"figures/{figure.name}.png")) as temporary:
                temporary.write_bytes(figure.png)
            write_text(folder.place(f"figures/{figure.name}.svg"), svg_file(figure))
        page = _render(found, showing, pictures, figures, curves, searched)
        write_text(folder.place("index.html"), page)
        folder.finish()
        if archive is not None:
            _archive(found, out, archive, figures, curves)
    except OSError as error:
        said = refusal(error) or f"{out}: cannot be written ({error.strerror or error})"
        raise UserError(said) from error
    return out / "index.html"


def _texts(found: Findings) -> dict[str, str]:
    """The files that are text, by name, but for the page."""
    return {
        "table.md": compare_tables.as_markdown(found.tables),
        "table.tex": latex_tables(found),
        "table.html": compare_tables.as_html(found.tables),
        "paragraph.tex": latex_paragraph(found),
        "commands.txt": commands_text(found),
    }


def _archive(
    found: Findings, out: Path, archive: Path, figures: list[Drawn], curves: dict[int, Drawn]
) -> None:
    """Write the archive, with what was written to `out` where that has no places in it."""
    ranks = [run.folder / "ranks.csv" for run in found.results.runs if run.folder]
    with without_places(found) as own:
        page = _render(own, None, Pictures(), figures, curves, [], alone=True)
        texts = {"index.html": page, **_texts(own)}
        pages: dict[str, bytes | Path] = {name: text.encode() for name, text in texts.items()}
        pages |= {name: out / name for name in ("table.csv", "comparisons.csv")}
        write_archive(own, pages, archive, ranks)


def _draw(
    found: Findings, showing: Showing | None, pictures: Pictures, workers: int
) -> tuple[list[Drawn], dict[int, Drawn], dict[str, Drawn]]:
    """The figures over all models, the curves by the run's number, the sheets by their part."""
    results = found.results
    parts = showing.parts if showing else []
    with progress_bar("drawing figures", len(results.runs) + len(parts) + 2) as advance:
        held_out = next((name for name in HELD_OUT if name in results.sets), None)
        drawn = [rank_figure(results, found.reference)]
        drawn.append(recall_figure(results, held_out) if held_out else None)
        advance(2)
        curves = {}
        for number, run in enumerate(results.runs):
            if panels := curve_panels(run.epochs, run.scores.get("baseline", {})):
                curves[number] = curves_figure(
                    panels,
                    run.best_epoch,
                    name=f"curves_{_file_name(run)}",
                    title=f"Curves of {run.name}",
                    width=WIDTH,
                )
            advance()
        sheets = {}
        for part in parts:
            assert showing is not None
            sheets[part.name] = sheet_figure(part, showing, pictures, workers)
            advance()
    return [figure for figure in drawn if figure is not None], curves, sheets


def _file_name(run: Run) -> str:
    """The name of a run for a file: unlike any other's, for models are told apart by it."""
    return f"{run.model}-{run.split}-seed{run.seed}".replace("/", "_")


def _render(
    found: Findings,
    showing: Showing | None,
    pictures: Pictures,
    figures: list[Drawn],
    curves: dict[int, Drawn],
    searched: list[list[Drawn]],
    *,
    alone: bool = False,
) -> str:
    """The page. alone: the same whenever it is written, and without figures beside it."""
    results = found.results
    sheet = _thumbnails(showing, pictures)
    return (
        environment()
        .get_template("comparison/templates/comparison.html.j2")
        .render(
            found=found,
            results=results,
            compared=[m for m in results.models if m not in (*results.baselines, found.reference)],
            untested=[m for m in results.metrics if registry.find(m).family == "thesis_padded"],
            lead=lead(results),
            rule=RULE,
            interval=INTERVAL,
            not_corrected=NOT_CORRECTED,
            set_names=compare_tables.SET_NAMES,
            tables={name: [t for t in found.tables if t.set == name] for name in results.sets},
            as_html=compare_tables.as_html,
            open_tables=OPEN_TABLES,
            figures=figures,
            searches=list(zip(found.searches, searched, strict=True)),
            curves={
                model: [
                    (run, curves[number])
                    for number, run in enumerate(results.runs)
                    if run.model == model and number in curves
                ]
                for model in results.models
            },
            showing=showing,
            top=TOP,
            sheet=sheet,
            side=SIDE,
            captions=pictures.captions,
            symbol=lambda kind, name: sheet.symbol(pictures.file(kind, name)),
            difference=format_difference,
            format_p=format_p,
            files=lambda name: {
                end.upper(): f"./{quote(f'figures/{name}.{end}')}"
                for end in (() if alone else ("png", "svg"))
            },
            **({} if alone else {"written": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"}),
        )
    )


def _thumbnails(showing: Showing | None, pictures: Pictures) -> Sheet:
    files = [
        pictures.file(kind, name)
        for part in (showing.parts if showing else [])
        for one in part.found
        for kind, names in (
            ("drawing", [one.drawing_id]),
            (
                "artwork",
                [one.truths[0], *(a for r in one.rankings.values() for a in r.top_ids[:TOP])],
            ),
        )
        for name in names
    ]
    return make_sheet(file for file in files if file is not None)
