"""A sweep of small runs by each launcher, against the same one after the other.

    python scripts/bench/launchers.py [--jobs 12] [--launchers joblib submitit_local ray two_nodes]
    python scripts/bench/launchers.py --splits

Small runs of the small demo, one epoch, a core each, over seeds or over the splits v0 .. v10;
two_nodes is a Ray cluster of two machines of a core, which are processes of this one. For each
launcher: seconds from start to end; of these, the start of the command (and of Ray) and its end;
the time that the runs themselves took, side by side; what is left beyond that; and whether the
metrics are those of the serial sweep, digit for digit. Target: Ray's rest is 5 s at most.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (
    *("-m", "+experiment=tiny", "study=bench", "trainer.max_epochs=1", "logger=csv", "workers=0"),
    "~callbacks.progress",
)
ENDED = re.compile(r"^ *\d+/\d+ .* ([\d.]+) s$", re.MULTILINE)
ALL = re.compile(r"^\d+ runs? done, ([\d.]+) s$", re.MULTILINE)


def sweep(out: Path, cache: Path, over: str, *settings: str) -> tuple[float, str]:
    """Seconds of a sweep, and what it said."""
    command = [sys.executable, "-m", "drawsim.train", *SETTINGS, f"out={out}", over]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, f"data.demo.cache={cache}", *settings],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )
    return time.perf_counter() - began, done.stderr


@contextmanager
def launcher(name: str) -> Iterator[list[str]]:
    """The settings that choose a launcher; a cluster that it needs is there meanwhile."""
    if name != "two_nodes":
        yield [f"hydra/launcher={name}"]
        return
    os.environ.setdefault("RAY_worker_niceness", "0")
    from ray.cluster_utils import Cluster

    own: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**own, "include_dashboard": False})
    try:
        cluster.add_node(**own)
        yield ["hydra/launcher=ray", f"hydra.launcher.address={cluster.address}"]
    finally:
        cluster.shutdown()


def results(out: Path) -> dict[str, Any]:
    """The final metrics of each run."""
    files = sorted(out.glob("bench/*/metrics.json"))
    return {file.parent.name: json.loads(file.read_text())["final"] for file in files}


def main() -> None:
    """Measure, and print a line for each launcher."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--splits", action="store_true", help="eleven runs, one of each split")
    parser.add_argument("--launchers", nargs="*", default=["joblib", "submitit_local", "ray"])
    parser.add_argument("--cache", type=Path, help="where the demo is kept")
    arguments = parser.parse_args()
    over = f"seed={','.join(map(str, range(arguments.jobs)))}"
    over = "split=glob(v*)" if arguments.splits else over
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        cache = arguments.cache or root / "cache"
        serial, _ = sweep(root / "serial", cache, over)
        expected = results(root / "serial")
        print(f"{len(expected)} runs; serial {serial:.1f} s", flush=True)
        for name in arguments.launchers:
            with launcher(name) as settings:
                taken, said = sweep(root / name, cache, over, *settings)
            side = len(os.sched_getaffinity(0))
            own = sum(float(found) for found in ENDED.findall(said)) / side
            whole = float(ALL.findall(said)[-1])
            same = results(root / name) == expected
            print(
                f"{name:16} {taken:6.1f} s: start and end {taken - whole:5.1f}, runs {own:5.1f} "
                f"({side} at a time), rest {whole - own:5.1f}   same metrics: {same}",
                flush=True,
            )


if __name__ == "__main__":
    main()
