"""The odd files of `odd_files.py` in one collection, through whole commands and the app."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from odd_files import FILES

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from tests.acceptance import annotators
from tests.acceptance.annotators import Browser, Server

GOOD = 24
"""Sound drawings, and artworks: enough for the sets of a split."""
PATIENCE = 1200
"""Seconds after which a command is said to hang."""
Call = tuple[str, str, dict[str, Any]]
"""Method, address, and what else a request has."""
UPLOADED = 21_000_000
"""Bytes of a file that are sent: a little more than the app takes."""


def world(root: Path) -> Path:
    """A collection of sound drawings and of odd ones, all paired; returns the odd ones' folder."""
    odd = root / "odd"
    rng = np.random.default_rng(0)
    for folder in ("drawings", "artworks", "odd"):
        (root / folder).mkdir(parents=True)
    drawings: list[str] = []
    artworks: list[str] = []
    pairs: list[str] = []
    for number in range(GOOD):
        for folder, rows in (("drawings", drawings), ("artworks", artworks)):
            coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), np.uint8))
            coarse.resize((96, 72)).save(root / folder / f"{number}.png")
            rows.append(f"{folder[0]}{number},{folder}/{number}.png")
        pairs.append(f"d{number},a{number},true")
    for number, (name, make) in enumerate(FILES.items()):
        file = odd / f"{number:02d}.jpg"
        make(file)
        drawings.append(f"odd{number:02d},odd/{file.name}")
        pairs.append(f"odd{number:02d},a{number % GOOD},true")
        print(f"odd{number:02d}: {name}")
    (root / "pairs.csv").write_text("drawing_id,artwork_id,pair\n" + "\n".join(pairs) + "\n")
    for folder, rows in (("drawings", drawings), ("artworks", artworks)):
        (root / f"{folder}.csv").write_text("id,path\n" + "\n".join(rows) + "\n")
    return odd


def leave_out_refused(root: Path) -> list[str]:
    """Take what the tables must not name, such as links out of the folder, out of them.

    Returns what was said of it.
    """
    try:
        Collection.open(root)
        return []
    except UserError as error:
        told = str(error).splitlines()[1:]
    table = (root / "drawings.csv").read_text().splitlines()
    rows = [
        int(found[1]) for line in told if (found := re.search(r"drawings\.csv, row (\d+)", line))
    ]
    gone = {table[row - 1].partition(",")[0] for row in rows}
    for name in ("drawings.csv", "pairs.csv"):
        lines = (root / name).read_text().splitlines()
        kept = [line for line in lines if line.partition(",")[0] not in gone]
        (root / name).write_text("\n".join(kept) + "\n")
    return told


def command(folder: Path, what: str, name: str, *settings: str) -> str:
    """Run a command to its end."""
    log = folder / "log.txt"
    began = time.perf_counter()
    with log.open("wb") as out:
        words = [sys.executable, "-m", f"drawsim.{name}", *settings]
        process = subprocess.Popen(words, cwd=folder, stdout=out, stderr=out)
        while True:
            done, status, used = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            if time.perf_counter() - began > PATIENCE:
                process.kill()
                _, status, used = os.wait4(process.pid, 0)
                break
            time.sleep(0.02)
    taken = time.perf_counter() - began
    text = log.read_text(errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    wrong = "HANGS" if taken > PATIENCE else "TRACEBACK" if "Traceback" in text else ""
    code = os.waitstatus_to_exitcode(status)
    print(f"\n--- {what}: rc {code}\n" + "\n".join(line[:300] for line in lines), flush=True)
    busy = used.ru_utime + used.ru_stime
    return shown(what, taken, busy, used.ru_maxrss / 1024, f"rc {code} {wrong} {len(lines)} lines")


def shown(what: str, taken: float, spent: float, most: float, told: str) -> str:
    """A row: what was done, its seconds, those of the processors, peak MiB, how it ended."""
    row = f"| {what} | {taken:.1f} | {spent:.1f} | {most:.0f} | {told} |"
    print(row, flush=True)
    return row


def app(folder: Path, root: Path, odd: Path) -> list[str]:
    """The pictures of all drawings, and uploads of the odd files: the slowest of the answers.

    Seconds of the processors are those of the server since it began.
    """
    settings = [f"collection={root}", f"index={folder / 'index'}", f"store={folder / 'store'}"]
    rows: list[str] = []
    with Server(settings) as server:
        browser = Browser(server.address)
        browser.open()
        assert server.process is not None
        pid = server.process.pid

        def asked(what: str, calls: list[Call]) -> None:
            answers: dict[int, int] = {}
            slowest, at = 0.0, ""
            for method, address, request in calls:
                began = time.perf_counter()
                try:
                    answer = browser.client.request(method, address, timeout=60, **request)
                    status = answer.status_code
                except httpx.TransportError as error:
                    status = 0
                    print(f"{what} {address}: {error!r}", flush=True)
                taken = time.perf_counter() - began
                answers[status] = answers.get(status, 0) + 1
                slowest, at = max((slowest, at), (taken, address))
            told = ", ".join(f"{count} × {status}" for status, count in sorted(answers.items()))
            rows.append(shown(what, slowest, busy(pid), peak(pid), f"{told}; slowest {at}"))

        names = Collection.open(root).drawings.index
        for size in ("thumb", "full"):
            calls: list[Call] = [
                ("GET", f"/picture?kind=drawing&id={n}&size={size}", {}) for n in names
            ]
            asked(f"app: pictures, {size}", calls)
        uploads: list[Call] = []
        for file in sorted(odd.iterdir()):
            if file.is_file() and not file.is_symlink():  # who sends a pipe waits for it himself
                with file.open("rb") as opened:
                    data = opened.read(UPLOADED)
                given = {"files": {"file": (file.name, data)}, "data": {"kind": "drawing"}}
                uploads.append(("POST", "/api/find/image", given))
        asked("app: uploads", uploads)
        asked("app: a page afterwards", [("GET", "/judge", {})])
        text = "".join(server.process.written())
    if "Traceback" in text:
        print(text)
        rows.append(shown("app", 0.0, 0.0, 0.0, "TRACEBACK"))
    return rows


def busy(pid: int) -> float:
    """Seconds of the processors that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid: int) -> float:
    """MiB that a process had at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Run everything, and print a table at the end."""
    annotators.PATIENCE = PATIENCE
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "world"
        odd = world(root)
        rows = [command(folder, "check", "prepare", "step=check", f"source={root}", "out=checked")]
        for line in leave_out_refused(root):
            print(line)
        tiny = ("+experiment=tiny", "data=folder", f"data.root={root}", "logger=csv")
        small = ("image_size=64", "data=folder", f"data.root={root}")
        index = ("drawings=d.safetensors", "artworks=a.safetensors", f"collection={root}")
        skip = "data.on_missing=skip"
        for what, words in {
            "train, error": ("train", *tiny, "data.on_missing=error"),
            "train, skip": ("train", *tiny, skip),
            "embed, skip": ("embed", "kind=drawings", "out=d.safetensors", *small, skip),
            "embed artworks": ("embed", "kind=artworks", "out=a.safetensors", *small),
            "embed images=DIR": (
                "embed",
                f"images={odd}",
                "out=i.safetensors",
                "image_size=64",
                skip,
            ),
            "index": ("index", "out=index", *index, "backbone=lite", "image_size=64"),
            "search image=DIR": ("search", "index=index", f"image={odd}"),
        }.items():
            rows.append(command(folder, what, *words))
        rows += app(folder, root, odd)
    print("\n| what | seconds | of the processors | peak MiB | |\n|---|---|---|---|---|")
    print("\n".join(rows))
