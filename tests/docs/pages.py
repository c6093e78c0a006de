"""What the documentation holds: its pages, their blocks of code, their links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


class Block(NamedTuple):
    """A block of code of a page: its language, and the code."""

    language: str
    code: str


def pages() -> list[Path]:
    """All pages of the site that lie in docs/."""
    return sorted(DOCS.rglob("*.md"))


def blocks(page: Path) -> list[Block]:
    """The blocks of code of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    return [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)]


def links(page: Path) -> list[str]:
    """What a page links to or shows; addresses of the web are left out."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [link for link in found if not re.match(r"\w+:", link)]


HELD = "# on a cluster\n"
"""First line of a block of shell lines that a tutorial only shows."""


def lines(code: str) -> list[str]:
    """The command lines of a block, each whole where it goes on over several."""
    code = re.sub(r"<<(\w+)\n.*?^\1$", "", code, flags=re.M | re.S)  # what is written into a file
    whole = code.replace("\\\n", " ").splitlines()
    return [line.strip() for line in whole if line.strip() and not line.lstrip().startswith("#")]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as MkDocs makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    plain = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings]
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}
