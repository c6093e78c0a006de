"""How long `drawsim prepare step=drawings` takes for an archive of scans, and how much memory.

    python scripts/bench/scan_names.py
    python scripts/bench/scan_names.py --scans 20000 --deflated

It makes its own archive in a temporary folder: zip archives by year within zip archives within one,
each scan a file of a few bytes, for names are all that is read. The goal is 180,000 scans in under
120 s and 1024 MiB.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path

YEARS = range(1994, 2021)
AGES = ("3-5", "6-9", "10-13", "14-17", "18-25", "MS")
COUNTRIES = ("FRA", "POL", "LTU", "SRI", "LET", "UKR", "ROM", "EST", "MYS", "MEX", "YOU", "")
PARTS = 6  # archives in the outermost


def names(scans: int, seed: int = 0) -> list[str]:
    """File names of sheets, two scans each; a few of every hundred deviate as real ones do."""
    rng = random.Random(seed)
    made = []
    for number in range(scans // 2):
        head = f"{rng.choice(YEARS)}_{rng.choice(AGES)}"
        sheet = f"{head}_{number:05}_{rng.choice(COUNTRIES)}"
        kind = rng.random()
        if kind < 0.02:
            sheet += f"_{rng.choice('abc')}"
        if kind > 0.99:
            made += [f"{head}_{number}.jpg", f"{head}_{number}_2.jpg"]
        else:
            made += [f"{sheet}_{side}_C.jpg" for side in "RV"]
    return made


def make_archive(path: Path, scans: int, compression: int) -> None:
    """Zip archives by year, within zip archives, within one."""
    every = names(scans)
    with zipfile.ZipFile(path, "w", compression) as outermost:
        for part in range(PARTS):
            data = BytesIO()
            with zipfile.ZipFile(data, "w", compression) as middle:
                mine = every[part::PARTS]
                for year in map(str, YEARS):
                    inner = BytesIO()
                    with zipfile.ZipFile(inner, "w", compression) as archive:
                        for name in mine:
                            if name.startswith(year):
                                archive.writestr(f"{year}/{name}", b"scan")
                    middle.writestr(f"{year}.zip", inner.getvalue())
            outermost.writestr(f"TRAIN_{part + 1:02}.zip", data.getvalue())


def main() -> None:
    """Make the archive, run the command on it, print what it says and took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=180_000)
    parser.add_argument("--deflated", action="store_true", help="compress the archives as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "scans.zip"
        compression = zipfile.ZIP_DEFLATED if arguments.deflated else zipfile.ZIP_STORED
        make_archive(source, arguments.scans, compression)
        print(f"archive of {source.stat().st_size / 2**20:.0f} MiB")
        command = [sys.executable, "-m", "drawsim.prepare", "step=drawings"]
        for run in ("first", "second"):
            began = time.perf_counter()
            subprocess.run([*command, f"source={source}", f"out={folder}/out"], check=True)
            seconds = time.perf_counter() - began
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"{run} run: {seconds:.1f} s, at most {peak:.0f} MiB of memory")


if __name__ == "__main__":
    main()
