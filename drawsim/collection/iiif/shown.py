"""What documents say of a picture of a collection: its name, its rights, where it is from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from drawsim.collection.canvases import Place
from drawsim.collection.iiif.images import SERVICE_TYPES, ImageService, Json, Source
from drawsim.collection.kinds import Kind
from drawsim.collection.names import display_name
from drawsim.collection.rights import NOTHING, Rights, rights_of, web_address

COLUMNS = ("artist", "date", "year", "medium", "age_group", "country")
"""Columns that are told of a picture unless somebody wants others."""
_LICENCE = re.compile(
    r"https?://(?:www\.)?(?:"
    r"(?P<cc>creativecommons\.org/(?:licenses/[a-z-]+/\d\.\d(?:/[a-z]{2}(?![a-z]))?"
    r"|publicdomain/(?:zero|mark)/1\.0))|rightsstatements\.org/(?:page|vocab)/(?P<rs>[A-Za-z-]+/1\.0)"
    r")(?:/.*)?"
)


@dataclass(frozen=True)
class Shown:
    """A picture that a document shows.

    title: the id where nothing else is known; label: title and artist. facts: name -> text, as they
    are told. place: on the canvas of its museum. source: where viewers get it.
    """

    kind: Kind
    id: str
    title: str
    label: str
    source: Source
    facts: Mapping[str, str] = field(default_factory=dict)
    rights: Rights = NOTHING
    place: Place | None = None

    @classmethod
    def of(
        cls,
        kind: Kind,
        name: str,
        row: Mapping[str, str],
        source: Source,
        place: Place | None = None,
        columns: Sequence[str] = COLUMNS,
    ) -> Shown:
        """A picture by its row of the collection's table. columns: those that are told of it."""
        facts = {column: _cell(row, column) for column in columns if column not in ("id", "path")}
        if "artist" in facts:
            facts["artist"] = display_name(facts["artist"])
        told = {column.replace("_", " "): text for column, text in facts.items() if text}
        title, label = title_of(kind, name, row), label_of(kind, name, row)
        return cls(kind, name, title, label, source, told, rights_of(row), place)

    @property
    def image(self) -> Json:
        """The picture as a content resource, with its rights and where it is from."""
        found = self.source.json | {"label": text_of(self.label)}
        if address := licence_address(self.rights.address):
            found["rights"] = address
        if self.rights.line:
            found["requiredStatement"] = pair_of("Rights", self.rights.line)
        if self.rights.homepage:
            page = {"id": self.rights.homepage, "type": "Text", "format": "text/html"}
            found["homepage"] = [page | {"label": text_of(self.title)}]
        if self.place is not None and self.place.manifest:
            found["partOf"] = [{"id": self.place.manifest, "type": "Manifest"}]
        return found

    @property
    def metadata(self) -> list[Json]:
        """The same for people, a line each, after what the picture is."""
        kind = self.kind.capitalize()
        lines = [pair_of(kind, self.title)]
        if self.id != self.title:
            lines.append(pair_of(f"{kind}: id", self.id))
        lines += [pair_of(f"{kind}: {name}", text) for name, text in self.facts.items()]
        rights = self.rights
        links = {"licence": rights.address, "page": rights.homepage, "manifest": self._manifest}
        told = {"rights": rights.label, "required statement": rights.statement, **links}
        return lines + [pair_of(f"{kind}: {name}", text) for name, text in told.items() if text]

    @property
    def _manifest(self) -> str:
        return self.place.manifest if self.place else ""


def title_of(kind: Kind, name: str, row: Mapping[str, str]) -> str:
    """What a picture is called."""
    return _cell(row, "title") or (display_name(name) if kind == "artwork" else name)


def label_of(kind: Kind, name: str, row: Mapping[str, str]) -> str:
    """What a picture is called and whose it is, in one line."""
    artist = display_name(_cell(row, "artist"))
    return ", ".join(filter(None, (title_of(kind, name, row), artist)))


def licence_address(address: str) -> str:
    """The one address of a licence that documents may name (section 3.2 of Presentation 3.0).

    >>> licence_address("https://creativecommons.org/licenses/by/4.0/deed.de")
    'http://creativecommons.org/licenses/by/4.0/'
    >>> licence_address("https://rightsstatements.org/page/InC/1.0/?language=en")
    'http://rightsstatements.org/vocab/InC/1.0/'
    >>> licence_address("https://example.org/terms")
    ''
    """
    found = _LICENCE.fullmatch(address)
    if found is None:
        return ""
    return f"http://{found['cc'] or 'rightsstatements.org/vocab/' + found['rs']}/"


def museum_service(row: Mapping[str, str]) -> ImageService | None:
    """The image service of a museum, by the columns that `prepare step=iiif` writes."""
    address, profile = web_address(_cell(row, "image_service")), _cell(row, "image_profile")
    kind, _, level = profile.partition(" ")
    if not address or kind not in SERVICE_TYPES:
        return None
    known = level in ("level0", "level1", "level2")
    return ImageService(address.rstrip("/"), kind, int(level[-1]) if known else 0)


def text_of(text: str, language: str = "none") -> Json:
    """A text as documents have it. language: none where it is not known, as of names."""
    return {language: [text]}


def pair_of(label: str, value: str) -> Json:
    """A label of ours and what it says, as documents have it.

    Viewers take a value between < and > for HTML, so a text of that kind is made HTML that shows
    it; addresses become links.

    >>> pair_of("Drawing", "<b>")["value"]
    {'none': ['<span>&lt;b&gt;</span>']}
    """
    if web_address(value) == value:
        value = f'<a href="{escape(value)}">{escape(value)}</a>'
    elif value.startswith("<") and value.endswith(">"):
        value = f"<span>{escape(value)}</span>"
    return {"label": text_of(label, "en"), "value": text_of(value)}


def _cell(row: Mapping[str, str], column: str) -> str:
    return str(row.get(column, "")).strip()
