"""Groups of pictures as manifests, in a folder that lies at an address of the web."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from drawsim.collection.iiif.documents import Leaf, Region, Row, collection, manifest
from drawsim.collection.iiif.images import Json, Source
from drawsim.collection.iiif.names import file_name
from drawsim.collection.iiif.shown import COLUMNS, Shown
from drawsim.collection.rights import rights_of
from drawsim.common.errors import UserError
from drawsim.common.files import write_json
from drawsim.common.progress import progress_bar
from drawsim.common.words import counted, first_of
from drawsim.reporting.iiif.pictures import Picture, Static, publish, publish_row
from drawsim.reporting.kit.captions import warning_of
from drawsim.reporting.kit.folder import Folder

CANVASES = 200
"""Canvases of a manifest, at most; a longer group becomes several."""
START = "collection.json"


@dataclass(frozen=True)
class Entry:
    """Pictures of one canvas, from left to right. name: its own in its group, as of a file."""

    name: str
    label: str
    pictures: tuple[Picture, ...]
    facts: Sequence[tuple[str, str]] = ()
    regions: Sequence[Region] = ()


@dataclass(frozen=True)
class Group:
    """Entries of one manifest. name: its own among the groups."""

    name: str
    label: str
    entries: Sequence[Entry]
    summary: str = ""


@dataclass
class Written:
    """What an export came to. start: the file that leads to all others."""

    start: Path
    manifests: int = 0
    canvases: int = 0
    images: int = 0
    annotations: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    """Pictures that cannot be read, and why."""
    left_out: int = 0
    """Canvases that show one of these."""
    rights: str = ""
    """What must be known before the pictures are published."""

    @property
    def lines(self) -> list[str]:
        """For people."""
        found = [
            f"{counted(self.manifests, 'manifest')}, "
            f"{counted(self.canvases, 'canvas', 'canvases')}, {counted(self.images, 'image')}, "
            f"{counted(self.annotations, 'annotation')}"
        ]
        if self.missing:
            told = first_of([f"{name} {why}" for name, why in self.missing.items()])
            found.append(
                f"! {counted(self.left_out, 'canvas', 'canvases')} left out, of pictures that "
                f"cannot be read: {told}"
            )
        if self.rights:
            found.append(f"! {self.rights}")
        return [*found, f"→ {self.start}"]


def write_documents(
    groups: Sequence[Group],
    static: Static,
    label: str,
    *,
    columns: Sequence[str] = COLUMNS,
    workers: int = 1,
) -> Written:
    """Write manifests, images and the collection that lists the manifests; what there is.

    columns: of the tables, that are told of a picture. What an earlier export wrote there, and this
    one does not, is removed. Raises UserError if not one picture can be read.
    """
    folder = Folder(static.root, "iiif")
    written = Written(folder.place(START))
    sources = _publish(groups, static, folder, written, workers)
    listed: list[Json] = []
    for group in groups:
        leaves = _leaves(group, sources, static, folder, written, columns)
        for number, start in enumerate(range(0, len(leaves), CANVASES), 1):
            some = leaves[start : start + CANVASES]
            several = len(leaves) > CANVASES
            name = f"manifests/{file_name(group.name)}{f'-{number}' if several else ''}.json"
            part = f" ({number})" if several else ""
            own = manifest(
                static.url(name),
                f"{group.label}{part}",
                some,
                group.summary,
                partOf=[{"id": static.url(START), "type": "Collection"}],
            )
            write_json(folder.place(name), own)
            listed.append(own)
            written.manifests += 1
    if not listed:
        why = next(iter(written.missing.items()), ("", "there is none"))
        raise UserError(f"no picture of what is exported can be read: {' '.join(why)}")
    write_json(written.start, collection(static.url(START), label, listed))
    folder.finish()
    return written


Key = tuple[str, str]


def _publish(
    groups: Sequence[Group], static: Static, folder: Folder, written: Written, workers: int
) -> dict[Key, Source]:
    """Where each picture is to be had, by kind and id; those that cannot be read are noted."""
    pictures = {
        (each.kind, each.id): each
        for group in groups
        for entry in group.entries
        for each in entry.pictures
    }
    found: dict[Key, Source] = {}

    def made(picture: Picture) -> tuple[Source, list[str]] | str:
        try:
            return publish(picture, static)
        except UserError as error:
            return str(error).removeprefix(f"{picture.file}: ")

    with (
        ThreadPoolExecutor(workers) as pool,
        progress_bar("writing images", len(pictures), "images") as advance,
    ):
        for key, one in zip(pictures, pool.map(made, pictures.values()), strict=True):
            advance()
            if isinstance(one, str):
                written.missing[f"{key[0]} {key[1]!r}"] = one
            else:
                found[key], files = one
                folder.written += files
                written.images += 1
    written.rights = warning_of(
        rights_of(each.row) for key, each in pictures.items() if key in found
    )
    return found


def _leaves(
    group: Group,
    sources: dict[Key, Source],
    static: Static,
    folder: Folder,
    written: Written,
    columns: Sequence[str],
) -> list[Leaf]:
    leaves = []
    for entry in group.entries:
        own = [sources.get((each.kind, each.id)) for each in entry.pictures]
        known = [source for source in own if source is not None]
        if len(known) < len(own):
            written.left_out += 1
            continue
        row = Row.of([(source.width, source.height) for source in known])
        name = f"{file_name(group.name)}/{entry.name}"
        whole, thumbnail, files = publish_row(entry.pictures, row, name, static)
        folder.written += files
        shown = [
            Shown.of(each.kind, each.id, each.row, source, each.place, columns)
            for each, source in zip(entry.pictures, known, strict=True)
        ]
        leaf = Leaf(
            static.url(f"canvases/{name}"),
            entry.label,
            shown,
            row,
            whole if len(shown) > 1 else None,
            thumbnail,
            entry.regions,
            facts=entry.facts,
        )
        leaves.append(leaf)
        written.canvases += 1
        written.annotations += sum(1 for _ in leaf.annotations())
    return leaves
