"""Motifs of trained runs on what demos planted: how right are the groups that are shown?

    python scripts/bench/motifs_demo.py FOLDER [--seeds 5] [--set explore.motifs.chance=0.1 …]

For each seed, as a user would: `drawsim.train` on the demo of that seed, unless it is done, and
`drawsim.explore view=motifs` on the run, all in FOLDER. Printed are the adjusted Rand index over
the drawings of the groups that are shown, and that over all drawings, those of no group each a
group of its own. The truth is what was planted, all other drawings each a group of its own; and,
in brackets, what was planted and which artwork a drawing is after. Training takes a quarter of an
hour a seed on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from drawsim.collection.demo.truth import read_truth
from drawsim.common.files import read_json

Ints = NDArray[np.int64]


def command(name: str, *settings: str) -> None:
    """Run a command of drawsim; what it prints is shown if it fails."""
    words = [sys.executable, "-m", f"drawsim.{name}", *settings]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")


def run_of(folder: Path, seed: int, cache: str) -> Path:
    """The run that was trained on the demo of a seed; trained now if it is not there."""
    command("train", "data=demo", f"data.demo.seed={seed}", f"seed={seed}", cache,
            f"out={folder / 'runs'}", "logger=csv")  # fmt: skip
    for config in sorted(folder.glob("runs/demo/*/config.yaml")):
        values = yaml.safe_load(config.read_text(encoding="utf-8"))
        if (values["data"]["demo"]["seed"], values["seed"]) == (seed, seed):
            return config.parent
    sys.exit(f"{folder}: no run of seed {seed}")


def labels(names: pd.Series[str], groups: dict[str, str], first: int) -> Ints:
    """The group of each drawing, of those that have none one of its own, from `first` on."""
    known = {group: first + place for place, group in enumerate(sorted(set(groups.values())))}
    alone = first + len(known)
    pairs = enumerate(names)
    return np.array([known[groups[n]] if n in groups else alone + row for row, n in pairs])


def scores(truth: Ints, found: Ints, shown: NDArray[np.bool_]) -> tuple[float, float]:
    """The adjusted Rand index of the drawings that are shown, and that of all."""
    within = adjusted_rand_score(truth[shown], found[shown]) if shown.any() else np.nan
    return within, adjusted_rand_score(truth, found)


def measured(folder: Path, seed: int, settings: list[str]) -> tuple[float, ...]:
    """All scores of one seed; says what was found."""
    cache = f"data.demo.cache={folder / 'demos'}"
    run, out = run_of(folder, seed, cache), folder / "found" / str(seed)
    command("explore", "view=motifs", f"run={run}", "data=demo", f"data.demo.seed={seed}", cache,
            f"out={out}", "explore.motifs.colours=false", *settings)  # fmt: skip
    (collection,) = (folder / "demos").glob(f"demo-*-600-100-130-30-6-seed{seed}")
    names = pd.read_csv(collection / "drawings.csv", dtype=str)["id"]
    pairs = pd.read_csv(collection / "pairs.csv")
    pairs = pairs[pairs["pair"]]
    planted = dict(read_truth(collection).motifs)
    after = dict(zip(pairs["drawing_id"], pairs["artwork_id"], strict=True))
    motifs = read_json(out / "motifs.json")["motifs"]
    groups = {name: motif["id"] for motif in motifs for name in motif["members"]}
    found, shown = labels(names, groups, 0), names.isin(list(groups)).to_numpy()
    right = names[shown].isin(list(planted)).sum()
    every = [scores(labels(names, truth, 0), found, shown) for truth in (planted, after | planted)]
    (within, of_all), (artworks, all_artworks) = every
    print(
        f"seed {seed}: {len(motifs)} groups in {shown.sum()} drawings, {right} of them of the "
        f"{len(planted)} planted; ARI shown {within:.3f} ({artworks:.3f}), of all {of_all:.3f} "
        f"({all_artworks:.3f}); sizes {[len(motif['members']) for motif in motifs]}",
        flush=True,
    )
    return within, artworks, of_all, all_artworks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--set", nargs="*", default=[], help="settings of explore")
    given = parser.parse_args()
    rows = [measured(given.folder.resolve(), seed, given.set) for seed in given.seeds]
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=min(1, len(rows) - 1))
    said = [f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, spread, strict=True)]
    within, artworks, of_all, all_artworks = said
    print(
        f"mean ± SD of {len(rows)} seeds: "
        f"ARI shown {within} ({artworks}), of all {of_all} ({all_artworks})"
    )


if __name__ == "__main__":
    main()
