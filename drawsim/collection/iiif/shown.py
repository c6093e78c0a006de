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

COLUMNS = ("artist", "date", "year", "medium", "age_group", "country")
"""Columns that are told of a picture unless somebody wants others."""
_RIGHTS = re.compile(r"https?://(creativecommons\.org|rightsstatements\.org)/\S+")
_WEB = re.compile(r"https?://[^\s\"<>]+")


@dataclass(frozen=True)
class Shown:
    """A picture that a document shows.

    title: the id where nothing else is known; label: title and artist. facts: name -> text, as they
    are told. rights: a text or an address. place: on the canvas of its museum. source: where
    viewers get it.
    """

    kind: Kind
    id: str
    title: str
    label: str
    source: Source
    facts: Mapping[str, str] = field(default_factory=dict)
    rights: str = ""
    statement: str = ""
    homepage: str = ""
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
        rights, statement = _cell(row, "rights"), _cell(row, "required_statement")
        return cls(
            kind,
            name,
            title_of(kind, name, row),
            label_of(kind, name, row),
            source,
            told,
            rights,
            statement,
            _web(_cell(row, "homepage")),
            place,
        )

    @property
    def image(self) -> Json:
        """The picture as a content resource, with its rights and where it is from."""
        found = self.source.json | {"label": text_of(self.label)}
        if _RIGHTS.fullmatch(self.rights):
            found["rights"] = self.rights
        if said := "\n".join(filter(None, (self._rights_in_words, self.statement))):
            found["requiredStatement"] = pair_of("Rights", said)
        if self.homepage:
            found["homepage"] = [
                {
                    "id": self.homepage,
                    "type": "Text",
                    "format": "text/html",
                    "label": text_of(self.title),
                }
            ]
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
        if self.rights:
            lines.append(pair_of(f"{kind}: rights", self.rights))
        if self.statement:
            lines.append(pair_of(f"{kind}: required statement", self.statement))
        for name, address in (("page", self.homepage), ("manifest", self._manifest)):
            if address:
                lines.append(pair_of(f"{kind}: {name}", address))
        return lines

    @property
    def credit(self) -> str:
        """What must be said of the picture's rights, in a line; empty where nothing must."""
        return " – ".join(filter(None, (self.statement, self.rights)))

    @property
    def _rights_in_words(self) -> str:
        return "" if _RIGHTS.fullmatch(self.rights) else self.rights

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


def museum_service(row: Mapping[str, str]) -> ImageService | None:
    """The image service of a museum, by the columns that `prepare step=iiif` writes."""
    address, profile = _web(_cell(row, "image_service")), _cell(row, "image_profile")
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
    if _WEB.fullmatch(value):
        value = f'<a href="{escape(value)}">{escape(value)}</a>'
    elif value.startswith("<") and value.endswith(">"):
        value = f"<span>{escape(value)}</span>"
    return {"label": text_of(label, "en"), "value": text_of(value)}


def _cell(row: Mapping[str, str], column: str) -> str:
    return str(row.get(column, "")).strip()


def _web(text: str) -> str:
    return text if _WEB.fullmatch(text) else ""
