"""Ids, titles, names and notes that are attacks stay texts, whatever the scripts do with them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import expect

from drawsim.collection.tables import Collection
from tests.web.browser.conftest import Visit
from tests.web.live import LiveServer
from tests.web.security.attacks import ATTACKS, attacked

TEXT = " ".join(ATTACKS)


def test_no_text_runs(collection: Collection, visit: Visit, tmp_path: Path) -> None:
    """Also not in vain: the policy would report what it stopped, and the visit fails on that."""
    name = quote(TEXT)
    with LiveServer(attacked(tmp_path / "attacked", collection, TEXT)) as server:
        visitor = visit(server)
        page = visitor.page
        for path, keys in (
            (f"/judge?id={name}", ["1", "c", "ArrowRight", "Escape", "t", "Escape", "?", "Escape"]),
            (f"/judge?kind=artwork&id={name}", ["1", "c", "c", "Escape", "u"]),
            (f"/judge?where={name}", []),
            (f"/find?for={name}&text=script", []),
            (f"/find?kind=artwork&like={name}", []),
            ("/progress", []),
            ("/review", []),
            (f"/review?annotator={name}", []),
            ("/review/disagreements", []),
            ("/review/pairs?grade=unsure", []),
            (f"/judge?kind={name}", []),
        ):
            page.goto(path)
            page.wait_for_load_state()
            for key in keys:
                visitor.press(key)
            if "where=" not in path:
                expect(page.locator("body")).to_contain_text("window.hacked", ignore_case=True)
            assert page.evaluate("[window.hacked ?? null, window.violations]") == [None, []]
            assert page.evaluate("document.querySelectorAll('[onerror], [onload]').length") == 0
