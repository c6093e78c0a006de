"""What W&B has written down offline, read by its own reader."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def records(folder: Path, kind: str) -> list[Record]:
    """The records of one kind of an offline run's folder: history, artifact, summary, exit …"""
    from wandb.util import get_core_path

    [file] = folder.glob("*.wandb")
    reader = [get_core_path(), "leet", "inspect", "--json", "--no-observability"]
    done = subprocess.run(
        [*reader, "--run-file", str(file.resolve()), str(folder.resolve().parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [record[kind] for record in found if record["type"] == kind]


def offline_runs(run: Path) -> list[Path]:
    """The folders of a run that `wandb sync` takes."""
    return sorted((run / "wandb").glob("offline-run-*"))


def epochs(folder: Path) -> list[int]:
    """The epochs of the history, in the order in which they were logged."""
    return [row["item"].get("epoch") for row in records(folder, "history")]


def files_of(artifact: Record) -> list[Path]:
    """The files of this machine that an artifact is made of."""
    entries = artifact["manifest"].get("contents", [])
    entries = entries.values() if isinstance(entries, dict) else entries
    return [Path(entry["local_path"]) for entry in entries if "local_path" in entry]
