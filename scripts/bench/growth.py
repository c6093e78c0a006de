"""How time and memory grow with a collection: each step at 9,000, 90,000 and 900,000 drawings.

    python scripts/bench/growth.py [--sizes 9000 90000 900000] [--images-up-to 90000]
                                   [--steps open index …] [--plot growth.png]

Artworks are five for nine drawings (90,000 × 50,000), half of the drawings have a pair, one in
nine was judged. Images are 24 × 18 pixels; embeddings 64 random numbers. Each step runs in a
process of its own. Seconds are those of the processor, which other programs on the machine do not
lengthen; MiB what the step took beyond what was there when it began. The exponent is the slope of
log(seconds) over log(drawings) between the two largest sizes: n log n has about 1.1 here.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from omegaconf import OmegaConf

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drawsim.collection.splits import load_split
from drawsim.collection.tables import Collection
from drawsim.common.configuration import compose
from drawsim.pixels.duplicates import DISTANCE
from drawsim.pixels.hamming import close_hashes
from drawsim.retrieval.analysis.projection import project_together
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.folder import build_index, open_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.web.events.database import connect
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from drawsim.web.queue.finder import Finder
from drawsim.web.queue.queue import Queue, Wish
from drawsim.web.review.export import export_all
from drawsim.web.review.standing import Standings
from drawsim.workflows.explore import ExploreSettings, explore
from drawsim.workflows.prepare import prepare

SIZES = (9_000, 90_000, 900_000)
IMAGES_UP_TO = 90_000
DIMENSIONS = 64
BEND = 1.15
"""An exponent above which a step grows faster than n log n: 1.1 between these sizes, and noise."""
TOO_SHORT = 0.5
"""Seconds below which an exponent says little: what does not grow is still a part of them."""


class Cost(NamedTuple):
    """Seconds of the processor, and MiB at most beyond those at the beginning."""

    seconds: float
    mebibytes: float


class Step(NamedTuple):
    """A step on the folder of a world; what it returns is done and measured after the first."""

    run: Callable[[Path], Callable[[], object]]
    reads_images: bool = False


def make_world(folder: Path, drawings: int, images: bool) -> None:
    """A collection of many rows, an index of it, and what four people have judged."""
    counts = {"drawing": drawings, "artwork": drawings * 5 // 9}
    rng = np.random.default_rng(0)
    for kind, count in counts.items():
        paths = [f"{kind}s/{i % 999}/{kind}{i}.png" for i in range(count)]
        rows = [f"{kind}{i},{path}\n" for i, path in enumerate(paths)]
        (folder / f"{kind}s").mkdir(parents=True)
        (folder / f"{kind}s.csv").write_text("id,path\n" + "".join(rows), encoding="utf-8")
        for part in range(min(999, count)):
            (folder / f"{kind}s/{part}").mkdir()
        for path in paths if images else ():
            coarse = rng.integers(0, 256, (4, 5, 3), np.uint8)
            cv2.imwrite(str(folder / path), cv2.resize(coarse, (24, 18)))
    pairs = [f"drawing{i},artwork{i % counts['artwork']},true\n" for i in range(0, drawings, 2)]
    text = "drawing_id,artwork_id,pair\n" + "".join(pairs)
    (folder / "pairs.csv").write_text(text, encoding="utf-8")
    answer(folder, drawings // 9)


def answer(folder: Path, answers: int) -> None:
    """Four people have judged some drawings, each with five candidates seen and two grades."""
    engine = connect(f"sqlite:///{folder / 'annotations.sqlite'}")
    store, made_with = EventStore(engine), MadeWith("random", "0" * 64)
    for who in range(4):
        drafts = []
        for number in range(who, answers, 4):
            drawing = f"drawing{number}"
            seen = tuple(f"artwork{(number + each) % (answers // 2)}" for each in range(5))
            for each, grade in enumerate(("same work", "different")):
                about = {"drawing_id": drawing, "artwork_id": seen[each], "grade": grade}
                key = f"grade-{number}-{each}"
                drafts.append(Draft(key, "grade", "drawing", **about))  # type: ignore[arg-type]
            key = f"answer-{number}"
            drafts.append(Draft(key, "done", "drawing", drawing, shown_ids=seen, seconds=9.0))
        for start in range(0, len(drafts), 5000):
            store.save(f"person{who}", drafts[start : start + 5000], made_with)
    engine.dispose()


# Steps: what is there before, then what is measured


def opened(world: Path) -> Callable[[], object]:
    return lambda: Collection.open(world)


def split(world: Path) -> Callable[[], object]:
    return partial(load_split, Collection.open(world), "v0")


def prepared(world: Path) -> Callable[[], object]:
    chosen = compose("prepare", ["step=drawings", "scheme=plain", "step.config_folders=[]"])
    step: Any = OmegaConf.to_container(chosen, resolve=True)
    out = fresh(world / "prepared")
    return lambda: prepare(step["step"], world / "drawings", out, 1)


def checked(world: Path) -> Callable[[], object]:
    step: Any = OmegaConf.to_container(compose("prepare", ["step=check"]).step, resolve=True)
    return lambda: prepare(step, world, world / "checked", 1)


def seen(world: Path, view: str) -> Callable[[], object]:
    out = fresh(world / view)
    own = ["data=folder", f"data.root={world}", f"view={view}", f"out={out}", "workers=1"]
    settings: Any = OmegaConf.to_container(compose("explore", own), resolve=True)
    return lambda: explore(ExploreSettings.of(settings))


def mapped(world: Path) -> Callable[[], object]:
    groups = [gallery.embeddings.vectors.numpy() for gallery in galleries(world).values()]
    return lambda: project_together(groups)


def alike(world: Path) -> Callable[[], object]:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, len(galleries(world)["drawing"].embeddings.ids), np.uint64)
    hashes[1::50] = hashes[::50][: len(hashes[1::50])] ^ np.uint64(0b1010101)
    return lambda: list(close_hashes(hashes, DISTANCE))


def galleries(world: Path) -> dict[str, Gallery]:
    """Random unit vectors for every image."""
    generator = torch.Generator().manual_seed(0)
    model = EmbeddingModel("random", "none", "none", DIMENSIONS)
    collection = Collection.open(world)
    made = {}
    for kind, table in (("drawing", collection.originals), ("artwork", collection.artworks)):
        vectors = torch.randn(len(table), DIMENSIONS, generator=generator)
        unit = torch.nn.functional.normalize(vectors)
        made[kind] = Gallery(Embeddings(list(table.index), unit), model, table)
    return made


def indexed(world: Path) -> Callable[[], object]:
    found, folder = galleries(world), fresh(world / "index")
    return lambda: build_index(folder, found, world)


def app(world: Path) -> tuple[Queue, EventStore, Collection]:
    """The parts of the app that know the collection, as `drawsim annotate` makes them."""
    collection, index = Collection.open(world), open_index(world / "index")
    index.check_collection(collection)
    finder = Finder([index], None, collection)
    engine = connect(f"sqlite:///{world / 'annotations.sqlite'}")
    queue = Queue(engine, finder.tables, lambda kind: np.zeros(len(finder.tables[kind])))
    return queue, EventStore(engine), collection


def started(world: Path) -> Callable[[], object]:
    return partial(app, world)


def claimed(world: Path) -> Callable[[], object]:
    queue, _, _ = app(world)
    return lambda: queue.claim("ada", Wish())


def counted(world: Path) -> Callable[[], object]:
    _, store, collection = app(world)
    return lambda: Standings(store, collection).latest()


def exported(world: Path) -> Callable[[], object]:
    _, store, collection = app(world)
    return partial(export_all, store, collection, world / "exported")


def fresh(folder: Path) -> Path:
    """A path at which nothing lies."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


STEPS = {
    "prepare": Step(prepared, reads_images=True),
    "open": Step(opened),
    "check": Step(checked, reads_images=True),
    "split": Step(split),
    "explore": Step(partial(seen, view="report"), reads_images=True),
    "explore duplicates": Step(partial(seen, view="duplicates"), reads_images=True),
    "duplicates of hashes": Step(alike),
    "map": Step(mapped),
    "index": Step(indexed),
    "start of the app": Step(started),
    "first claim": Step(claimed),
    "progress": Step(counted),
    "export": Step(exported),
}


def spent() -> float:
    """Seconds of the processor that this process and its children have had."""
    found = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in found)


def memory(name: str) -> float:
    """MiB of this process by the kernel's account: VmRSS now, VmHWM at most since it was reset."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def cost(step: Step, world: Path, told: Any) -> None:
    """Do a step, and tell its cost."""
    work = step.run(world)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins anew
    before, began = memory("VmRSS"), spent()
    kept = work()
    told.send(Cost(spent() - began, memory("VmHWM") - before))
    del kept


def measured(step: Step, world: Path) -> Cost:
    """The cost of a step in a process of its own, which has imported everything."""
    processes = multiprocessing.get_context("fork")
    receiving, sending = processes.Pipe(duplex=False)
    process = processes.Process(target=cost, args=(step, world, sending))
    process.start()
    sending.close()
    try:
        found: Cost = receiving.recv()
    except EOFError:
        sys.exit("the step failed, its error is above")
    finally:
        process.join()
    return found


def exponent(costs: dict[int, Cost]) -> float:
    """The slope of log(seconds) over log(drawings) between the two largest sizes; NaN for one."""
    if len(costs) < 2:
        return math.nan
    (n, first), (m, second) = sorted(costs.items())[-2:]
    return math.log(second.seconds / max(first.seconds, 1e-6)) / math.log(m / n)


def row(name: str, costs: dict[int, Cost], sizes: list[int]) -> str:
    """A line of the table."""
    cells = [
        f"{costs[n].seconds:,.2f} s, {costs[n].mebibytes:,.0f} MiB" if n in costs else "–"
        for n in sizes
    ]
    slope = exponent(costs)
    bends = slope > BEND and costs[max(costs)].seconds > TOO_SHORT
    shown = "" if math.isnan(slope) else f"{slope:.2f}{' bends' if bends else ''}"
    return f"| {name} | {' | '.join(cells)} | {shown} |"


def plot(found: dict[str, dict[int, Cost]], file: Path) -> None:
    """Seconds and MiB over drawings, both logarithmic, with a line of n log n."""
    from matplotlib.figure import Figure

    figure = Figure((10, 4.5), layout="constrained")
    axes = figure.subplots(1, 2)
    for field, axis, label in zip(Cost._fields, axes, ("seconds", "MiB"), strict=True):
        for name, costs in found.items():
            sizes = sorted(costs)
            values = [max(getattr(costs[n], field), 1e-3) for n in sizes]
            axis.plot(sizes, values, marker="o", label=name)
        sizes = sorted({n for costs in found.values() for n in costs})
        line = [1e-5 * n * math.log(n) for n in sizes]
        axis.plot(sizes, line, color="black", linestyle=":", label="n log n")
        axis.set(xscale="log", yscale="log", xlabel="drawings", ylabel=label)
    axes[1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file, dpi=130)


def main() -> None:
    """Measure, print a table, and draw it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--images-up-to", type=int, default=IMAGES_UP_TO)
    parser.add_argument("--steps", nargs="+", default=list(STEPS), choices=STEPS)
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    found: dict[str, dict[int, Cost]] = {name: {} for name in asked.steps}
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as name:
            world, images = Path(name), size <= asked.images_up_to
            make_world(world, size, images and any(STEPS[s].reads_images for s in asked.steps))
            measured(STEPS["index"], world)  # others begin with it
            for step in asked.steps:
                if images or not STEPS[step].reads_images:
                    began = time.perf_counter()
                    found[step][size] = measured(STEPS[step], world)
                    taken = time.perf_counter() - began
                    print(f"{size:,} {step}: {taken:.0f} s on the clock", file=sys.stderr)
    print(f"| step | {' | '.join(f'{n:,}' for n in asked.sizes)} | exponent |")
    print(f"|---|{'---|' * len(asked.sizes)}---|")
    for name, costs in found.items():
        print(row(name, costs, list(asked.sizes)))
    if asked.plot:
        plot(found, asked.plot)


if __name__ == "__main__":
    main()
