"""How ids stand in addresses and in names of files: in letters that every server and disk takes."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote, unquote

LONGEST_FILE = 48
"""Letters of a file's name, before the end that tells it from others."""
_NAME = re.compile(r"(?:[A-Za-z0-9_.-]|~[0-9A-F]{2})+")


def url_name(text: str) -> str:
    """A text as one part of a path: percent encoding with ~ for %, which no server decodes itself.

    >>> url_name("d 1/é~"), url_name("..")
    ('d~201~2F~C3~A9~7E', '~2E~2E')
    """
    name = quote(text, safe="").replace("~", "%7E").replace("%", "~")
    return name.replace(".", "~2E") if not name.strip(".") else name


def named(name: str) -> str | None:
    """The text that `url_name` made a name of; None: it has made no such name.

    >>> named("d~201~2F~C3~A9~7E"), named("a/b"), named("~C3"), named("")
    ('d 1/é~', None, None, None)
    """
    if not _NAME.fullmatch(name):
        return None
    try:
        text = unquote(name.replace("~", "%"), errors="strict")
    except UnicodeDecodeError:
        return None
    return text if url_name(text) == name else None


def file_name(*texts: str) -> str:
    """A name of a file or folder that no other texts have, not even where capitals do not count.

    >>> file_name("d1"), file_name("D1 é", "a")
    ('d1', 'd1-_a-8cda8d85ff30')
    """
    whole = "_".join(texts)
    plain = re.sub(r"[^a-z0-9._-]+", "-", whole.lower())[:LONGEST_FILE].strip(".")
    if len(texts) == 1 and plain == whole and plain:
        return plain
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]
    return f"{plain}-{digest}"
