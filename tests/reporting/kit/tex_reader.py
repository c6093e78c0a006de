"""What TeX prints of text: enough of its rules to read what drawsim writes, and no more."""

from __future__ import annotations

import re

NAMED = {
    **{"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^"},
    **{"textless": "<", "textgreater": ">", "textbar": "|"},
}
TOKEN = re.compile(
    r"\\char(\d+)|\\ensuremath\{(.)\}|\\([a-zA-Z]+) *|\\(.)|([{}])|(~)|( +)|(.)", re.DOTALL
)
LIGATURES = ("--", "''", ",,", "?`", "!`", "``", "<<", ">>")


def printed(source: str) -> str:
    """The letters that a line of TeX prints. Fails for what would be no text: $, &, %, #, _, ^."""
    found: list[str] = []
    depth = 0
    plain = ""  # letters since the last token of another kind: they may join
    for match in TOKEN.finditer(source):
        code, mathematics, word, symbol, brace, tie, space, letter = match.groups()
        plain = plain + letter if letter else ""
        assert not plain.endswith(LIGATURES), source
        if brace:
            depth += 1 if brace == "{" else -1
            assert depth >= 0, source
        elif code:
            found.append(chr(int(code)))
        elif mathematics:
            found.append({"-": "−"}[mathematics])
        elif word:
            assert source[match.end() : match.end() + 2] == "{}", source  # else it eats a space
            found.append(NAMED[word])
        elif symbol:
            assert symbol in "{}&%#_$ ", source
            found.append(symbol)
        elif tie:
            found.append("\xa0")
        elif space:
            assert match.start() > 0, source
            assert match.end() < len(source), source
            found.append(" ")
        else:
            assert letter not in "$&%#_^", source
            found.append(letter)
    assert depth == 0, source
    return "".join(found)


def cells(row: str) -> list[str]:
    """The cells of a row of a tabular."""
    assert row.endswith(r" \\"), row
    return [cell.strip(" ") for cell in re.split(r"(?<!\\)&", row.removesuffix(r" \\"))]
