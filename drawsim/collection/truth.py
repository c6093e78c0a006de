"""Words for true and false, as programs and people write them.

Spreadsheets write TRUE in the language of their user: those here are of Excel and LibreOffice in
their own languages (Microsoft, "Excel functions (alphabetical)", TRUE and FALSE, by language).
"""

from __future__ import annotations

import unicodedata
from typing import Any

TRUE_WORDS = frozenset(
    (
        *("true", "1", "1.0", "1,0", "yes", "y", "t", "x", "✓", "✔", "☑", "on"),
        *("wahr", "ja", "vrai", "oui", "verdadero", "sí", "si", "vero", "sì", "waar"),
        *("verdadeiro", "sim", "истина", "да", "істина", "так", "prawda", "tak", "pravda", "ano"),
        *("áno", "igaz", "igen", "sand", "sant", "sann", "tosi", "kyllä", "doğru", "evet"),
        *("adevărat", "da", "αληθησ", "ναι", "cert", "真", "是", "はい", "예", "참"),
    )
)
FALSE_WORDS = frozenset(
    (
        *("false", "0", "0.0", "0,0", "no", "n", "f", "✗", "✘", "☒", "off"),
        *("falsch", "nein", "faux", "non", "falso", "onwaar", "nee", "não", "nao"),
        *("ложь", "нет", "хибність", "ні", "fałsz", "nie", "nepravda", "ne", "hamis", "nem"),
        *("falsk", "falskt", "nej", "nei", "usann", "epätosi", "ei", "yanlış", "yanliş", "hayır"),
        *("fals", "nu", "ψευδησ", "όχι", "οχι", "假", "否", "いいえ", "아니요", "거짓"),
    )
)


def truth(cell: str) -> bool | None:
    """What a cell says; None for any other word, and for none.

    >>> truth("WAHR"), truth(" faux "), truth("maybe"), truth("")
    (True, False, None, None)
    """
    word = unicodedata.normalize("NFC", cell).strip().casefold()
    return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None


def is_plain(cell: str) -> bool:
    """Whether a cell says it as drawsim does, in whatever capitals."""
    return cell.strip().casefold() in ("true", "false")


def truths(cells: Any) -> Any:
    """`truth` of each cell of a column."""
    known = {cell: truth(cell) for cell in cells.unique()}
    return cells.map(known)
