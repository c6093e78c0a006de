"""The pictures beside the page of motifs: thumbnails of drawings and artworks, and what matches."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from drawsim.common.files import atomic
from drawsim.common.progress import progress_bar
from drawsim.pixels.parallel import in_processes
from drawsim.reporting.kit.folder import Folder
from drawsim.reporting.kit.pages import address
from drawsim.reporting.kit.pictures import shrunk
from drawsim.reporting.kit.thumbnails import QUALITY, SIDE
from drawsim.reporting.motifs.view import MotifsView

PICTURED = 60
"""Drawings of a motif that are pictured; all are in the table of members."""
THUMBNAILS, MATCHES = "thumbnails", "matches"
MATCH_SIDE = 1100  # pixels of the longer side of what matches: patches must stay visible


@dataclass(frozen=True)
class Pictures:
    """Addresses of pictures as the page has them. Motifs go by their place among all, from 1.

    members: of each motif, which of the pictured could be read. files: where these are as they
    were scanned. artworks: file names by id. matches: the motifs that have one.
    """

    members: Mapping[int, list[bool]]
    files: Mapping[int, list[str]]
    artworks: Mapping[str, str]
    matches: frozenset[int]

    def of_members(self, number: int) -> int:
        """How many members are pictured, the first ones."""
        return len(self.members[number])

    def missing(self, number: int) -> list[int]:
        """Which of these cannot be read."""
        return [place for place, read in enumerate(self.members[number]) if not read]

    def addresses(self, number: int) -> list[str]:
        """Where the pictured are as they were scanned; empty where that is not known."""
        return self.files[number]

    def artwork(self, name: str) -> str | None:
        """The picture of an artwork, if it can be read."""
        return self.artworks.get(name)

    def match(self, number: int) -> str | None:
        """The picture of what matches, if there is one."""
        return f"{MATCHES}/{number}.webp" if number in self.matches else None


def write_pictures(view: MotifsView, folder: Folder, workers: int) -> Pictures:
    """Write `thumbnails/MOTIF/PLACE.webp`, those of artworks, and `matches/MOTIF.webp`.

    `workers` processes read. What cannot be read is left out.
    """
    wanted: dict[str, Path | None] = {}
    for number, motif in enumerate(view.found.motifs, start=1):
        for place, name in enumerate(motif.members[:PICTURED]):
            file = view.files.get(("drawing", name))
            wanted[f"{THUMBNAILS}/{number}/{place}.webp"] = file
    artworks = _artworks(view)
    for name, place_of in artworks.items():
        wanted[place_of] = view.files.get(("artwork", name))
    written = _write(wanted, folder, workers)
    members = {
        number: [
            f"{THUMBNAILS}/{number}/{place}.webp" in written
            for place in range(min(motif.size, PICTURED))
        ]
        for number, motif in enumerate(view.found.motifs, start=1)
    }
    files = {
        number: [
            address(view.files.get(("drawing", name)), folder.root)
            for name in motif.members[:PICTURED]
        ]
        for number, motif in enumerate(view.found.motifs, start=1)
    }
    there = {name: file for name, file in artworks.items() if file in written}
    return Pictures(members, files, there, _write_matches(view, folder))


def _artworks(view: MotifsView) -> dict[str, str]:
    """The artworks that are shown, and the names of their files."""
    if view.sources is None:
        return {}
    names = [near.artwork for every in view.sources.by_motif.values() for near in every]
    distinct = dict.fromkeys(names)
    return {name: f"{THUMBNAILS}/artworks/{place}.webp" for place, name in enumerate(distinct)}


def _write(wanted: Mapping[str, Path | None], folder: Folder, workers: int) -> set[str]:
    """Write a thumbnail to each place whose file there is; the places that were written."""
    there = {place: file for place, file in wanted.items() if file is not None}
    written = set()
    thumbnails = in_processes(_thumbnail, there.values(), workers, batch=32)
    with progress_bar("making thumbnails", len(there), "images") as advance:
        for place, data in zip(there, thumbnails, strict=True):
            if data is not None:
                _keep(data, place, folder)
                written.add(place)
            advance()
    return written


def _thumbnail(file: Path) -> bytes | None:
    picture = shrunk(file, SIDE)
    return None if picture is None else _webp(picture, QUALITY)


def _webp(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()


def _keep(data: bytes, place: str, folder: Folder) -> None:
    with atomic(folder.place(place)) as temporary:
        temporary.write_bytes(data)


def _write_matches(view: MotifsView, folder: Folder) -> frozenset[int]:
    written = []
    for number, motif in enumerate(view.found.motifs, start=1):
        match = view.matches.get(motif.id)
        if match is not None:
            picture = match.picture.convert("RGB")
            picture.thumbnail((MATCH_SIDE, MATCH_SIDE), Image.Resampling.LANCZOS)
            _keep(_webp(picture, 80), f"{MATCHES}/{number}.webp", folder)
            written.append(number)
    return frozenset(written)
