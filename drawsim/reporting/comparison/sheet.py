"""What drawings find with one model and another: which to picture, and the sheet for a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.reporting.comparison.results import Results
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.figures import (
    COLOURS,
    DPI,
    FONT,
    WIDTH,
    Drawn,
    Tips,
    drawn,
    short_names,
    shortened,
)
from drawsim.reporting.kit.pages import format_rank
from drawsim.reporting.kit.pictures import load, placeholder
from drawsim.reporting.kit.sheets import wrapped
from drawsim.reporting.run.finished import Run, natural
from drawsim.reporting.run.reading import Ranking
from drawsim.runs.settings import data_root

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image

TOP = 10
MODELS = 4  # shown for a drawing at most
PICTURED = 6  # drawings of a part on the page
PRINTED = 4  # drawings of a part on the sheet for a paper

# The sheet, in inches
SIDE, SMALL, GAP, LABEL, LEFT = 1.02, 0.444, 0.042, 0.17, 2.36
CREDIT = 0.12  # of a line of rights
CREDITS = 200  # lines of them at most


@dataclass(frozen=True)
class Pictures:
    """Image files by id, of the collection that the runs were made on; empty if it is not there."""

    drawings: Mapping[str, Path] = field(default_factory=dict)
    artworks: Mapping[str, Path] = field(default_factory=dict)
    captions: Captions = field(default_factory=Captions)

    def file(self, kind: str, name: str) -> Path | None:
        """The file of a drawing or an artwork."""
        return (self.drawings if kind == "drawing" else self.artworks).get(name)


@dataclass(frozen=True)
class Found:
    """A drawing of the test set and how each model ranked the gallery for it, on one split."""

    drawing_id: str
    split: str
    rankings: dict[str, Ranking]

    @property
    def truths(self) -> list[str]:
        """Its true artworks, the nearest first."""
        return list(next(iter(self.rankings.values())).ranks)

    def gain(self, before: str, after: str) -> float:
        """By what factor the first true artwork stands higher with one model than with another."""
        return self.rankings[before].first / self.rankings[after].first


@dataclass(frozen=True)
class Part:
    """Drawings that are shown together."""

    name: str
    title: str
    found: list[Found]


@dataclass(frozen=True)
class Showing:
    """What is pictured: parts of the test set, and the models in the order of their rows."""

    before: str
    after: str
    models: list[str]
    parts: list[Part]


def find_pictures(runs: Sequence[Run]) -> tuple[Pictures, list[str]]:
    """The pictures of the runs' collection, or none and a note that says why."""
    root = data_root(runs[0].settings)
    try:
        if root is None:
            named = runs[0].settings["data"].get("root")
            raise UserError(str(named or "the demo was not made on this machine"))
        collection = Collection.open(root, tables=("drawings", "artworks"))
    except UserError as error:
        reason = str(error).splitlines()[0]
        return Pictures(), [f"Pictures are left empty, for the collection is not there: {reason}"]
    drawings = collection.paths("drawing", collection.drawings.index)
    return Pictures(drawings, collection.paths("artwork"), Captions.of(collection)), []


def choose(results: Results, reference: str) -> Showing | None:
    """Test drawings that gained and lost most from the reference to the best other model.

    The best is that of the highest MRR on val. Each drawing is shown on the first split that has it
    in test, with the runs of the lowest seed. None if no model but one has rankings.
    """
    others = [model for model in results.models if model != reference]
    trained = [model for model in others if model not in results.baselines] or others
    if not results.runs or not trained:
        return None
    best = max(trained, key=lambda model: _val_mrr(results, model))
    before, after = (best, reference) if best in results.baselines else (reference, best)
    ordered = [*results.baselines[:1], before, after, *results.models]
    models = list(dict.fromkeys(ordered))[:MODELS]
    found = _found(results, models)
    if not found:
        return None
    by_gain = sorted(found, key=lambda one: (-one.gain(before, after), one.drawing_id))
    improved = [one for one in by_gain if one.gain(before, after) > 1][:PICTURED]
    worsened = [one for one in reversed(by_gain) if one.gain(before, after) < 1][:PICTURED]
    taken = {one.drawing_id for one in (*improved, *worsened)}
    rest = [one for one in found if one.drawing_id not in taken]
    rest.sort(key=lambda one: (one.rankings[after].first, one.drawing_id))
    places = min(PICTURED, len(rest))
    sample = [rest[index * len(rest) // places] for index in range(places)]
    parts = [
        Part("improved", "Most improved", improved),
        Part("worsened", "Most worsened", worsened),
        Part("sample", "The rest" if places == len(rest) else "A sample of the rest", sample),
    ]
    return Showing(before, after, models, [part for part in parts if part.found])


def _val_mrr(results: Results, model: str) -> float:
    scores = results.scores
    own = (scores["model"] == model) & (scores["set"] == "val") & (scores["metric"] == "mrr")
    return float(scores.loc[own, "value"].mean())


def _found(results: Results, models: Sequence[str]) -> list[Found]:
    """Every test drawing that all these models ranked on one split."""
    found: dict[str, Found] = {}
    for split in results.splits:
        by_model = {model: _rankings(results, model, split) for model in models}
        shared = set.intersection(*(set(rankings) for rankings in by_model.values()))
        for drawing in sorted(shared, key=natural):
            rankings = {model: by_model[model][drawing] for model in models}
            found.setdefault(drawing, Found(drawing, split, rankings))
    return list(found.values())


def _rankings(results: Results, model: str, split: str) -> dict[str, Ranking]:
    stage = "baseline" if model in results.baselines else "final"
    runs = [
        run
        for run in results.runs
        if run.split == split and model == (run.untrained if stage == "baseline" else run.model)
    ]
    return min(runs, key=lambda run: run.seed).rankings(stage, "test") if runs else {}


# The sheet for a paper


def sheet_figure(part: Part, showing: Showing, pictures: Pictures, workers: int) -> Drawn:
    """Drawing, true artwork, and for each model its rank and the ten nearest artworks.

    Below them the rights in the pictures, as far as anything is said of them.
    """
    found = part.found[:PRINTED]
    rows = len(showing.models)
    block = max(rows * (LABEL + SMALL + 0.09), SIDE + 0.3) + 0.16
    images = _images(found, pictures, workers)
    thanks = _credits(images, pictures.captions)
    pictured = block * len(found)
    height = pictured + CREDIT * len(thanks)

    def plot(figure: Figure) -> Tips:
        figure.set_layout_engine("none")
        figure.set_dpi(DPI)  # of the pictures inside the SVG
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        for number, one in enumerate(found):
            _block(axes, number * block, one, showing, images, pictures.captions)
        for number, line in enumerate(thanks, 1):
            _words(axes, 0, pictured + CREDIT * (number - 0.3), line, COLOURS["soft"], -2.5)
        axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        return {}

    title = f"{part.title} from {showing.before} to {showing.after}"
    return drawn(f"drawings_{part.name}", title, (WIDTH, height), plot)


Images = Mapping[tuple[str, str], "Image.Image | None"]


def _images(found: Sequence[Found], pictures: Pictures, workers: int) -> Images:
    """(kind, id) -> picture, those that stand in rows small."""
    drawings = {("drawing", one.drawing_id) for one in found}
    truths = {("artwork", one.truths[0]) for one in found}
    nearest = {
        ("artwork", artwork)
        for one in found
        for ranking in one.rankings.values()
        for artwork in ranking.top_ids[:TOP]
    }
    images: dict[tuple[str, str], Image.Image | None] = {}
    for keys, side in ((nearest, SMALL), (drawings | truths, SIDE)):
        files = {key: file for key in sorted(keys) if (file := pictures.file(*key))}
        loaded = load(list(files.values()), workers, round(side * DPI))
        images |= dict(zip(files, loaded, strict=True))
    return images


def _credits(images: Images, captions: Captions) -> list[str]:
    """The rights in these pictures in lines as wide as the sheet, each with what it is said of."""
    said: dict[str, list[str]] = {}
    for key, image in images.items():
        caption = captions(*key)
        if image is not None and caption.rights.line:
            said.setdefault(caption.rights.line, []).append(caption.line)
    told = [f"{line}: {'; '.join(sorted(names, key=natural))}" for line, names in said.items()]
    width = 0.95 * 72 * WIDTH  # points; matplotlib sets letters a little wider than they are
    return [part for one in sorted(told) for part in wrapped(one, FONT - 2.5, width, CREDITS)]


def _block(
    axes: Axes, top: float, one: Found, showing: Showing, images: Images, captions: Captions
) -> None:
    truth = one.truths[0]
    for x, key, caption in (
        (0.0, ("drawing", one.drawing_id), captions("drawing", one.drawing_id).line),
        (SIDE + 0.12, ("artwork", truth), captions("artwork", truth).line),
    ):
        _picture(axes, images.get(key), x, top + LABEL, SIDE)
        _words(axes, x, top + LABEL + SIDE + 0.13, shortened(caption, 19), COLOURS["soft"], -2.5)
    _words(axes, 0, top + LABEL - 0.05, f"drawing, split {one.split}", COLOURS["soft"], -1.5)
    _words(axes, SIDE + 0.12, top + LABEL - 0.05, "true artwork", COLOURS["soft"], -1.5)
    short = short_names(showing.models, 40)
    for row, model in enumerate(showing.models):
        ranking = one.rankings[model]
        y = top + LABEL + row * (LABEL + SMALL + 0.09)
        label = f"{short[model]}: rank {format_rank(ranking.first)}"
        _words(axes, LEFT, y - 0.05, label, COLOURS["ink"], -1.5)
        for place, artwork in enumerate(ranking.top_ids[:TOP]):
            x = LEFT + place * (SMALL + GAP)
            _picture(
                axes, images.get(("artwork", artwork)), x, y, SMALL, framed=artwork in ranking.ranks
            )


def _picture(
    axes: Axes, image: Image.Image | None, x: float, y: float, side: float, *, framed: bool = False
) -> None:
    """A picture in the middle of a square tile, with a frame if it is true."""
    from matplotlib.patches import Rectangle

    shown = image or placeholder()
    scale = side / max(shown.size)
    width, height = shown.width * scale, shown.height * scale
    left, upper = x + (side - width) / 2, y + (side - height) / 2
    axes.add_patch(Rectangle((x, y), side, side, facecolor=COLOURS["tile"], linewidth=0))
    extent = (left, left + width, upper + height, upper)
    axes.imshow(np.asarray(shown.convert("RGB")), extent=extent, aspect="auto", zorder=2)
    if framed:
        green = COLOURS["true"]
        axes.add_patch(
            Rectangle((x, y), side, side, edgecolor=green, fill=False, linewidth=2.0, zorder=3)
        )


def _words(axes: Axes, x: float, y: float, text: str, colour: str, size: float) -> None:
    axes.text(x, y, text, color=colour, fontsize=FONT + size)
