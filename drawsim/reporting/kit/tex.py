"""Text of any kind for LaTeX: it prints what the text says, with pdflatex as with others."""

from __future__ import annotations

import re
import unicodedata

from drawsim.common.opening import printable

COMMANDS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",  # active in babel's German
    "`": r"{\char96}",
    "−": r"\ensuremath{-}",
    "\xa0": "~",
    **{letter: f"\\{letter}" for letter in "{}&%#_$"},
    **{letter: f"{{{letter}}}" for letter in "[]*"},  # behind \\ they would be options of it
}
"""What stands for characters that mean something else to TeX, or that its fonts lack."""
_MEANT = re.compile("|".join(map(re.escape, COMMANDS)))
_JOINED = re.compile(r"(?<=([-',!?]))(?=\1)")
"""Between letters that TeX would set as one: dashes, closing quotes."""
_SPACES = re.compile(r"^ | (?= )| $")
_KNOWN = re.compile("[ -~\xa0-ĥĨ-ķĹ-ľŁ-ňŊ-ťŨ-žȘ-ț–—‘-‚“-„†-•…€−]*")
"""What pdflatex prints with T1 fonts; found by printing every letter of these blocks."""
_P = re.compile(r"p (?:(=)|\\textless\{\}) ([\d.]*\d)")


def escaped(text: str) -> str:
    r"""The text as LaTeX prints it, in cells, captions and sentences.

    Characters that cannot be printed are shown as Python's escapes.

    >>> escaped("50 % of A_b & [c]"), escaped("a--b~ ")
    ('50 \\% of A\\_b \\& {[}c{]}', 'a-{}-b\\textasciitilde{}\\ ')
    """
    own = printable(unicodedata.normalize("NFC", text))
    own = _MEANT.sub(lambda found: COMMANDS[found[0]], own)
    return _SPACES.sub(r"\\ ", _JOINED.sub("{}", own))


def sentence(text: str) -> str:
    r"""A sentence of a report, its p-values set as such.

    >>> sentence("It stands: +0.1, 0.0 to 0.2, p < 0.001.")
    'It stands: +0.1, 0.0 to 0.2, $p < 0.001$.'
    """
    return _P.sub(lambda found: f"$p {found[1] or '<'} {found[2]}$", escaped(text))


def foreign(text: str) -> str:
    """The characters of a text that pdflatex cannot print, each once.

    >>> foreign("Käthe"), foreign("Käthe Жар")
    ('', 'Жар')
    """
    own = printable(unicodedata.normalize("NFC", text))
    return "".join(dict.fromkeys(letter for letter in own if not _KNOWN.fullmatch(letter)))
