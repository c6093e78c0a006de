"""Where the images of a collection may lie: in its folder, or below a root that it lists.

`collection.yaml` in the folder lists roots (`roots: [../scans]`, relative to the folder, or
`roots: ["s3://bucket/scans/"]`, and https:// likewise: see `drawsim.common.remote`). A
collection may come from anybody, and what its tables name is read, shown and put on pages: so a
root counts only if it is this user who listed it, by a prepare step, or who agreed to it since.
What was agreed to is kept in `roots.json` in the user's configuration folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import platformdirs

from drawsim.collection.ids import normal
from drawsim.common.errors import UserError, brief
from drawsim.common.files import read_json, write_json, write_text
from drawsim.common.opening import LONGEST_PATH
from drawsim.common.remote import copies, folder_of, is_remote, located, why_none
from drawsim.common.remote import is_below as is_in
from drawsim.common.yaml_files import read_yaml, yaml_text

_LONGEST_NAME = 255
"""Bytes of a name in it (NAME_MAX)."""
SETTINGS = "collection.yaml"
CURE = f"move it into the folder, or list its own under `roots` in {SETTINGS}, then step=trust"


class Places:
    """The folders in which images of one collection may lie; made once for each opening.

    root: the folder of the collection. roots: further folders, or addresses of such. Folders are
    compared without symbolic links, so that a link leads only to where a path might.
    """

    def __init__(self, root: Path, roots: Iterable[Path | str] = ()) -> None:
        self.root = root
        self._copies = os.path.realpath(copies())
        own = [spelt(each) for each in roots]
        self._remote = [each for each in own if is_remote(each)]
        self._allowed = [os.path.realpath(root), *(each for each in own if not is_remote(each))]
        self._folders: dict[str, tuple[str, frozenset[str]]] = {}

    @classmethod
    def of(cls, root: Path) -> Places:
        """The places of a collection folder.

        Raises UserError if its `collection.yaml` cannot be read, or lists roots that this user has
        not agreed to.
        """
        roots = listed_roots(root)
        agreed = _agreed().get(os.path.realpath(root), [])
        foreign = [own for each in roots if (own := spelt(each)) not in agreed]
        if foreign:
            raise UserError(
                f"{root / SETTINGS} lets images lie outside of its folder, in "
                f"{' and '.join(foreign)}; if that is as it should be, "
                f"say so once: `drawsim prepare step=trust source={root}`"
            )
        return cls(root, roots)

    def resolve(self, path: str) -> Path:
        """The file that a table names. Raises UserError if it leaves the collection."""
        if what := self.complaint(path):
            raise UserError(f"{self.root}: {what}; {CURE}")
        return located(path, self.root)

    def complaint(self, path: str) -> str | None:
        """Why a path of a table may not be opened, or None. The file need not be there."""
        if is_remote(path):
            if why := why_none(path):
                return f"path {brief(path)} is none ({why})"
            allowed = any(is_in(path, each) for each in self._remote)
            return None if allowed else f"path {brief(path)} leaves the collection"
        if why := _no_path(self.root, path):
            return f"path {brief(path)} is none ({why})"
        folder, name = os.path.split(path)
        try:
            real, links = self._folder(folder)
        except OSError as error:  # such as a folder that may not be listed
            return f"path {brief(path)} cannot be looked at ({error.strerror})"
        if name in ("", ".", ".."):
            return f"path {brief(path)} names no file"
        if normal(name).casefold() in links:
            real = os.path.realpath(os.path.join(real, name))  # noqa: PTH118
        return None if self._holds(real) else f"path {brief(path)} leaves the collection"

    def _folder(self, folder: str) -> tuple[str, frozenset[str]]:
        """A folder without links, and the names in it that are links, in whatever capitals."""
        if folder not in self._folders:
            real = os.path.realpath(self.root / folder)
            links: frozenset[str] = frozenset()
            if self._holds(real) and Path(real).is_dir():
                with os.scandir(real) as entries:
                    linked = (entry.name for entry in entries if entry.is_symlink())
                    links = frozenset(normal(name).casefold() for name in linked)
            self._folders[folder] = real, links
        return self._folders[folder]

    def _holds(self, real: str) -> bool:
        """Whether a file may lie there. Among copies of remote files, addresses alone lead."""
        return not is_below(real, self._copies) and any(
            is_below(real, place) for place in self._allowed
        )


def _no_path(folder: Path, path: str) -> str | None:
    """Why a text cannot be a path from a folder, whatever there is on the disk; None: it can."""
    if len(path) > LONGEST_PATH:
        return "too long"
    if "\0" in path:
        return "a NUL in it"
    try:
        whole = os.fsencode(os.path.join(folder, path))  # noqa: PTH118 - pathlib takes ten times as long
    except UnicodeEncodeError:
        return "half a character in it"
    if len(whole) >= LONGEST_PATH or any(len(part) > _LONGEST_NAME for part in whole.split(b"/")):
        return "too long"
    return None


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder or in it; both absolute and without `..`."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def listed_roots(root: Path) -> list[Path | str]:
    """The roots in `collection.yaml`, as paths from here, or addresses; none without that file.

    Raises UserError if it cannot be read.
    """
    listed = _settings(root).get("roots", [])
    return [folder_of(each) if is_remote(each) else root / each for each in listed]


def allow_roots(root: Path, roots: Sequence[Path]) -> None:
    """List folders in `collection.yaml`, as paths from the collection, and agree to them.

    For what the user names on his own command line. Other settings of the file are kept.
    """
    settings = _settings(root)
    known = [spelt(each) for each in listed_roots(root)]
    new = [each for each in dict.fromkeys(map(os.path.realpath, roots)) if each not in known]
    if new:
        end = os.path.realpath(root)
        own = [Path(os.path.relpath(each, end)).as_posix() for each in new]
        settings["roots"] = [*settings.get("roots", []), *own]
        write_text(root / SETTINGS, yaml_text(settings))
    agree(root, roots)


def agree(root: Path, roots: Iterable[Path | str]) -> None:
    """Remember that this user lets images of a collection lie in these folders, or behind them."""
    agreed = _agreed()
    own = os.path.realpath(root)
    merged = sorted({*agreed.get(own, []), *map(spelt, roots)})
    if merged != agreed.get(own, []):
        write_json(_agreed_file(), agreed | {own: merged})


def outside(root: Path, files: Iterable[Path], source: Path) -> list[Path]:
    """The fewest folders below which those files lie that are not in a collection's folder.

    source: a folder that the user named; it is taken for all that it holds.
    """
    home, named = os.path.realpath(root), os.path.realpath(source)
    every = list(files)
    linked = [Path(os.path.realpath(file)) for file in every if file.is_symlink()]
    folders = {os.path.realpath(each) for each in {file.parent for file in [*every, *linked]}}
    away = {folder for folder in folders if not is_below(folder, home)}
    roots: list[str] = []
    for folder in sorted(named if is_below(folder, named) else folder for folder in away):
        if not any(is_below(folder, each) for each in roots):
            roots.append(folder)
    return [Path(each) for each in roots]


def _settings(root: Path) -> dict[str, Any]:
    file = root / SETTINGS
    if not file.is_file():
        return {}
    settings = read_yaml(file, "the settings of a collection")
    roots = settings.get("roots", [])
    if not isinstance(roots, list) or not all(isinstance(each, str) and each for each in roots):
        raise UserError(f"{file}: `roots` must be a list of folders, such as roots: [../scans]")
    for each in roots:
        remote = is_remote(each)
        if why := why_none(each, folder=True) if remote else _no_path(root, each):
            raise UserError(f"{file}: `roots` has {brief(each)}, which is no folder ({why})")
    return settings


def spelt(root: Path | str) -> str:
    """A root in the one spelling that is compared: without links, or an address."""
    own = str(root)
    return folder_of(own) if is_remote(own) else os.path.realpath(own)


def _agreed_file() -> Path:
    return platformdirs.user_config_path("drawsim") / "roots.json"


def _agreed() -> dict[str, list[str]]:
    """Roots by the collection's folder. A file that cannot be read says nothing."""
    try:
        agreed = read_json(_agreed_file())
        return {str(root): [str(each) for each in roots] for root, roots in agreed.items()}
    except (UserError, TypeError):
        return {}
