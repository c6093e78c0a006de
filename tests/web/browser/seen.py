"""What can be seen, named and reached on a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SCRIPT = Path(__file__).with_name("seen.js").read_text(encoding="utf-8")
INTERACTIVE = {
    *("button", "link", "textbox", "searchbox", "combobox", "listbox", "radio", "checkbox"),
    *("DisclosureTriangle", "menuitem", "slider", "spinbutton", "tab", "Date", "InputTime"),
}
"""Roles of Chromium's accessibility tree that people act on."""


@dataclass(frozen=True)
class Node:
    """A node of the accessibility tree, as a screen reader is told."""

    role: str
    name: str


def interactive(page: Page) -> list[Node]:
    """What people can act on, with the names that Chromium computes."""
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    found = []
    for node in nodes:
        role = str(node.get("role", {}).get("value", ""))
        if role in INTERACTIVE and not node["ignored"]:
            found.append(Node(role, str(node.get("name", {}).get("value", "")).strip()))
    return found


def texts(page: Page) -> list[dict[str, Any]]:
    """Every visible text: `text`, `tag` and `contrast` with what is painted under it."""
    found: list[dict[str, Any]] = page.evaluate(f"{SCRIPT.strip()}.texts()")
    return found


def overflowing(page: Page) -> list[str]:
    """What does not fit into the width of the window."""
    found: list[str] = page.evaluate(f"{SCRIPT.strip()}.overflowing()")
    return found


def covered(page: Page, selector: str) -> list[str]:
    """Which of the elements that a selector names are cut off, or lie under others."""
    found: list[str] = page.evaluate(f"(selector) => {SCRIPT.strip()}.covered(selector)", selector)
    return found


def untabbed(page: Page) -> list[str]:
    """What can be acted on, and is not reached by pressing Tab."""
    left = """(() => {
      window.stops.delete(document.activeElement);
      return [...window.stops].map((element) => element.outerHTML.slice(0, 160));
    })()"""
    page.evaluate(f"{{ window.stops = new Set({SCRIPT.strip()}.tabStops()); 0; }}")
    names: list[str] = page.evaluate(left)
    for _ in range(2 * len(names) + 10):
        if not names:
            break
        page.keyboard.press("Tab")
        names = page.evaluate(left)
    return names
