"""What may be done with a picture, and what must be said with it, by what its museum says.

Sources: the addresses of licences of Creative Commons (https://creativecommons.org/licenses/) and
the twelve statements of https://rightsstatements.org/page/1.0/, by which IIIF and Europeana name
rights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import pandas as pd

from drawsim.collection.kinds import Kind
from drawsim.collection.tables import Collection

Use = Literal["free", "conditions", "no", "unknown"]
USES: dict[Use, str] = {
    "free": "may be published",
    "conditions": "may be published under conditions",
    "no": "may not be published without permission",
    "unknown": "not known",
}
"""Whether a picture may be published, from the freest: what is of several uses has the last."""

COLUMNS = ("rights", "required_statement", "homepage", "public_domain")
"""What tables say of rights, and where they say more."""
JOINED = "; "
SHORT = 60
"""Characters of a text that is no known licence, as a caption has it."""

_STATEMENTS: dict[str, tuple[str, Use]] = {
    "inc": ("In copyright", "no"),
    "inc-ow-eu": ("In copyright (EU orphan work)", "no"),
    "inc-edu": ("In copyright (educational use permitted)", "conditions"),
    "inc-nc": ("In copyright (non-commercial use permitted)", "conditions"),
    "inc-ruu": ("In copyright (rights-holder not found)", "no"),
    "noc-cr": ("No copyright (contractual restrictions)", "conditions"),
    "noc-nc": ("No copyright (non-commercial use only)", "conditions"),
    "noc-oklr": ("No copyright (other legal restrictions)", "conditions"),
    "noc-us": ("No copyright in the United States", "conditions"),
    "cne": ("Copyright not evaluated", "unknown"),
    "und": ("Copyright undetermined", "unknown"),
    "nkc": ("No known copyright", "free"),
}
_PUBLIC: tuple[str, Use] = ("Public domain", "free")
_OTHER_WORDS: dict[str, tuple[str, Use]] = {
    "public domain": _PUBLIC,
    "public domain mark": _PUBLIC,
    "public domain mark 1.0": _PUBLIC,
    "copyrighted": _STATEMENTS["inc"],
    "under copyright": _STATEMENTS["inc"],
    "in copyright - educational use permitted": _STATEMENTS["inc-edu"],
    "in copyright - non-commercial use permitted": _STATEMENTS["inc-nc"],
    "in copyright - eu orphan work": _STATEMENTS["inc-ow-eu"],
    "no copyright - united states": _STATEMENTS["noc-us"],
    "no copyright - contractual restrictions": _STATEMENTS["noc-cr"],
    "no copyright - non-commercial use only": _STATEMENTS["noc-nc"],
    "no copyright - other known legal restrictions": _STATEMENTS["noc-oklr"],
}
_WORDS = _OTHER_WORDS | {label.casefold(): (label, use) for label, use in _STATEMENTS.values()}
_CC_PATH = re.compile(
    r"/licenses/(by(?:-nc)?(?:-nd|-sa)?)(?:/(\d\.\d)(?:/(?!deed|legal)([a-z]{2,10}))?)?(?:/.*)?",
)
_CC_TEXT = re.compile(
    r"(?:cc|creative commons)[ _-]*(by(?:-nc)?(?:-nd|-sa)?)"
    r"(?:[ _-]*v?(\d\.\d))?(?:[ _-]([a-z]{2}))?"
)
_CC0_TEXT = re.compile(r"(?:cc[ -]?0|cc[ -]?zero)(?:[ -]?1\.0)?")
_RESERVED = re.compile(r"©|\(c\)|\ball rights reserved\b|\bunder copyright\b", re.IGNORECASE)
_SAYS_YES, _SAYS_NO = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})


@dataclass(frozen=True)
class Rights:
    """What is known of the rights in a picture.

    label: the licence or statement, shortly; "" if nothing is said. address: of the licence, where
    it has one on the web. statement: what must be said with the picture. homepage: where its museum
    says more. use: whether it may be published.
    """

    label: str = ""
    address: str = ""
    statement: str = ""
    homepage: str = ""
    use: Use = "unknown"

    @property
    def line(self) -> str:
        """What stands below the picture.

        >>> Rights("CC BY 4.0", statement="Museum Example").line
        'CC BY 4.0, Museum Example'
        """
        return ", ".join(filter(None, (self.label, self.statement)))


NOTHING = Rights()


def rights_of(row: Mapping[str, object]) -> Rights:
    """The rights in a picture from the cells of its row.

    Without a licence that is known, the column `public_domain` of museums counts.
    """
    cells = {name: _text(row.get(name)) for name in COLUMNS}
    label, use = licence(cells["rights"])
    if use == "unknown" and (said := cells["public_domain"].casefold()):
        if said in _SAYS_YES:
            label, use = label or _PUBLIC[0], "free"
        elif said in _SAYS_NO:
            label, use = label or "Not in the public domain", "no"
    return Rights(
        label,
        web_address(cells["rights"]),
        cells["required_statement"],
        web_address(cells["homepage"]),
        use,
    )


def rights_in(collection: Collection) -> dict[tuple[Kind, str], Rights]:
    """The rights in the pictures of a collection of which anything is said, by kind and id."""
    found: dict[tuple[Kind, str], Rights] = {}
    tables: dict[Kind, pd.DataFrame] = {
        "drawing": collection.drawings,
        "artwork": collection.artworks,
    }
    for kind, table in tables.items():
        told = [name for name in COLUMNS if name in table.columns]
        rows = table[told].to_dict("records") if told else []
        for name, row in zip(table.index, rows, strict=False):
            rights = rights_of({str(column): cell for column, cell in row.items()})
            if rights != NOTHING:
                found[kind, str(name)] = rights
    return found


def licence(text: str) -> tuple[str, Use]:
    """A licence or statement of rights in a few words, and whether it lets one publish.

    text: an address of Creative Commons or rightsstatements.org, by http or https, with or without
    a slash at its end, page or language; their names; several of them, joined by "; "; or any other
    text, which is then shortened, and of unknown use unless it claims a copyright.

    >>> licence("http://creativecommons.org/licenses/by/4.0/deed.de")
    ('CC BY 4.0', 'free')
    >>> licence("https://rightsstatements.org/page/InC/1.0/?language=en")
    ('In copyright', 'no')
    >>> licence("Ask the museum")
    ('Ask the museum', 'unknown')
    """
    parts = text.split(JOINED)
    known = [found for part in parts if (found := _known(part.strip()))]
    if known and len(known) == len(parts):
        uses = list(USES)
        strictest = max((use for _, use in known), key=uses.index)
        return " and ".join(dict.fromkeys(label for label, _ in known)), strictest
    plain = " ".join(text.split())
    short = plain if len(plain) <= SHORT else f"{plain[: SHORT - 1].rstrip()}…"
    return short, "no" if _RESERVED.search(plain) else "unknown"


def licence_key(text: str) -> str:
    """What two spellings of one licence have in common; any other text is its own.

    >>> licence_key("cc-by 4.0") == licence_key("https://creativecommons.org/licenses/by/4.0")
    True
    """
    known = _known(text.strip())
    return known[0] if known else text


def web_address(text: str) -> str:
    """The first address of the web that stands alone in a text; "": there is none."""
    for part in text.split(JOINED):
        address = part.strip()
        if re.fullmatch(r"https?://[^\s\"'<>\\]+", address) and address.isprintable():
            return address
    return ""


def _known(text: str) -> tuple[str, Use] | None:
    """A licence that is known, by its address or its name."""
    small = text.casefold()
    if small.startswith(("http://", "https://")):
        return _by_address(small)
    if small in _WORDS:
        return _WORDS[small]
    if _CC0_TEXT.fullmatch(small):
        return "CC0", "free"
    found = _CC_TEXT.fullmatch(small)
    return _creative_commons(found) if found else None


def _by_address(url: str) -> tuple[str, Use] | None:
    try:
        parts = urlsplit(url)
        host, path = (parts.hostname or "").removeprefix("www."), parts.path
    except ValueError:
        return None
    if host == "rightsstatements.org":
        names = path.strip("/").split("/")
        return _STATEMENTS.get(names[1]) if len(names) > 1 else None
    if host != "creativecommons.org":
        return None
    if path.startswith("/publicdomain/zero"):
        return "CC0", "free"
    if path.startswith(("/publicdomain/mark", "/licenses/publicdomain", "/publicdomain/cert")):
        return _PUBLIC
    found = _CC_PATH.fullmatch(path)
    return _creative_commons(found) if found else None


def _creative_commons(found: re.Match[str]) -> tuple[str, Use]:
    kind, version, country = found.groups()
    label = " ".join(filter(None, ("CC", kind.upper(), version, country and country.upper())))
    return label, "conditions" if "nc" in kind or "nd" in kind else "free"


def _text(cell: object) -> str:
    return cell.strip() if isinstance(cell, str) else ""
