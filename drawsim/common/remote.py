"""Files behind s3:// and https://, and where their local copies lie.

A copy's path says which file it is of: everything that opens files takes such a path, and
`common/opening.py` fetches what is not there yet. Where a collection's files may come from, its
roots decide (`collection/paths.py`), never a row of a table.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from drawsim.common.errors import UserError, brief
from drawsim.common.files import user_cache
from drawsim.common.opening import REMOTE

SCHEMES = ("https", "s3")
OTHERS = ("http", "ftp", "ftps", "sftp", "gs", "gcs", "az", "abfs", "hdfs", "file", "data")
"""Schemes that are refused by name; anything else with a colon may be the name of a file."""
LONGEST = 2000
"""Characters of an address."""
LONGEST_PART = 180
"""Bytes of a part of it between slashes, in the name of its copy: file systems take 255."""


def is_remote(text: str) -> bool:
    """Whether a path of a table or a setting is an address, of a kind that is read or not.

    >>> is_remote("s3://bucket/a.png"), is_remote("http://host/a.png"), is_remote("a: b.png")
    (True, True, False)
    """
    scheme, colon, rest = text.partition("://")
    return bool(colon) and scheme.lower() in (*SCHEMES, *OTHERS) and bool(rest)


def why_none(url: str, *, folder: bool = False) -> str | None:
    """Why an address is not read; None: it may be. folder: it is that of a folder."""
    if len(url) > LONGEST or any(ord(letter) < 32 or letter in "\\\x7f" for letter in url):
        return "it is too long, or has letters that no address has"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in SCHEMES:
        return f"{parts.scheme}:// is not read, only {' and '.join(f'{s}://' for s in SCHEMES)}"
    if not host or parts.username is not None or parts.password is not None:
        return "it names no host, or a user besides"
    if parts.scheme == "https" and not is_host(host):
        return "its host has a name that no host has"
    if "#" in url or ("?" in url and (folder or parts.scheme == "s3")):
        return "it has a part behind # or ?"
    *folders, name = _segments(url)
    segments = [unquote(part) for part in (*folders, parts.path.rpartition("/")[2])]
    if any(part in (".", "..") or "/" in part or "\\" in part for part in segments):
        return "it goes up, or hides a slash"
    if not folder and not segments[-1]:
        return "it names no file"
    if any(len(_escaped(part).encode()) > LONGEST_PART for part in (*folders, name)):
        return "a part of it is too long"
    return None


def is_host(name: str) -> bool:
    """Whether a host may have this name (RFC 1035: parts of 1 to 63 letters, 253 in all).

    >>> is_host("a.example"), is_host("a..example"), is_host("a" * 64)
    (True, False, False)
    """
    with suppress(UnicodeError):
        return 0 < len(name.encode("idna")) <= 253
    return False


def folder_of(url: str) -> str:
    """The address of a folder in one spelling, with a slash at its end. Raises UserError."""
    if why := why_none(url, folder=True):
        raise UserError(f"{brief(url)}: cannot be read ({why})")
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}/"


def is_below(url: str, folder: str) -> bool:
    """Whether an address without complaint is in a folder, as `folder_of` spells it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}".startswith(folder)


def copies() -> Path:
    """Where copies lie: `remote` in drawsim's folder among the user's caches."""
    return user_cache() / REMOTE


def located(text: str, root: Path | None = None) -> Path:
    """Where a file is opened that a table of a folder names: in the folder, or as a copy."""
    if is_remote(text):
        return copy_of(text)
    return Path(text) if root is None else root / text


def named(path: Path) -> str:
    """What people call a file: the address of a copy, else its path."""
    return url_of(path) or str(path)


def copy_of(url: str) -> Path:
    """Where the copy of a file lies, which need not be there. Raises UserError for no address.

    Its name begins with a hash of the address: two that differ in capitals alone have two copies
    on every disk, and none is called as a folder.
    """
    if why := why_none(url):
        raise UserError(f"{brief(url)}: cannot be read ({why})")
    parts = urlsplit(url)
    *folders, name = map(_escaped, _segments(url))
    host = _escaped(parts.netloc.lower())
    return copies().joinpath(parts.scheme, host, *folders, f"{_mark(url)}-{name}")


def url_of(path: Path) -> str | None:
    """The address of a copy; None for any other path."""
    text, root = str(path), f"{copies()}{os.sep}"
    if not text.startswith(root):
        return None
    scheme, *parts = map(unquote, text[len(root) :].split(os.sep))  # noqa: PTH206
    if len(parts) < 2 or "-" not in parts[-1]:
        return None
    mark, _, parts[-1] = parts[-1].partition("-")
    url = f"{scheme}://{'/'.join(parts)}"
    return url if why_none(url) is None and _mark(url) == mark else None


def _segments(url: str) -> list[str]:
    """What is between the slashes behind the host; a query belongs to the last of it."""
    path, question, query = url.partition("://")[2].partition("?")
    *folders, name = path.split("/")[1:] or [""]
    return [*folders, name + question + query]


def _mark(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    whole = f"{scheme.lower()}://{host.lower()}{slash}{path}"
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _escaped(part: str) -> str:
    """A part of an address as the name of a file; `unquote` brings it back."""
    return re.sub(r'[%/\\:*?"<>|]', lambda found: f"%{ord(found[0]):02X}", part)
