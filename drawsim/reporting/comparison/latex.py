"""A comparison as papers print it: tables, and a paragraph on what was found and how."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from drawsim.common.words import counted, in_words
from drawsim.reporting.comparison.made import software
from drawsim.reporting.comparison.results import Results
from drawsim.reporting.comparison.sentences import (
    INTERVAL,
    NOT_CORRECTED,
    RULE,
    figures_of,
    gallery_size,
    lead,
)
from drawsim.reporting.comparison.tables import SET_NAMES, Cell, Row, Table, make_table, summary
from drawsim.reporting.comparison.tests import HELD_OUT, Verdict
from drawsim.reporting.kit.tex import escaped, foreign, sentence
from drawsim.retrieval.metrics import registry

if TYPE_CHECKING:
    from drawsim.reporting.comparison.page import Findings

PACKAGES = (
    r"\usepackage[T1]{fontenc}",
    r"\usepackage[utf8]{inputenc}",
    r"\usepackage{array,booktabs,graphicx}",
)
WIDE = 30
"""Characters of the longest model's name from which on names are broken over lines."""
BESIDE = 4
"""Metrics of a table, at most, whose SD stands beside the mean."""
BROKEN = r">{\raggedright\arraybackslash\hangindent=1em}p{0.34\linewidth}"
"""A column of such names."""
FIT = r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"
"""Prints a table as it is, or smaller where the page is too narrow."""


# Tables


def latex_tables(found: Findings) -> str:
    """`table.tex`: for each set a table of the tested metrics, then the others kin by kin.

    The best mean of a column is bold only where its difference from the reference stands.
    """
    results = found.results
    tested, scores = registry.tested(results.metrics), summary(results)
    parts = [_preamble(results.models, PACKAGES)]
    for name in results.sets:
        rest = registry.by_family(metric for metric in results.metrics if metric not in tested)
        for number, metrics in enumerate([own for own in (tested, *rest) if own]):
            table = make_table(results, name, metrics, scores)
            label = f"tab:drawsim-{name.replace('_', '-')}" + (f"-{number + 1}" if number else "")
            parts.append(_float(found, table, label, tested=bool(tested) and number == 0))
    return "\n\n".join(parts) + "\n"


def _float(found: Findings, table: Table, label: str, *, tested: bool) -> str:
    """A table with its caption and, below it, what it rests on."""
    bold = _stands(found, table) if tested else set()
    wide = max(len(row.model) for row in table.rows) > WIDE
    varied = len({row.replicates for row in table.rows}) > 1
    head = ["model", *(["runs"] if varied else []), *map(registry.short_label, table.metrics)]
    cells = [_cells(row, table.metrics, bold, varied=varied) for row in table.rows]
    name = _breakable if wide else escaped
    rows = [[name(row.model), *own] for row, own in zip(table.rows, cells, strict=True)]
    between = "\\addlinespace\n" if len(table.metrics) > BESIDE else ""
    below = _below(found, table, bold=bool(bold)) if tested else []
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{sentence(_caption(found.results, table, tested=tested))}}}",
            rf"\label{{{label}}}",
            r"\par\smallskip",
            rf"\sbox0{{\begin{{tabular}}{{{BROKEN if wide else 'l'}{'r' * (len(head) - 1)}}}",
            r"\toprule",
            f"{' & '.join(map(escaped, head))} \\\\",
            r"\midrule",
            between.join(f"{' & '.join(row)} \\\\\n" for row in rows).rstrip("\n"),
            r"\bottomrule",
            r"\end{tabular}}",
            FIT,
            *([r"\par\smallskip", _note(below)] if below else []),
            r"\end{table}",
        ]
    )


def _cells(
    row: Row, metrics: Sequence[str], bold: set[tuple[str, str]], *, varied: bool
) -> list[str]:
    cells = [
        _cell(
            cell,
            bold=cell.best and (row.model, metric) in bold,
            stacked=len(metrics) > BESIDE,
        )
        for metric, cell in zip(metrics, row.cells, strict=True)
    ]
    return [*([str(row.replicates)] if varied else []), *cells]


def _breakable(name: str) -> str:
    """A name that may go on in another line where a part of it ends."""
    parts = re.findall(r"[^-+_./ ]*[-+_./ ]?", name)
    return r"\allowbreak{}".join(escaped(part) for part in parts if part)


def _cell(cell: Cell, *, bold: bool, stacked: bool) -> str:
    """A mean and its SD, which stands below it in tables of many columns."""
    mean = rf"\textbf{{{escaped(cell.mean)}}}" if bold else escaped(cell.mean)
    if not cell.sd:
        return mean
    sd = rf"$\pm$ {escaped(cell.sd)}"
    if not stacked:
        return f"{mean} {sd}"
    return rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{mean}\\{{\scriptsize {sd}}}\end{{tabular}}"


def _stands(found: Findings, table: Table) -> set[tuple[str, str]]:
    """(model, metric) of what is better than the reference, and that stands."""
    return {
        (c.model, c.metric)
        for verdict in found.verdicts.get(table.set, [])
        for c in verdict.comparisons
        if c.stands and c.better
    }


def _caption(results: Results, table: Table, *, tested: bool) -> str:
    counts = sorted({row.replicates for row in table.rows})
    runs = " to ".join(f"{n:,}" for n in dict.fromkeys((counts[0], counts[-1])))
    several = any(cell.sd for row in table.rows for cell in row.cells)
    what = "mean ± SD (n − 1) over" if several else "mean over"
    scores = results.scores
    splits = scores.loc[scores["set"] == table.set, "split"].nunique()
    title = table.title if tested else f"{table.title}, further metrics"
    said = f"{title}: {what} {runs} run{'' if counts[-1] == 1 else 's'} of each model"
    said += f" on {counted(splits, 'split')}."
    if not len(results.queries):
        return f"{said} How many drawings were ranked is not recorded."
    rows = results.queries[results.queries["set"] == table.set]
    gallery = gallery_size(results)
    among = f" among {counted(gallery, 'artwork')}" if gallery else ""
    return f"{said} {counted(rows['drawing_id'].nunique(), 'drawing')}, ranked{among}."


def _below(found: Findings, table: Table, *, bold: bool) -> list[str]:
    if table.set not in found.verdicts:
        return []
    begins = (
        f"Bold: the best mean of a column, where its difference from {found.reference} stands: "
        if bold
        else f"No model is better than {found.reference} by a difference that stands: where "
    )
    return [
        f"{begins}{RULE}.",
        *found.grounds[table.set],
    ]


def _note(sentences: Iterable[str]) -> str:
    text = " ".join(map(sentence, sentences))
    return f"\\begin{{minipage}}{{\\linewidth}}\\footnotesize\n{text}\n\\end{{minipage}}"


def _preamble(texts: Iterable[str], packages: Sequence[str] = PACKAGES[:2]) -> str:
    lines = ["% Written by drawsim. To be read with \\input; the preamble needs:"]
    lines += [f"% {package}" for package in packages]
    if letters := foreign("".join(texts)):
        lines.append(
            f"% pdflatex cannot print {letters}: use xelatex or lualatex with fontspec (in place "
            "of fontenc and inputenc), and a font that has them"
        )
    return "\n".join(lines)


# The paragraph


def latex_paragraph(found: Findings) -> str:
    """`paragraph.tex`: what was compared, which differences stand and how that was tested."""
    sentences = paragraph(found)
    notes = [f"% Beside it: {sentence(note)}" for note in found.results.notes]
    text = "\n".join(map(sentence, sentences))
    return "\n".join([_preamble(sentences), *notes, "", text]) + "\n"


def paragraph(found: Findings) -> list[str]:
    """Its sentences, as plain text."""
    results = found.results
    others = [model for model in results.models if model != found.reference]
    name = next((name for name in HELD_OUT if name in found.verdicts), None)
    said = [f"We compared {in_words(others)} with {found.reference}."] if others else []
    said.append(f"The comparison rests on {lead(results, within=True)}")
    if results.runs and found.reference in results.baselines:
        said.append(f"The network as it was before training is called {found.reference}.")
    if results.runs:
        said.append("Metrics are means over drawings, then over runs.")
    if name is None:
        said.append("No difference was tested.")
    else:
        said += [
            *found.grounds[name],
            f"A difference stands if {RULE}.",
            f"Beside each difference stand its {INTERVAL} and the larger of the two corrected p.",
            *(_result(verdict, SET_NAMES[name].lower()) for verdict in found.verdicts[name]),
            NOT_CORRECTED,
        ]
    return [*said, *software(results.runs)]


def _result(verdict: Verdict, where: str) -> str:
    """A model's verdict, with the figures of what stands, or else of the first metric."""
    shown = [c for c in verdict.comparisons if c.stands] or verdict.comparisons[:1]
    figures = "; ".join(f"{registry.label(c.metric)} {figures_of(c)}" for c in shown)
    return f"On the {where}, {verdict.model} {verdict.text.rstrip('.')} ({figures})."
