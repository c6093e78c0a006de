"""How large the page of motifs becomes, how long it takes to write, to open and to search.

    python scripts/bench/motifs_page.py [--drawings 90000] [--share 0.4] [--browser CHROMIUM]

Motifs of random sizes, from 3 to thousands, hold that share of the drawings; three in a hundred of
the tests of who draws them are findings. The pictures are a few hundred of random blobs, each the
scan of many drawings: what they show costs nothing, writing and showing them what real ones cost.
It needs Playwright.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

from drawsim.collection.demo.plan import COUNTRIES
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.folder import Folder
from drawsim.reporting.motifs.page import write_motifs_page
from drawsim.reporting.motifs.view import MotifsView, found_of
from drawsim.retrieval.motifs.files import WHO_COLUMNS, Motif, Motifs, empty_who
from drawsim.retrieval.motifs.sources import Near, Sources

SCANS = 300
TESTS = 12
PAINTED = "document.querySelector('.motif img')?.naturalWidth > 0"


def scans(folder: Path, rng: np.random.Generator) -> list[Path]:
    """Pictures of 600 pixels: blobs of colour, as rich as a drawing."""
    folder.mkdir()
    files = []
    for number in range(SCANS):
        coarse = rng.integers(0, 256, (40, 50, 3), np.uint8)
        files.append(folder / f"{number}.jpg")
        picture = cv2.resize(coarse, (600, 480), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(files[-1]), picture)
    return files


def motifs(names: list[str], share: float, rng: np.random.Generator) -> tuple[Motif, ...]:
    """Groups of the first names: as many as the share allows, the largest first."""
    left, sizes = round(share * len(names)), []
    while left >= 3:
        size = min(left, 3 + int(rng.pareto(0.9) * 3), 4000)
        sizes.append(size)
        left -= size
    found, start = [], 0
    for number, size in enumerate(sorted(sizes, reverse=True), start=1):
        members = tuple(names[start : start + size])
        found.append(Motif(str(number), members, members[0], float(rng.uniform(0.75, 1))))
        start += size
    return tuple(found)


def who(found: tuple[Motif, ...], rng: np.random.Generator) -> pd.DataFrame:
    """A table of as many tests of each motif as there are for countries and ages."""
    rows = []
    for motif in found:
        for code in rng.choice(COUNTRIES, TESTS, replace=False):
            count = int(rng.integers(1, motif.size + 1))
            p = float(rng.random())
            q = p / 100 if p < 0.03 else 0.5 + p / 2
            known = (motif.size, count / rng.uniform(0.5, 4))
            rows.append((motif.id, "country", str(code), count, *known, 2.0, 0.9, 4.1, p, q))
    return pd.DataFrame(rows, columns=list(WHO_COLUMNS))


def view(drawings: int, share: float, folder: Path) -> MotifsView:
    """All that the page shows."""
    rng = np.random.default_rng(0)
    codes = rng.choice(COUNTRIES, drawings)
    years = rng.integers(1990, 2021, drawings).astype(str)
    names = [f"{years[n]}_10-13_{n:06d}_{codes[n]}_R_C" for n in range(drawings)]
    table = pd.DataFrame({"country": codes, "year": years}, index=pd.Index(names, name="id"))
    found = motifs(names, share, rng)
    files = scans(folder / "scans", rng)
    every = {("drawing", name): files[n % SCANS] for n, name in enumerate(names)}
    every |= {("artwork", f"artwork {n}"): file for n, file in enumerate(files)}
    near = {
        motif.id: [Near(f"artwork {n}", 0.3, 1, 0) for n in rng.choice(SCANS, 3, replace=False)]
        for motif in found
    }
    tests = who(found, rng)
    alone = found_of(tests, 0.05)
    alone["value"] = [(value,) for value in alone["value"]]
    return MotifsView(
        "synthetic",
        Motifs(found, drawings, 10, "synthetic", "none", "0" * 64),
        tests,
        alone.rename(columns={"value": "values"}),
        empty_who(),
        table,
        every,
        Captions({"drawing": table}),
        "none",
        Sources(near, dict.fromkeys(near, 0), SCANS),
    )


def opened(page: Path, browser: str | None) -> dict[str, float]:
    """Seconds until the first picture is there, of a search, and of all that is scrolled to."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = chromium.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        start = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_function("document.querySelectorAll('.motif').length > 0")
        listed = time.perf_counter() - start
        tab.locator("#motifs").scroll_into_view_if_needed()
        tab.wait_for_function(PAINTED)
        painted = time.perf_counter() - start
        start = time.perf_counter()
        tab.locator("#find").fill("tur 1998")
        tab.wait_for_function("document.getElementById('count').textContent.includes(' of ')")
        searched = time.perf_counter() - start
        heap = tab.evaluate("performance.memory.usedJSHeapSize") / 1e6
        chromium.close()
    return {"listed s": listed, "painted s": painted, "searched s": searched, "heap MB": heap}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=int, default=90_000)
    parser.add_argument("--share", type=float, default=0.4, help="of the drawings, in motifs")
    parser.add_argument("--browser", help="the program; Playwright's own unless given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shown = view(options.drawings, options.share, folder)
        start = time.perf_counter()
        page = write_motifs_page(shown, Folder(folder / "out", "motifs"), 2)
        seconds = time.perf_counter() - start
        thumbnails = [file.stat().st_size for file in (folder / "out").rglob("*.webp")]
        sizes = [motif.size for motif in shown.found.motifs]
        counts = f"{len(sizes):,} motifs of {min(sizes)} to {max(sizes):,}"
        print(f"{options.drawings:,} drawings, {counts}")
        print(f"page: {page.stat().st_size / 1e6:.1f} MB, written in {seconds:.0f} s")
        print(f"thumbnails: {len(thumbnails):,}, {sum(thumbnails) / 1e6:.0f} MB")
        for what, value in opened(page, options.browser).items():
            print(f"{what}: {value:.2f}")


if __name__ == "__main__":
    main()
