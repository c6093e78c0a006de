"""The page of a comparison and what lies beside it, from whole folders of runs."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from drawsim.collection.demo import demo_root
from drawsim.common.errors import UserError
from drawsim.reporting.comparison.console import print_findings
from drawsim.reporting.comparison.figures import rank_figure, recall_figure
from drawsim.reporting.comparison.page import compare, write_comparison
from drawsim.reporting.comparison.results import Results, combine, read_runs
from drawsim.reporting.comparison.score_files import read_scores
from drawsim.reporting.comparison.sheet import MODELS, choose, find_pictures
from drawsim.reporting.comparison.wandb_group import read_group
from drawsim.reporting.kit.figures import svg_file
from drawsim.workflows.compare import read
from tests.html_page import Page
from tests.reporting.comparison.compared import (
    ladder,
    make_run,
    make_study,
    means,
    write_scores,
    write_table,
)

SVG = "{http://www.w3.org/2000/svg}"
PAGE = "drawsim.reporting.comparison.page"


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages for their words: figures take far longer to draw."""
    monkeypatch.setattr(f"{PAGE}._draw", lambda *_: ([], {}, {}))


def written(results: Results, out: Path, reference: str | None = None) -> Page:
    page = write_comparison(compare(results, reference), out, workers=1)
    return Page(page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models on two splits; the pictures of what they rank are beside the study."""
    root = tmp_path_factory.mktemp("compared")
    folder = make_study(root / "study", {"none": 2, "style": 1})
    names = {"drawings": [f"d{i}" for i in range(7)], "artworks": [f"w{i}" for i in range(1, 21)]}
    names["artworks"] += [f"{drawing}-0" for drawing in names["drawings"]]
    for kind, ids in names.items():
        write_table(
            root / "pictures" / f"{kind}.csv", [{"id": i, "path": f"{kind}/{i}.png"} for i in ids]
        )
        (root / "pictures" / kind).mkdir()
        for number, name in enumerate(ids):
            picture = Image.new("RGB", (30, 20), (9 * number % 256, 90, 200))
            picture.save(root / "pictures" / kind / f"{name}.png")
    write_table(
        root / "pictures" / "pairs.csv",
        [{"drawing_id": d, "artwork_id": f"{d}-0", "pair": "true"} for d in names["drawings"]],
    )
    for config in folder.glob("*/config.yaml"):
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("nowhere", str(root / "pictures")), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def results(study: Path) -> Results:
    return read_runs([study])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to which an earlier comparison wrote."""
    folder = tmp_path_factory.mktemp("out")
    (folder / "files_comparison.txt").write_text("figures/old.png\n", encoding="utf-8")
    (folder / "figures").mkdir()
    (folder / "figures" / "old.png").touch()
    return folder


@pytest.fixture(scope="module")
def page(results: Results, out: Path) -> Page:
    return written(results, out)


@pytest.mark.usefixtures("page")
def test_everything_is_written(out: Path) -> None:
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    runs = [f"curves_lite-{aug}-v{i}-seed0" for aug in ("none", "style") for i in (0, 1)]
    parts = ["drawings_improved", "drawings_sample"]
    figures = ["mean_rank", "recall_test", *runs, *parts]
    tables = ["table.csv", "table.md", "table.tex", "table.html", "comparisons.csv"]
    tables += ["paragraph.tex", "commands.txt"]
    expected = {f"figures/{name}.{end}" for name in figures for end in ("png", "svg")}
    assert names == {"index.html", "files_comparison.txt", *tables, *expected}


def test_the_page_needs_no_network_and_no_script(page: Page, out: Path) -> None:
    for tag, attributes in page.elements:
        assert tag not in ("script", "link", "iframe")
        for key in ("src", "href", "xlink:href"):
            value = attributes.get(key, "#")
            assert value.startswith(("#", "./", "data:")), (tag, value)
            if value.startswith("./"):
                assert (out / value).is_file()


def test_pictures_are_shown_and_the_true_one_framed(page: Page) -> None:
    drawings = page.count("article", cls="found")
    assert drawings == 7
    assert page.count("svg", cls="picture") == drawings * (2 + 3 * 10)
    # Ranks are 1 + 3 place, 1 + 2 place and 1 + place: the first ten hold all but one of these.
    assert page.count("li", cls="true") == 3 * 7
    assert "Pictures are left empty" not in page.text
    symbols = [own for tag, own in page.elements if tag == "symbol"]
    assert len(symbols) > 20


def test_the_words_of_the_page(page: Page) -> None:
    text = " ".join(page.text.split())
    assert "2 models compared with the baseline" in text
    assert "4 finished runs on 2 splits (v0, v1), 40 artworks ranked for each drawing." in text
    assert "Paired by query: 7 drawings in 7 groups" in text
    assert "baseline: rank 10" in text
    assert "lite-style: rank 4" in text


@pytest.mark.usefixtures("no_figures")
def test_absent_pictures_leave_tiles_and_a_note(tmp_path: Path) -> None:
    results = read_runs([make_study(tmp_path / "s", {"none": 1}, ["v0"])])
    page = written(results, tmp_path / "out")
    assert "Pictures are left empty, for the collection is not there: nowhere" in page.text
    symbols = {own["id"] for own in page.of("symbol")}
    assert symbols == {"none"}
    assert page.count("svg", cls="picture") == sum(own["href"] == "#none" for own in page.of("use"))


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    sets = {"test": ladder([f"{hostile}{i}" for i in range(3)], 2), "val": ladder(["e"], 1)}
    make_run(tmp_path / "s", before=sets, after=sets, record={"name": hostile})
    page = written(read_runs([tmp_path / "s"]), tmp_path / "out")
    assert not any(tag == "script" for tag, _ in page.elements)
    assert hostile in page.text


@pytest.mark.usefixtures("no_figures")
def test_published_scores_make_a_page_without_runs(tmp_path: Path) -> None:
    write_scores(tmp_path, "baselines", "resnext", [10, 20, 30])
    write_scores(tmp_path, "tuned", "FT", [30, 40, 50])
    page = written(read_scores([f"{tmp_path}/*/*.csv"]), tmp_path / "out", "FT")
    text = " ".join(page.text.split())
    assert "ImageNet baseline compared with FT" in text
    assert "Published scores on 3 splits" in text
    assert "What drawings find" not in text


def test_the_console_says_what_stands(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_findings(compare(results, None), tmp_path / "index.html")
    text = capsys.readouterr().out
    assert "lite-style cannot be told from baseline" in text
    assert "index.html" in text


# Figures


def test_an_svg_file_stands_alone_in_the_colours_of_paper(results: Results) -> None:
    figure = rank_figure(results, "baseline")
    assert figure is not None
    text = svg_file(figure)
    assert "var(--" not in text
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    words = {element.text for element in root.iter(f"{SVG}text")}
    assert {"baseline", "lite-none", "lite-style", "Test set", "Validation set"} <= words


def test_boxes_need_replicates(tmp_path: Path) -> None:
    write_scores(tmp_path, "baselines", "A", [10, 20, 30, 40, 50])
    write_scores(tmp_path, "b", "B", [15, 25, 35, 45, 75])
    many = rank_figure(read_scores([f"{tmp_path}/*/*.csv"]), "A")
    assert many is not None
    assert "B: median 350, half of 5 runs from 250 to 450" in many.svg
    assert many.svg.count('class="mark"') == 2
    for path in tmp_path.glob("*/*.csv"):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]), encoding="utf-8")
    few = rank_figure(read_scores([f"{tmp_path}/*/*.csv"]), "A")
    assert few is not None
    assert 'class="mark"' not in few.svg


def test_what_is_not_known_is_not_drawn(results: Results, tmp_path: Path) -> None:
    write_scores(tmp_path, "baselines", "A", [10, 20])
    scores = read_scores([f"{tmp_path}/*/*.csv"])
    assert recall_figure(scores, "test") is None  # no recall
    assert recall_figure(results, "non_train") is None  # no such set
    scores.scores["metric"] = "MAP"
    assert rank_figure(scores, "A") is None


@pytest.mark.usefixtures("page")
def test_curves_are_those_of_the_run(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (out / "figures" / "curves_lite-none-v0-seed0.svg").read_text()
    words = {element.text for element in ET.fromstring(text).iter(f"{SVG}text")}
    assert {"Loss", "Learning rate", "Recall@k, validation", "@10"} <= words
    sets = {"test": {"d": [1]}, "val": {"e": [1]}, "train": {"f": [1]}}
    folder = make_run(tmp_path / "s", before=sets, after=sets)
    (folder / "metrics.csv").unlink()
    monkeypatch.setattr(f"{PAGE}.choose", lambda *_: None)  # no pictures are drawn
    written(read_runs([folder]), tmp_path / "b")
    assert (tmp_path / "b/figures/recall_test.svg").is_file()
    assert not list((tmp_path / "b/figures").glob("curves*"))


# What is pictured


def test_drawings_that_gained_and_lost_most(tmp_path: Path) -> None:
    before = {f"d{i}": [8.0] for i in range(20)}
    after = {f"d{i}": [float(1 + i)] for i in range(20)}  # d0 gained most, d19 lost most
    rest = {"val": {"e": [1]}, "train": {"f": [1]}}
    make_run(tmp_path / "s", before={"test": before, **rest}, after={"test": after, **rest})
    showing = choose(read_runs([tmp_path / "s"]), "baseline")
    assert showing is not None
    assert (showing.before, showing.after) == ("baseline", "lite-none")
    improved, worsened, sample = showing.parts
    assert [one.drawing_id for one in improved.found] == [f"d{i}" for i in range(6)]
    assert [one.drawing_id for one in worsened.found] == [f"d{i}" for i in range(19, 13, -1)]
    assert {one.drawing_id for one in sample.found} <= {f"d{i}" for i in range(6, 14)}


def test_the_best_model_is_chosen_by_val_and_never_by_test(tmp_path: Path) -> None:
    for aug, test, val in (("a", 1.0, 9.0), ("b", 9.0, 1.0)):
        sets = {"test": {"d": [test]}, "val": {"e": [val]}, "train": {"f": [1.0]}}
        base = {"test": {"d": [5.0]}, "val": {"e": [5.0]}, "train": {"f": [1.0]}}
        make_run(tmp_path / "s", aug, before=base, after=sets)
    results = read_runs([tmp_path / "s"])
    showing = choose(results, "baseline")
    assert showing is not None
    assert showing.after == "lite-b"
    # a reference that is the only trained model is set against the untrained one
    alone = combine([run for run in results.runs if run.model == "lite-a"])
    showing = choose(alone, "lite-a")
    assert showing is not None
    assert (showing.before, showing.after) == ("baseline", "lite-a")


def test_a_drawing_is_shown_on_its_first_split_by_the_lowest_seed(tmp_path: Path) -> None:
    for split, seed, rank in (("v1", 0, 3.0), ("v0", 5, 4.0), ("v0", 2, 6.0)):
        sets = {"test": {"d": [rank]}, "val": {"e": [1.0]}, "train": {"f": [1.0]}}
        make_run(tmp_path / "s", "none", split, seed, before=sets, after=sets)
    showing = choose(read_runs([tmp_path / "s"]), "baseline")
    assert showing is not None
    (part,) = showing.parts
    (one,) = part.found
    assert (one.split, one.rankings["lite-none"].first) == ("v0", 6.0)


@pytest.mark.usefixtures("no_figures")
def test_at_most_four_models_are_shown(tmp_path: Path) -> None:
    results = read_runs([make_study(tmp_path / "s", {f"a{i}": 1 + i for i in range(6)}, ["v0"])])
    showing = choose(results, "lite-a5")
    assert showing is not None
    assert showing.models == ["baseline", "lite-a5", "lite-a0", "lite-a1"]
    assert len(showing.models) == MODELS
    said = "4 of 7 models are shown; left out: lite-a2, lite-a3, lite-a4."
    assert said in written(results, tmp_path / "out", "lite-a5").text


def test_the_demo_is_found_by_its_settings(tmp_path: Path) -> None:
    demo = {"_target_": "drawsim.collection.demo.demo_root", "cache": str(tmp_path / "cache")}
    size = {"artworks": 8, "paired_artworks": 6, "pairs": 7, "unpaired_drawings": 1}
    sets = {"test": {"d": [1]}, "val": {"e": [1]}}
    settings = {"data": {"name": "demo", "demo": {**demo, **size}}}
    make_run(tmp_path / "s", before=sets, after=sets, settings=settings)
    runs = read_runs([tmp_path / "s"]).runs
    pictures, notes = find_pictures(runs)
    assert len(notes) == 1, "a run that is looked at makes no demo"
    assert not (tmp_path / "cache").exists()
    demo_root(tmp_path / "cache", **size)
    pictures, notes = find_pictures(runs)
    assert notes == []
    assert len(pictures.artworks) == 8
    assert all(path.is_file() for path in pictures.drawings.values())


# W&B


class FakeRun:
    """What `wandb.Api` gives for a run."""

    def __init__(self, name: str, split: str, state: str = "finished") -> None:
        self.name, self.state = name, state
        self.config = {"split": {"name": split}, "seed": 0, "backbone": {"name": "lite"}}
        scores = {"baseline": means({"d": [9]}), "final": means({"d": [3]})}
        self.summary: dict[str, Any] = {
            f"{stage}/test/{metric}": value
            for stage, values in scores.items()
            for metric, value in values.items()
        } | {"best_epoch": 1, "_runtime": 3.0, "queries": {"_type": "table-file"}}

    def scan_history(self) -> list[dict[str, Any]]:
        return [
            {"_step": 0, "epoch": 0, "val/mrr": 0.1, "val/loss": 0.5},
            {"_step": 1, "epoch": 1, "val/mrr": 0.3, "lr": 1e-4, "train/loss": 0.4},
            {"_step": 2, "system/memory": 3.0},
        ]


class FakeApi:
    def __init__(self, *runs: FakeRun) -> None:
        self.found = runs
        self.asked: tuple[str, dict[str, str]] | None = None

    def runs(self, path: str, filters: dict[str, str]) -> tuple[FakeRun, ...]:
        self.asked = (path, filters)
        return self.found


@pytest.mark.usefixtures("no_figures")
def test_a_group_of_wandb_is_compared_by_its_scores(tmp_path: Path) -> None:
    runs = [FakeRun(f"lite-{aug}-v{i}-seed0", f"v{i}") for aug in ("a", "b") for i in range(3)]
    api = FakeApi(*runs, FakeRun("lite-a-v9-seed0", "v9", "crashed"))
    results = combine(*read_group("we/drawsim/demo", api))
    assert api.asked == ("we/drawsim", {"group": "demo"})
    assert results.models == ["baseline", "lite-a", "lite-b"]
    assert results.notes == [
        "we/drawsim/demo/lite-a-v9-seed0 is not finished (crashed) and is left out."
    ]
    assert list(results.runs[0].epochs) == [
        {"epoch": 0, "val/mrr": 0.1, "val/loss": 0.5},
        {"epoch": 1, "val/mrr": 0.3, "lr": 1e-4, "train/loss": 0.4},
    ]
    text = written(results, tmp_path).text
    assert "only the scores of 3 splits are known" in text
    assert "What drawings find" not in text


def test_a_group_that_cannot_be_read() -> None:
    class Offline:
        def runs(self, path: str, filters: dict[str, str]) -> None:
            raise ConnectionError("no route to host\nand a long story")

    with pytest.raises(UserError, match=r"cannot be read \(no route to host\)\. Check the name"):
        read_group("we/drawsim/demo", Offline())
    with pytest.raises(UserError, match="no finished run in this group"):
        read_group("we/drawsim/demo", FakeApi())
    with pytest.raises(UserError, match="must be ENTITY/PROJECT/GROUP"):
        read_group("demo")
    foreign = FakeRun("gpt", "v0")
    del foreign.config["split"]
    with pytest.raises(UserError, match="gpt is no run of drawsim's"):
        read_group("we/drawsim/demo", FakeApi(foreign))


# The command


def test_one_source_is_wanted(study: Path) -> None:
    with pytest.raises(UserError, match="give one of runs="):
        read()
    with pytest.raises(UserError, match="give one of runs="):
        read(runs=[study], scores=["x.csv"])
    assert read(runs=[study]).models
