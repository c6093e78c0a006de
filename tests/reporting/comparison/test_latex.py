"""A comparison in LaTeX: the same numbers and sentences, in files that TeX takes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from drawsim.reporting.comparison.latex import latex_paragraph, latex_tables, paragraph
from drawsim.reporting.comparison.page import Findings, compare
from drawsim.reporting.comparison.results import read_runs
from drawsim.reporting.comparison.score_files import read_scores
from drawsim.reporting.comparison.tests import LEVEL
from drawsim.reporting.kit.tex import escaped
from tests.reporting.comparison.compared import make_study, write_scores
from tests.reporting.kit.tex_reader import cells, printed

SPLITS = [f"v{number}" for number in range(6)]
NASTY = ["50%_a & #{b}", "[1em] $x$ ~^\\", "*käthe--Łódź \"x\" <y|z> 'q''"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """One model that is better, one that is worse, one that is as the baseline."""
    study = tmp_path_factory.mktemp("latex") / "study"
    return compare(read_runs([make_study(study, {"best": 1, "same": 3, "bad": 5}, SPLITS)]), None)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Models with names that mean something to TeX."""
    root = tmp_path_factory.mktemp("nasty")
    for number, name in enumerate(NASTY):
        write_scores(root, f"m{number}", name, [10.0 * number, 20, 30])
    return compare(read_scores([f"{root}/*/*.csv"]), None)


def tabulars(text: str) -> list[tuple[str, list[list[str]]]]:
    """The columns and the rows of each table."""
    found = re.findall(r"\\begin\{tabular\}\{(\w+)\}\n(.*?)\n\\end\{tabular\}", text, re.DOTALL)
    return [
        (columns, [cells(line) for line in body.splitlines() if line.endswith(r"\\")])
        for columns, body in found
    ]


def test_every_row_has_a_cell_for_each_column(found: Findings, nasty: Findings) -> None:
    for one in (found, nasty):
        text = latex_tables(one)
        assert text.count(r"\begin{") == text.count(r"\end{")
        for columns, (head, *rows) in tabulars(text):
            assert len(head) == len(columns)
            assert [printed(row[0]) for row in rows] == one.results.models
            assert all(len(row) == len(columns) for row in rows)


def test_the_first_table_is_of_the_tested_metrics_on_test(found: Findings) -> None:
    text = latex_tables(found)
    assert text.index("tab:drawsim-test}") < text.index("tab:drawsim-test-2}")
    head, *rows = tabulars(text)[0][1]
    assert head[:4] == ["model", "MRR", "MAP", "Mean rank"]
    own = next(row for row in rows if row[0] == "lite-best")
    table = next(t for t in found.tables if t.set == "test" and "mrr" in t.metrics)
    cell = next(row for row in table.rows if row.model == "lite-best").cells[
        table.metrics.index("mrr")
    ]
    mean, sd = rf"\textbf{{{cell.mean}}}", rf"{{\scriptsize $\pm$ {cell.sd}}}"
    assert own[1] == rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{mean}\\{sd}\end{{tabular}}"


def test_bold_is_what_is_best_and_stands(found: Findings, nasty: Findings) -> None:
    stands = {c.metric for c in found.comparisons if c.set == "test" and c.stands and c.better}
    assert stands == {"mrr", "map", "mean_rank"}
    bold = re.findall(r"^(\S+) .*?textbf", latex_tables(found), re.MULTILINE)
    assert set(bold) == {"lite-best"}
    assert latex_tables(found).count("textbf") == 2 * len(stands)  # test and val
    assert "textbf" not in latex_tables(nasty)  # three splits: nothing stands
    assert f"No model is better than {escaped(nasty.reference)}" in latex_tables(nasty)


def test_captions_and_notes_tell_what_the_table_rests_on(found: Findings) -> None:
    text = latex_tables(found)
    caption, note = (
        re.search(p, text, re.DOTALL) for p in (r"\\caption\{(.*?)\}\n", r"footnotesize(.*?)\\end")
    )
    assert caption is not None
    assert note is not None
    drawings = found.results.queries.query("set == 'test'")["drawing_id"].nunique()
    for said in ("6 runs of each model on 6 splits", f"{drawings} drawings", "40 artworks"):
        assert said in caption[1]
    for said in ("Wilcoxon", "permutation", f"$p < {LEVEL}$", "Holm's correction"):
        assert said in note[1]
    assert "The test sets of the 6 splits overlap" in note[1]


def test_a_single_run_has_no_deviation(tmp_path: Path) -> None:
    results = read_runs([make_study(tmp_path / "s", {"none": 2}, ["v0"])])
    text = latex_tables(compare(results, None))
    assert r"\pm" not in text
    assert "±" not in text


def test_the_paragraph_says_what_the_page_says(found: Findings) -> None:
    said = paragraph(found)
    own = [v for v in found.verdicts["test"] if v.model == "lite-best"]
    assert f"On the test set, lite-best {own[0].text[:-1]} (" in " ".join(said)
    assert set(found.grounds["test"]) <= set(said)
    figures = next(c for c in own[0].comparisons if c.metric == "mrr")
    assert f"MRR +{figures.test.difference:.3f}, +{figures.test.low:.3f} to" in " ".join(said)
    assert any("18 finished runs on 6 splits" in sentence for sentence in said)
    assert "What software made 18 runs is not recorded." in said


def test_names_that_pdflatex_cannot_print_are_told(tmp_path: Path) -> None:
    write_scores(tmp_path, "a", "Жар", [10.0, 20.0])
    text = latex_tables(compare(read_scores([f"{tmp_path}/*/*.csv"]), None))
    assert "% pdflatex cannot print Жар: use xelatex or lualatex" in text


def test_long_names_are_broken_and_short_ones_are_not(tmp_path: Path) -> None:
    long = "lite+timm-light-timm.model-tf_efficientnet_lite1"
    for number, model in enumerate((long, "resnext-style")):
        root = tmp_path / str(number)
        write_scores(root, "a", model, [10.0, 20.0])
        text = latex_tables(compare(read_scores([f"{root}/*/*.csv"]), None))
        assert (r"p{0.34\linewidth}" in text) == (model == long)
        assert (r"\allowbreak" in text) == (model == long)
    shown = latex_tables(compare(read_scores([f"{tmp_path}/0/*/*.csv"]), None))
    assert escaped(long) in shown.replace(r"\allowbreak{}", "")


def test_tex_takes_them(found: Findings, nasty: Findings, tmp_path: Path) -> None:
    program = shutil.which("pdflatex") or shutil.which("tectonic")
    if program is None:
        pytest.skip("no TeX: neither pdflatex nor tectonic is installed")
    body = []
    for number, one in enumerate((found, nasty)):
        for name, text in (("table", latex_tables(one)), ("paragraph", latex_paragraph(one))):
            (tmp_path / f"{name}{number}.tex").write_text(text, encoding="utf-8")
            body.append(f"\\input{{{name}{number}}}")
    packages = re.findall(r"^% (\\usepackage.*)$", latex_tables(found), re.MULTILINE)
    lines = [r"\documentclass{article}", *packages, r"\begin{document}", *body, r"\end{document}"]
    (tmp_path / "paper.tex").write_text("\n".join(lines), encoding="utf-8")
    options = ["-draftmode", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    done = subprocess.run(
        [program, *(options if program.endswith("pdflatex") else []), "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Overfull" not in done.stdout.split("paragraph0")[0]  # wide tables shrink
