"""Making the demo collection: many small pictures, written in parallel, in place all at once."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
from rich.progress import Progress

from drawsim.collection.demo.brush import paint
from drawsim.collection.demo.hand import draw
from drawsim.collection.demo.motifs import Motif
from drawsim.collection.demo.plan import Artwork, Plan, Size, make_plan
from drawsim.collection.demo.truth import LEAN_COLUMNS, LEANS, MEMBER_COLUMNS, MEMBERS, TRUTH
from drawsim.common.errors import UserError
from drawsim.common.files import user_cache
from drawsim.common.refusals import refusal

# Raise this when the same seed gives other pictures than before.
VERSION = 2

# The number under which a worker reports why it cannot go on.
FAILED = -1

_QUALITY = 88
# Below this many pictures a second process costs more than it saves.
_WORTH_A_PROCESS = 60
# Seconds after which a build that did not end is taken for dead. One takes well under a minute.
_ABANDONED = 3600


def make_demo(
    root: Path,
    *,
    artworks: int = 600,
    paired_artworks: int = 100,
    pairs: int = 130,
    unpaired_drawings: int = 30,
    motifs: int = 0,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> None:
    """Write a demo collection to the folder `root`; a finished one is left alone.

    Holds drawings.csv, artworks.csv, pairs.csv and the pictures they name (JPEG); and, of `motifs`
    that drawings without an artwork share, what `truth.read_truth` reads. The content depends on
    the counts and the seed alone. `workers` is the number of processes (all cores unless given). A
    build that is stopped leaves no `root`.
    Raises UserError if the counts contradict each other, if `root` holds something else, or if
    the disk does not take the files.
    """
    size = Size(artworks, paired_artworks, pairs, unpaired_drawings, motifs, seed)
    plan = make_plan(size)
    if _finished(root):
        return
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UserError(
            f"{root} exists and holds no demo collection: choose another folder or empty this one"
        )
    total = len(plan.items)
    if workers is None:
        workers = max(1, min(os.cpu_count() or 1, total // _WORTH_A_PROCESS))
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with _beside(root) as folder:
            for item in plan.items:
                (folder / item.path).parent.mkdir(parents=True, exist_ok=True)
            titles = {}
            with Progress(transient=True, disable=not progress) as bar:
                task = bar.add_task("painting the demo collection", total=total)
                for number, title in _render(folder, size, workers):
                    titles[number] = title
                    bar.advance(task)
            _write_tables(folder, plan, titles)
    except OSError as error:
        said = refusal(error) or f"{error}; free some disk space"
        raise UserError(
            f"the demo collection could not be written: {said}, or name another folder, "
            "data.demo.cache=DIR"
        ) from error


def demo_root(
    cache: Path | str | None = None,
    *,
    artworks: int = 600,
    paired_artworks: int = 100,
    pairs: int = 130,
    unpaired_drawings: int = 30,
    motifs: int = 0,
    seed: int = 0,
) -> Path:
    """The demo collection's folder in the cache, as `demo_folder` has it; made on first use.

    Raises UserError as `make_demo` does.
    """
    size = Size(artworks, paired_artworks, pairs, unpaired_drawings, motifs, seed)
    root = demo_folder(cache, **asdict(size))
    make_demo(root, **asdict(size))
    return root


def demo_folder(
    cache: Path | str | None = None,
    *,
    artworks: int = 600,
    paired_artworks: int = 100,
    pairs: int = 130,
    unpaired_drawings: int = 30,
    motifs: int = 0,
    seed: int = 0,
) -> Path:
    """Where a demo collection is kept, made or not.

    `cache` is the folder of drawsim among the user's caches unless given. The folder's name carries
    the counts, the seed and the generator's version.
    """
    if cache is None:
        cache = user_cache()
    counts = f"{artworks}-{paired_artworks}-{pairs}-{unpaired_drawings}-{motifs}"
    return Path(cache) / f"demo-v{VERSION}-{counts}-seed{seed}"


def render_share(folder: Path, size: Size, first: int, stride: int) -> Iterator[tuple[int, str]]:
    """Make and write every `stride`-th picture from `first` on; yield its number and title.

    Artworks are numbered first, drawings after them. The folders for them must be there.
    """
    items = make_plan(size).items
    for number in range(first, len(items), stride):
        item = items[number]
        scene, rng = item.scene(size.seed), item.stream(size.seed)
        if isinstance(item, Artwork):
            picture = paint(scene, item.artist, rng)
        else:
            picture = draw(scene, item.age, rng)
        done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        assert done
        (folder / item.path).write_bytes(data.tobytes())
        yield number, scene.title


def _render(folder: Path, size: Size, workers: int) -> Iterator[tuple[int, str]]:
    """Make and write all pictures in `workers` processes; yield each one's number and title.

    The workers are fresh interpreters rather than forks, which would inherit the threads of
    whatever library the caller has loaded, and rather than spawned by multiprocessing, which would
    run the caller's main module again.
    """
    if workers == 1:
        yield from render_share(folder, size, 0, 1)
        return
    module = "drawsim.collection.demo"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    read, write = os.pipe()
    running: list[subprocess.Popen[bytes]] = []
    try:
        for first in range(workers):
            job = json.dumps([str(folder), asdict(size), first, workers])
            command = [sys.executable, "-m", module, job]
            running.append(subprocess.Popen(command, stdout=write, env=environment))
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as lines:
            for line in lines:
                number, text = json.loads(line)
                if number == FAILED:
                    raise OSError(text)
                yield number, text
        if any(worker.wait() for worker in running):
            raise RuntimeError("a worker that paints the demo collection failed; see above")
    finally:
        for worker in running:
            worker.kill()
            worker.wait()


@contextlib.contextmanager
def _beside(root: Path) -> Iterator[Path]:
    """A temporary folder beside `root` that takes its place at the end, or goes away."""
    for left in root.parent.glob(f".{root.name}.*.part"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
    folder = root.with_name(f".{root.name}.{secrets.token_hex(4)}.part")
    folder.mkdir()
    try:
        yield folder
        # Another process may have made the same collection meanwhile; its folder is as good.
        if not _finished(root):
            folder.rename(root)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _finished(root: Path) -> bool:
    return (root / "pairs.csv").exists()


def _write_tables(folder: Path, plan: Plan, titles: dict[int, str]) -> None:
    _write_table(
        folder / "artworks.csv",
        ("id", "path", "artist", "title"),
        [(w.id, w.path, w.artist.name, titles[w.number]) for w in plan.artworks],
    )
    _write_table(
        folder / "drawings.csv",
        ("id", "path", "year", "age_group", "country"),
        [(d.id, d.path, str(d.year), d.age.group, d.country) for d in plan.drawings],
    )
    _write_table(
        folder / "pairs.csv",
        ("drawing_id", "artwork_id", "pair"),
        [(drawing, artwork, str(pair).lower()) for drawing, artwork, pair in plan.pairs],
    )
    planted = [(d.id, d.motif) for d in plan.drawings if d.motif is not None]
    if planted:
        _write_truth(folder, planted)


def _write_truth(folder: Path, planted: list[tuple[str, Motif]]) -> None:
    (folder / TRUTH).mkdir()
    _write_table(folder / MEMBERS, MEMBER_COLUMNS, [(key, motif.genre) for key, motif in planted])
    motifs = dict.fromkeys(motif for _, motif in planted)
    leans = [(motif.genre, *lean) for motif in motifs for lean in motif.leans]
    _write_table(folder / LEANS, LEAN_COLUMNS, leans)


def _write_table(path: Path, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
