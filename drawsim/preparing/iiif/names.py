"""Ids for canvases: short, readable, the same again at every run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from hashlib import sha256
from urllib.parse import unquote, urlsplit

LONGEST = 56  # characters; of four bytes each a file may still be called so
_EMPTY_WORDS = frozenset(
    (
        "manifest",
        "manifests",
        "iiif",
        "presentation",
        "json",
        "canvas",
        "info",
        "v2",
        "v3",
        "2",
        "3",
    )
)


def names_of(
    canvases: Iterable[tuple[str, str]], known: Mapping[str, str], taken: Iterable[str] = ()
) -> list[str]:
    """An id for each pair of manifest and canvas.

    known: ids by what a canvas is known by, `MANIFEST CANVAS`, of an earlier run. taken: ids and
    names of files that belong to others. A new one is made of what is last in the address of the
    manifest and of the canvas: `book1-leaf2`; where that is taken, letters of a digest of both
    addresses follow, as many as it needs.
    """
    used = {name.casefold() for name in (*known.values(), *taken)}  # some disks do not tell A and a
    names = []
    for manifest, canvas in canvases:
        key = f"{manifest} {canvas}"
        name = known.get(key)
        if name is None:
            name = plain = readable(manifest, canvas)
            digest, letters = sha256(key.encode()).hexdigest(), 6
            while name.casefold() in used and letters <= len(digest):
                name, letters = f"{plain}-{digest[:letters]}", letters + 6
            used.add(name.casefold())
        names.append(name)
    return names


def readable(manifest: str, canvas: str) -> str:
    """The last telling parts of two addresses.

    >>> readable("https://m.org/iiif/book1/manifest", "https://m.org/iiif/book1/canvas/1")
    'book1-1'
    >>> readable("https://m.org/iiif/p7/manifest.json", "https://m.org/iiif/p7/canvas/p1")
    'p7-p1'
    """
    of_manifest = _parts(manifest)
    own = [each for each in _parts(canvas) if each not in of_manifest]
    first = next((each for each in reversed(of_manifest) if _tells(each)), "work")
    last = own[-1] if own else "1"
    name = f"{first}-{last}"
    if len(name) > LONGEST:
        name = f"{name[: LONGEST - 7]}-{sha256(name.encode()).hexdigest()[:6]}"
    return name


def _parts(address: str) -> list[str]:
    """The parts of an address that can stand in the name of a file."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return []
    text = f"{parts.path}/{parts.query}/{parts.fragment}"
    letters = unicodedata.normalize("NFC", unquote(text, errors="replace"))
    cleaned = [re.sub(r"[^\w.-]+", "_", part).strip("._") for part in letters.split("/")]
    return [re.sub(r"\.json$", "", part) for part in cleaned if part.strip("_")]


def _tells(part: str) -> bool:
    return part.casefold() not in _EMPTY_WORDS
