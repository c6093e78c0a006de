"""A page as its reader gets it: elements, text, and whatever it would fetch."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text outside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data

    def of(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def count(self, tag: str, **attributes: str) -> int:
        """How many elements have these attributes; `cls` stands for class."""
        wanted = {"class": attributes["cls"]}
        return sum(wanted.items() <= own.items() for own in self.of(tag))

    @property
    def fetched(self) -> list[str]:
        """Addresses that the page would load or link to, beside its own parts."""
        given = [own.get(name, "") for _, own in self.elements for name in ("src", "href")]
        return [link for link in given if link and not link.startswith(("#", "data:"))]
