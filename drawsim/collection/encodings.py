"""From the bytes of a table to its text, in whatever encoding a spreadsheet wrote it.

A table is UTF-8 or says by its first bytes (BOM) that it is UTF-8, UTF-16 or UTF-32. What is
neither comes from older programs: "CSV" of Excel is Windows-1252 in western Europe, and "CSV
(Macintosh)" is Mac Roman; DOS programs used code page 850. Every byte means something in each;
which is meant shows in the words, since a capital or a sign within a word, or letters that no
language has together, are no names. A table is read as one of them only if its words are such in
this one alone; DOS is so rare that it does not stand against Windows.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

_BOMS = (  # that of UTF-32 begins like that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig", ""),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_OLDER = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman", "cp850": "DOS 850"}
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How the files of Excel and LibreOffice begin, and of Excel before 2007."""
_CURE = "save it as CSV UTF-8"
_ALPHABETS = tuple(
    map(
        frozenset,
        (
            "àâæçèéêëîïôùûüÿœ",  # French
            "äöüßéàè",  # German, and what it borrows
            "áéíñóúüçàèòï",  # Spanish, Catalan
            "àèéìíîòóùú",  # Italian
            "àáâãçéêíóôõúü",  # Portuguese
            "áäèéëïíóöúü",  # Dutch
            "åäöæøéüó",  # Swedish, Danish, Norwegian, Finnish
            "áðéíóúýþæö",  # Icelandic
            "šžäöüõ",  # Estonian
            "áéíóöúü",  # Hungarian, as far as these encodings go
        ),
    )
)
"""Letters that the languages of western Europe have beyond a to z, those of one language each."""
_MARKS = "’‘“”–—…«»°€£§©®×·½¼¾¡¿•™„‚‹›²³\u00a0"
_BINDING = "’‘–—·"  # may stand between two letters
_OPENING = "«»“”„‚‹›¡¿©°\u00a0"
_CLOSING = "«»“”‘‹›…°²³®™\u00a0"
_WITHIN = re.compile(r"[^\W\d_]([«»“”„‚‹›…°²³®™\u00a0]|·(?!l))[^\W\d_]")
_MATHS = "ªº"  # a word has them after a figure alone
FEW, MANY = 0.02, 0.2
"""Shares of odd words: of the encoding that is meant at most, and of the others at least."""


@dataclass(frozen=True)
class Decoded:
    """text: without a BOM. encoding: for people, empty for UTF-8."""

    text: str
    encoding: str = ""


@dataclass(frozen=True)
class NotText:
    """Why bytes are no text: row (header = 1), what is wrong, cure."""

    row: int | None
    what: str
    cure: str = _CURE


def decode(data: bytes) -> Decoded | NotText:
    """The text of a table, or why there is none that is surely meant.

    >>> decode("id;artist\\r\\n1;Dürer".encode("cp1252"))
    Decoded(text='id;artist\\r\\n1;Dürer', encoding='Windows-1252')
    >>> decode(b"id;path\\r\\n1;K\\x9anig.jpg").what
    "not UTF-8: reads 'Kšnig.jpg' (Windows-1252) or 'König.jpg' (Mac Roman)"
    """
    for mark, encoding, name in _BOMS:
        if data.startswith(mark):
            try:
                return Decoded(data.decode(encoding), name)
            except UnicodeDecodeError as error:
                said = name or "UTF-8"
                return NotText(_row(error), f"begins as {said} and goes on otherwise")
    if data.startswith(_SPREADSHEETS):
        return NotText(None, "is a spreadsheet as its program keeps it")
    if b"\0" in data:
        wide = _without_bom(data)
        return wide or NotText(data[: data.index(b"\0")].count(b"\n") + 1, "holds a NUL: no text")
    try:
        return Decoded(data.decode())
    except UnicodeDecodeError as error:
        return _older(data, _row(error))


def _row(error: UnicodeDecodeError) -> int:
    return error.object[: error.start].count(b"\n") + 1


def _without_bom(data: bytes) -> Decoded | None:
    """UTF-16 shows without a BOM: every other byte of the header is NUL."""
    for encoding, at in (("utf-16-le", 1), ("utf-16-be", 0)):
        head = data[:64]
        if len(data) % 2 == 0 and not any(head[at::2]) and all(head[1 - at :: 2]):
            try:
                return Decoded(data.decode(encoding), "UTF-16")
            except UnicodeDecodeError:
                return None
    return None


def _older(data: bytes, row: int) -> Decoded | NotText:
    """Bytes that are not UTF-8, if the words are such in one encoding alone.

    Of many words a few may be of a language that is not thought of here.
    """
    tries = {encoding: data.decode(encoding, "replace") for encoding in _OLDER}
    # The sign of replacement stands for a byte that an encoding has no letter for.
    texts = {encoding: text for encoding, text in tries.items() if "\ufffd" not in text}
    # In all, line ends and blanks are what they are in ASCII: words stand at the same places.
    words = {name: _foreign_words(text) for name, text in texts.items()}
    odd = {name: [not _is_word(word) for word in found] for name, found in words.items()}
    shares = {name: sum(some) / len(some) for name, some in odd.items()}
    best, *rest = sorted(shares, key=lambda name: shares[name])
    rest = [name for name in rest if (best, name) != ("cp1252", "cp850")]
    least = min((shares[name] for name in rest), default=1.0)
    if (shares[best] == 0 < least) or (shares[best] <= FEW and least >= MANY):
        return Decoded(texts[best], _OLDER[best])
    if shares[best] == 0:
        both = " or ".join(f"{words[name][0]!r} ({_OLDER[name]})" for name in (best, rest[0]))
        return NotText(row, f"not UTF-8: reads {both}")
    word = words[best][odd[best].index(True)]
    what = f"not UTF-8, and of no other known encoding ({_OLDER[best]} would give {word!r})"
    return NotText(row, what)


def _foreign_words(text: str) -> list[str]:
    """The distinct words with letters or signs beyond ASCII, by first appearance."""
    found = re.findall(r"[^\s,;|\"]*[^\x00-\x7f][^\s,;|\"]*", text)
    return list(dict.fromkeys(found))


def _is_word(word: str) -> bool:
    """Whether this can stand in a table of western Europe."""
    if any(
        not (c.isascii() or c in _MARKS or unicodedata.category(c) in ("Lu", "Ll", "Lo"))
        or c in _MATHS
        for c in word
    ):
        return False
    if _WITHIN.search(word):
        return False
    for part in re.findall(r"[^\W\d_]+", word):
        letters = {c for c in part.lower() if not c.isascii()}
        if letters and not any(letters <= alphabet for alphabet in _ALPHABETS):
            return False
        if len(part) > 2 and 3 * sum(not c.isascii() for c in part) > 2 * len(part):
            return False
    return not any(_breaks(*two) for two in pairwise(f" {word} "))


def _breaks(one: str, other: str) -> bool:
    """Whether two neighbours are never so within a word: eÉ, 2é, …e, e¡, é{."""
    if one.isascii() and other.isascii():
        return False
    if one.islower() and other.isupper():
        return True
    if {one, other} & set("{}[]\\^~@<>"):
        return True
    if one.isalpha() or other.isalpha():
        sign = other if one.isalpha() else one
        if sign in _MARKS and sign not in _BINDING:
            return sign not in (_CLOSING if one.isalpha() else _OPENING)
        return sign.isdigit()
    return one in "¡¿"
