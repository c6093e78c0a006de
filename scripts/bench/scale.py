"""A million artworks and more on one machine: what an index of codes takes, and how that grows.

    python scripts/bench/scale.py --embeddings FILE [--sizes 10000 100000 1000000] [--out DIR]

FILE: embeddings of real images (a .safetensors that drawsim embed wrote), of which the first 1,280
dimensions are multiplied with small noise to each size, as float16. Each size is indexed with
ann=ivfpq in a process of its own (targets at a million: recall@100 0.95, 50 ms a query on one
core). Then time and disk are fitted as constant × n^exponent to the last two sizes, with the
exponent 1 at least (codes that are read grow as n, and other work on the machine must not hide it),
and memory as a line; and extrapolated to ten and a hundred million. A million takes 6 GB in DIR,
and 8 minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from drawsim.common.machine import prepare

prepare()
# ruff: noqa: E402

import numpy as np
import torch
from torch.nn.functional import normalize

from drawsim.retrieval.embeddings import Embeddings, load_embeddings
from drawsim.retrieval.index.backends import ann_settings
from drawsim.retrieval.index.folder import build_index, open_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery

DIMENSIONS = 1280
NOISE = 0.1
"""Length of the noise that is added to a vector of length 1."""
BEYOND = (10_000_000, 100_000_000)
QUERIES = 50
SHOWN = ("build", "memory", "disk", "codes", "query", "recall@10", "recall@100")


def main() -> None:
    """Measure each size, fit, extrapolate, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--embeddings", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--out", type=Path, help="a folder with room; by default a temporary one")
    arguments = parser.parse_args()
    print("       vectors   build s  memory MB    disk MB   codes MB  query ms    @10    @100")
    found = []
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(dir=arguments.out) as folder:
            found.append(apart(arguments.embeddings, size, Path(folder)))
        show(found[-1], "measured")
    for size in BEYOND if len(found) > 1 else ():
        show(extrapolated(found[-2], found[-1], size), "on paper")


def apart(file: Path, size: int, folder: Path) -> dict[str, float]:
    """What a process of its own measures."""
    result = folder / "result.json"
    process = multiprocessing.get_context("spawn").Process(
        target=measure, args=(file, size, folder, result)
    )
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{size:,} vectors: failed")
    found: dict[str, float] = json.loads(result.read_text())
    return found


def measure(file: Path, size: int, folder: Path, result: Path) -> None:
    """Build an index of so many vectors, open it and search it."""
    vectors = multiplied(file, size + QUERIES, folder / "vectors.bin")
    model = EmbeddingModel("multiplied", "none", "none", DIMENSIONS)
    gallery = Gallery(Embeddings([f"artwork_{i}" for i in range(size)], vectors[:size]), model)
    memory = Memory()
    began = time.perf_counter()
    build_index(folder / "index", {"artwork": gallery}, ann=ann_settings("ivfpq", {}))
    taken = time.perf_counter() - began
    peak = memory.most()
    part = open_index(folder / "index").part("artwork")
    assert part.measured is not None
    torch.set_num_threads(1)
    import faiss

    faiss.omp_set_num_threads(1)
    times = []
    for query in vectors[size:].float():
        began = time.perf_counter()
        part.ann.top_k(query[None], 100)
        times.append(time.perf_counter() - began)
    codes = part.file("ivfpq").stat().st_size
    record: dict[str, Any] = {
        "vectors": size,
        "build": taken,
        "memory": peak / 1e6,
        "disk": sum(each.stat().st_size for each in part.files) / 1e6,
        "codes": codes / 1e6,
        "query": 1000 * statistics.median(times[1:]),
        **{f"recall@{k}": share for k, share in part.measured.recall.items()},
    }
    result.write_text(json.dumps(record))


class Memory:
    """Memory of this process less what is mapped from files, looked at twenty times a second."""

    def __init__(self) -> None:
        self.highest = 0
        self.over = threading.Event()
        self.watcher = threading.Thread(target=self._watch)
        self.watcher.start()

    def _watch(self) -> None:
        while not self.over.wait(0.05):
            lines = Path("/proc/self/status").read_text().splitlines()
            held = next(line for line in lines if line.startswith("RssAnon"))
            self.highest = max(self.highest, int(held.split()[1]) * 1024)

    def most(self) -> int:
        """Bytes at most, until now."""
        self.over.set()
        self.watcher.join()
        return self.highest


def multiplied(file: Path, size: int, place: Path) -> torch.Tensor:
    """Noisy copies of real embeddings, (size, 1280) float16, unit rows, in a mapped file."""
    real = normalize(load_embeddings(file).vectors[:, :DIMENSIONS].float())
    copies = np.memmap(place, dtype=np.float16, mode="w+", shape=(size, DIMENSIONS))
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(size, generator=generator) % len(real)
    for start in range(0, size, 10_000):
        some = real[order[start : start + 10_000]]
        noise = normalize(torch.randn(some.shape, generator=generator))
        copies[start : start + len(some)] = normalize(some + NOISE * noise).half().numpy()
    copies.flush()
    return torch.from_numpy(copies)


def extrapolated(
    smaller: dict[str, float], larger: dict[str, float], size: int
) -> dict[str, float]:
    """What the last two sizes say of a larger one. Recall is not extrapolated."""
    grown = {"vectors": float(size)}
    first, last = smaller["vectors"], larger["vectors"]
    for name in SHOWN[:5]:
        exponent = math.log(larger[name] / smaller[name]) / math.log(last / first)
        grown[name] = larger[name] * (size / last) ** max(1.0, exponent)
    slope = max(0.0, larger["memory"] - smaller["memory"]) / (last - first)
    grown["memory"] = larger["memory"] + slope * (size - last)
    return grown


def show(found: dict[str, float], how: str) -> None:
    """A line of the table."""
    cells = f"{found['vectors']:14,.0f} {found['build']:9,.1f} {found['memory']:10,.0f}"
    cells += f" {found['disk']:10,.0f} {found['codes']:10,.0f} {found['query']:9,.1f}"
    recall = "  ".join(f"{found[name]:.4f}" for name in SHOWN[5:] if name in found)
    print(f"{cells}  {recall}  {how}", flush=True)


if __name__ == "__main__":
    main()
