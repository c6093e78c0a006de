"""The archive of a study, opened: a stranger's, until every file is what its manifest says.

What it holds is read as names, numbers and texts; nothing of it is written but to the folder that
is given, under names of our own.
"""

from __future__ import annotations

import errno
import hashlib
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeGuard
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from drawsim.common.archives import DAMAGED, ArchiveError, open_archive
from drawsim.common.errors import UserError, brief
from drawsim.common.files import parse_json
from drawsim.common.opening import open_regular
from drawsim.common.progress import progress_bar
from drawsim.reporting.comparison.results import Results, combine, read_run
from drawsim.reporting.comparison.study_checks import STRANGE, check_run, is_name
from drawsim.reporting.comparison.study_format import (
    ALLOWANCE,
    FORMAT,
    MANIFEST,
    MOST_BYTES,
    MOST_MEMBERS,
    MOST_NOTES,
    MOST_RUNS,
    MOST_TIMES,
    NEEDED,
    PATTERN,
    STUDY,
    TABLE,
    most,
    notes_of,
)
from drawsim.reporting.run.finished import Run
from drawsim.reporting.run.reading import read_metrics

CHUNK = 1 << 20
AGAIN = "get it again from whoever made it"
FOREIGN = "give one that drawsim compare archive=… wrote"
_CURES = re.compile(r"; (?:run it again|evaluate the run again)\b")
"""What is to be done about a run of one's own."""
_LINE = re.compile("([0-9a-f]{64})  (.+)")


@dataclass(frozen=True)
class Study:
    """What an archive holds. table: its `table.csv`. files: how many of them were checked."""

    results: Results
    reference: str
    table: bytes
    files: int


def is_study(path: Path) -> bool:
    """Whether a file begins as an archive does and lists what one of a study has."""
    try:
        with (
            open_regular(path) as file,
            open_archive(file, members=MOST_MEMBERS) as archive,
        ):
            file.seek(0)
            return file.read(4) == b"PK\3\4" and {MANIFEST, STUDY} <= set(archive.namelist())
    except (ArchiveError, *DAMAGED, OSError):
        return False


def read_study(path: Path, into: Path) -> Study:
    """Read an archive; `into`, an empty folder, has the files of its runs then.

    Raises UserError for one that is damaged, that drawsim did not write, or that is beyond bounds.
    """
    try:
        with (
            open_regular(path, MOST_BYTES) as file,
            open_archive(file, members=MOST_MEMBERS) as archive,
        ):
            members = _checked(archive.infolist(), path.stat().st_size)
            kept = _take(archive, members, into)
        return _study(path, into, kept, set(members))
    except ArchiveError as error:
        raise UserError(f"{path}: {error.reason}; {error.cure}") from error
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # of this machine's
        raise UserError(f"{path}: damaged ({brief(error)}); {AGAIN}") from error


def _checked(members: Sequence[ZipInfo], packed: int) -> dict[str, ZipInfo]:
    """The members by name, as far as the table of contents can be believed."""
    found: dict[str, ZipInfo] = {}
    for member in members:
        name = member.orig_filename
        limit = most(name)
        if limit is None:
            raise ArchiveError(f"holds {brief(name)}, which no study has", FOREIGN)
        if name in found:
            raise ArchiveError(f"holds {name} twice", AGAIN)
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ArchiveError(f"{name} is no plain file in it", FOREIGN)
        if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise ArchiveError(f"{name} is packed in a way that no study is", FOREIGN)
        if member.file_size > limit:
            what = f"{name} has {member.file_size:,} bytes, more than the {limit:,} that are read"
            raise ArchiveError(what, FOREIGN)
        found[name] = member
    whole = sum(member.file_size for member in members)
    if whole > min(MOST_BYTES, MOST_TIMES * packed + ALLOWANCE):
        raise ArchiveError(f"unpacks from {packed:,} to {whole:,} bytes, as none does", FOREIGN)
    for name in (MANIFEST, STUDY, TABLE):
        if name not in found:
            raise ArchiveError(f"has no {name}: no archive of a study, or not all of it", FOREIGN)
    return found


def _take(archive: ZipFile, members: Mapping[str, ZipInfo], into: Path) -> dict[str, bytes]:
    """Unpack the files of runs, each checked by its digest; the files that say what is there."""
    digests = _digests(_read(archive, members[MANIFEST]), set(members) - {MANIFEST})
    kept: dict[str, bytes] = {}
    with progress_bar("checking the archive", len(digests)) as advance:
        for name, expected in digests.items():
            if name in (STUDY, TABLE):
                kept[name] = _read(archive, members[name])
                digest = hashlib.sha256(kept[name]).hexdigest()
            else:
                digest = _unpack(archive, members[name], _place(name, into))
            if digest != expected:
                raise ArchiveError(f"{name} is not what {MANIFEST} says (SHA-256)", AGAIN)
            advance()
    return kept


def _digests(manifest: bytes, names: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in manifest.decode().splitlines():
        told = _LINE.fullmatch(line)
        if told is None or told[2] in found:
            raise ArchiveError(f"a line of {MANIFEST} is no digest of a file", AGAIN)
        found[told[2]] = told[1]
    if missing := sorted(found.keys() - names):
        raise ArchiveError(f"lacks {brief(missing[0])}, which {MANIFEST} lists", AGAIN)
    if more := sorted(names - found.keys()):
        raise ArchiveError(f"holds {brief(more[0])}, which {MANIFEST} does not list", AGAIN)
    return found


def _read(archive: ZipFile, member: ZipInfo) -> bytes:
    with archive.open(member) as source:
        return source.read(member.file_size + 1)


def _place(name: str, into: Path) -> Path | None:
    """Where a file of a run goes; None for others, which are only checked."""
    found = PATTERN.fullmatch(name)
    return into / found[1] / found[2] if found else None


def _unpack(archive: ZipFile, member: ZipInfo, place: Path | None) -> str:
    """The SHA-256 of a member, which is written to its place, if it has one."""
    digest = hashlib.sha256()
    if place is not None:
        place.parent.mkdir(exist_ok=True)
    with archive.open(member) as source:
        target = place.open("xb") if place is not None else None
        try:
            while piece := source.read(CHUNK):
                digest.update(piece)
                if target is not None:
                    target.write(piece)
        finally:
            if target is not None:
                target.close()
    return digest.hexdigest()


# What is in it


def _study(path: Path, into: Path, kept: Mapping[str, bytes], names: set[str]) -> Study:
    said = parse_json(kept[STUDY].decode(), path / STUDY)
    if type(said.get("format")) is not int or said["format"] != FORMAT:  # true equals 1
        told = brief(said.get("format"))
        raise ArchiveError(f"has format {told}, and this drawsim reads {FORMAT}", "update drawsim")
    reference, notes, listed = said.get("reference"), said.get("notes"), said.get("runs")
    if not is_name(reference) or not _are_texts(notes, MOST_NOTES):
        raise ArchiveError(f"{STUDY} is damaged (its reference or notes are no texts)", AGAIN)
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_RUNS:
        raise ArchiveError(f"{STUDY} is damaged (it lists no runs)", AGAIN)
    runs = [_run(path, into, one, names) for one in listed]
    folders = [run.folder.name for run in runs if run.folder]
    there = {found[1] for name in names if (found := PATTERN.fullmatch(name))}
    if len(set(folders)) < len(folders) or set(folders) != there:
        raise ArchiveError(f"{STUDY} does not list the runs that are there", AGAIN)
    try:
        results = combine(runs)
    except STRANGE as error:
        raise ArchiveError(
            f"its runs cannot be put side by side ({brief(error)})", AGAIN
        ) from error
    results.notes[:] = notes_of(notes, results.notes)
    return Study(results, str(reference), kept[TABLE], len(names))


def _run(path: Path, into: Path, told: object, names: set[str]) -> Run:
    """A run of the archive. Raises ArchiveError or UserError for what is none."""
    one = told if isinstance(told, dict) else {}
    folder, origin, called = one.get("folder"), one.get("origin"), one.get("called")
    needed = {f"runs/{folder}/{name}" for name in NEEDED}
    if not isinstance(folder, str) or not needed <= names:
        raise ArchiveError(f"{STUDY} lists {brief(folder)}, of which files are missing", AGAIN)
    if not _are_parts(origin) or not (is_name(called) or called == ""):
        raise ArchiveError(f"{STUDY} is damaged (it does not say what {folder} is)", AGAIN)
    place = into / folder
    try:
        record = read_metrics(place / "metrics.json")
        run = replace(read_run(place, record), origin=tuple(origin), called=str(called))
        check_run(run, record)
    except UserError as error:
        said = str(error).replace(str(place), f"{path}/runs/{folder}")
        raise UserError(f"{_CURES.split(said)[0]}; {AGAIN}") from error
    except STRANGE as error:
        raise ArchiveError(f"runs/{folder} is no run ({brief(error)})", AGAIN) from error
    return run


def _are_parts(value: object) -> TypeGuard[list[str]]:
    """Whether these are folders, one in the other."""
    if not _are_texts(value, 64) or not value:
        return False
    return not {".", ".."} & set(value) and "/" not in "".join(value)


def _are_texts(value: object, count: int) -> TypeGuard[list[str]]:
    return isinstance(value, list) and len(value) <= count and all(map(is_name, value))
