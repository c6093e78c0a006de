"""Everything can be named, reached by keyboard, read in light and dark, and fits the window."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.web.browser import fonts
from tests.web.browser.seen import covered, interactive, overflowing, texts, untabbed
from tests.web.browser.states import Shown

SIZES = ((1280, 720), (1024, 768), (768, 1024), (400, 800))
TOOLS = ".desk button, .top a, .top summary, .search input, .search button, dialog[open] button"
"""What must be in sight whatever the size of the window."""


def test_everything_that_can_be_used_has_a_name(shown: Shown) -> None:
    nodes = interactive(shown.page)
    assert nodes
    assert [node for node in nodes if not node.name] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read(shown: Shown, scheme: str) -> None:
    shown.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found = texts(shown.page)
    assert found
    assert [text for text in found if text["contrast"] < 4.5] == []


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("font", fonts.FONTS)
def test_nothing_is_beyond_the_window(shown: Shown, font: str, size: tuple[int, int]) -> None:
    shown.page.set_viewport_size({"width": size[0], "height": size[1]})
    fonts.use(shown.page, font)
    shown.page.evaluate("scrollTo(0, 0)")
    try:
        assert overflowing(shown.page) == []
        tools = "dialog[open] button" if shown.page.locator("dialog[open]").count() else TOOLS
        if not shown.page.locator("details.menu[open]").count():  # an open menu covers what it must
            assert covered(shown.page, tools) == []
    finally:
        fonts.drop(shown.page)


def test_everything_is_reached_by_tab(shown: Shown) -> None:
    assert untabbed(shown.page) == []


def test_contrast_and_width_are_measured_right(chromium: Browser) -> None:
    """On pages whose answers are known: #777 on white is just short of AA."""
    page = chromium.new_page(viewport={"width": 300, "height": 200})
    page.set_content(
        """<body style="margin:0; background:#fff">
        <p style="color:#777">gray</p><p style="color:#000">black</p>
        <p style="color:#fff; background:#000">white</p>
        <p style="color:#000; opacity:.5">faded</p>
        <div style="background:rgb(0 0 0 / 50%)"><p style="color:#000">shaded</p></div>
        <p style="color:#fff" hidden>hidden</p></body>"""
    )
    found = {text["text"]: text["contrast"] for text in texts(page)}
    assert found == {
        "gray": pytest.approx(4.48, abs=0.01),
        "black": pytest.approx(21),
        "white": pytest.approx(21),
        "faded": pytest.approx(3.98, abs=0.05),  # as #808080, 3.95, or 3.98 with rounding
        "shaded": pytest.approx(5.28, abs=0.05),
    }
    assert overflowing(page) == []
    page.set_content(
        """<button style="position:absolute; left:280px; width:90px">beyond</button>
        <a href="x">below</a><div style="position:absolute; inset:0 200px 0 0"></div>
        <input tabindex="-1" aria-label="never">"""
    )
    assert [each.split("#")[0] for each in overflowing(page)] == ["the page", "button"]
    assert [each[:2] for each in covered(page, "a")] == ["<a"]
    assert [each[:6] for each in untabbed(page)] == ["<input"]
    page.set_content("<button></button><button aria-label='named'></button>")
    assert [node.name for node in interactive(page)] == ["", "named"]
    page.close()
