"""The archive of a study, written: `drawsim compare runs=… out=… archive=study.zip`."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from drawsim import __version__
from drawsim.common.errors import UserError, brief
from drawsim.common.files import atomic, write_json, write_text
from drawsim.common.machine import PACKAGES
from drawsim.common.opening import open_regular
from drawsim.common.progress import progress_bar
from drawsim.common.yaml_files import yaml_text
from drawsim.reporting.comparison.made import COMMIT, read_environment
from drawsim.reporting.comparison.places import NAMES, Places, names_a_place
from drawsim.reporting.comparison.results import Results, combine
from drawsim.reporting.comparison.study_checks import STRANGE, check_run
from drawsim.reporting.comparison.study_format import (
    ABOUT,
    FORMAT,
    MANIFEST,
    MOST_RUNS,
    README,
    RUN_FILES,
    STUDY,
    notes_of,
    run_folder,
)
from drawsim.reporting.comparison.study_reading import is_study
from drawsim.reporting.comparison.tables import summary
from drawsim.reporting.run.finished import Run, tails
from drawsim.runs.folder import ENVIRONMENT, read_record
from drawsim.runs.identity import counts
from drawsim.runs.settings import CONFIG, read_values

if TYPE_CHECKING:
    from drawsim.reporting.comparison.page import Findings

FACTS = (COMMIT, "python", "platform", "processor", "memory", "gpu", *PACKAGES, "seed")
"""What is taken of `environment.txt`."""
RECORD = (
    *("status", "name", "study", "protocol", "monitor", "keep", "kept_because", "gallery_size"),
    *("baseline", "final", "stages", "counts", "skipped", "tie_rate", "seconds", "inputs"),
    *("best_epoch", "epochs", "decisions", "commands"),
)
"""What is taken of `metrics.json`."""
HIDDEN = "A note that names places on the machine is left out."
NO_PICTURES = "Pictures are no part of an archive."
TIME = (1980, 1, 1, 0, 0, 0)
"""Of every file: the same study is the same bytes."""
CHUNK = 1 << 20

Files = Mapping[str, "bytes | Path"]


def check_archive(archive: Path, results: Results) -> None:
    """Raise UserError where there can be no archive of this name, or none of these results."""
    if archive.suffix.lower() != ".zip":
        raise UserError(f"archive={archive}: give the name of a .zip file")
    if archive.is_dir():
        raise UserError(f"archive={archive}: is a folder; give the name of a .zip file")
    if archive.is_file() and archive.stat().st_size and not is_study(archive):
        raise UserError(
            f"archive={archive}: is there, and no archive of a study; give another name"
        )
    if not results.runs or any(run.folder is None for run in results.runs):
        raise UserError(f"archive={archive}: an archive is made of run folders; give runs=…")
    if len(results.runs) > MOST_RUNS:
        raise UserError(
            f"archive={archive}: {len(results.runs):,} runs are more than the {MOST_RUNS:,} that "
            "an archive holds; compare fewer"
        )
    for run in results.runs:
        assert run.folder is not None
        try:
            check_run(run, read_record(run.folder))
        except STRANGE as error:
            raise UserError(
                f"archive={archive}: {run.place} cannot be in it ({brief(error)}); train it again "
                "or leave it out"
            ) from error


@contextmanager
def without_places(found: Findings) -> Iterator[Findings]:
    """The same findings as others may see them: nothing says where on the machine things are.

    The folders of its runs hold what an archive has of them, but for `ranks.csv`, as long as the
    context lasts. Raises UserError if these runs alone do not come to the same table.
    """
    with TemporaryDirectory(prefix="drawsim-") as temporary:
        places, own = Places(), tails({run.origin for run in found.results.runs})
        runs = []
        for number, run in enumerate(found.results.runs, 1):
            folder = Path(temporary) / run_folder(number, run.name)
            origin = tuple(part for part in own[run.origin].split("/") if part)
            settings = _put(run, folder, places)
            runs.append(replace(run, origin=origin, settings=settings, folder=folder))
        again = combine(runs)
        if not summary(again).equals(summary(found.results)):
            raise UserError(
                "archive: the runs that are compared do not come to the same table without those "
                "that are left out; give only the runs of splits that all models have"
            )
        again.notes[:] = notes_of(_notes(found.results), again.notes)
        yield replace(found, results=again, notes=[*again.notes, NO_PICTURES], searches=())


def _put(run: Run, folder: Path, places: Places) -> dict[str, Any]:
    """Write what an archive has of a run, and return its settings."""
    assert run.folder is not None
    folder.mkdir()
    values = read_values(run.folder)
    that_count = {key: own for key, own in _that_count(values).items() if own != {}}
    settings = {key: places.setting(key, own) for key, own in that_count.items()}
    write_text(folder / CONFIG, yaml_text(settings))
    record = read_record(run.folder)
    record = {key: record[key] for key in RECORD if key in record}
    commands = [[places.argument(text) for text in own] for own in record.pop("commands", [])]
    told = places.text(record) | ({"commands": commands} if commands else {})
    write_json(folder / "metrics.json", told)
    facts = {key: own for key, own in read_environment(run).items() if key in FACTS}
    if facts:
        lines = [f"{key}: {places.text(own)}\n" for key, own in facts.items()]
        write_text(folder / ENVIRONMENT, "".join(lines))
    return settings


def _that_count(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The settings that can change a result, and what the run is called."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        dotted = f"{prefix}{key}"
        if dotted in NAMES or counts(dotted):
            nested = isinstance(value, dict)
            found[str(key)] = _that_count(value, f"{dotted}.") if nested else value
    return found


def _notes(results: Results) -> list[str]:
    """The notes that the runs alone do not make again, with studies by their names.

    One in which there still is a place is not told.
    """
    parents = {str(Path(*run.origin).parent) for run in results.runs}
    given = {os.path.relpath(parent) for parent in parents}  # as they were typed
    above = [f"{each}/" for each in sorted(parents | given, key=len, reverse=True)]
    above = [each for each in above if each not in ("//", "./") and not each.startswith("..")]
    again = set(combine(results.runs).notes)
    found = []
    for note in (note for note in results.notes if note not in again):
        for folder in above:
            note = note.replace(folder, "")
        found.append(HIDDEN if names_a_place(note) else note)
    return list(dict.fromkeys(found))


def write_archive(found: Findings, pages: Files, archive: Path, ranks: Sequence[Path]) -> None:
    """Write the archive: the whole of it, or, where that fails, nothing.

    found: of `without_places`. pages: the files of `comparison/`. ranks: `ranks.csv` of each run.
    Raises OSError if it cannot be written.
    """
    files: dict[str, bytes | Path] = {f"comparison/{name}": own for name, own in pages.items()}
    runs = []
    for run, own_ranks in zip(found.results.runs, ranks, strict=True):
        assert run.folder is not None
        runs.append({"folder": run.folder.name, "origin": run.origin, "called": run.called})
        own = {name: run.folder / name for name in RUN_FILES} | {"ranks.csv": own_ranks}
        own["metrics.csv"] = own_ranks.with_name("metrics.csv")
        there = {name: path for name, path in own.items() if path.is_file()}
        files |= {f"runs/{run.folder.name}/{name}": path for name, path in there.items()}
    study = {
        "format": FORMAT,
        "drawsim": __version__,
        "reference": found.reference,
        "notes": found.results.notes,
        "runs": runs,
    }
    files[STUDY] = (json.dumps(study, indent=2, ensure_ascii=False) + "\n").encode()
    files[README] = ABOUT.encode()
    with (
        atomic(archive) as temporary,
        progress_bar("writing the archive", len(files)) as advance,
        ZipFile(temporary, "w", ZIP_DEFLATED, compresslevel=6) as packed,
    ):
        lines = []
        for name in sorted(files):
            lines.append(f"{_add(packed, name, files[name])}  {name}\n")
            advance()
        _add(packed, MANIFEST, "".join(lines).encode())


def _add(packed: ZipFile, name: str, content: bytes | Path) -> str:
    """Add a file, piece by piece, and return its SHA-256."""
    member = ZipInfo(name, TIME)
    member.compress_type, member.create_system = ZIP_DEFLATED, 3
    member.external_attr = 0o100644 << 16
    digest = hashlib.sha256()
    source = io.BytesIO(content) if isinstance(content, bytes) else open_regular(content)
    with source, packed.open(member, "w", force_zip64=True) as target:
        while piece := source.read(CHUNK):
            digest.update(piece)
            target.write(piece)
    return digest.hexdigest()
