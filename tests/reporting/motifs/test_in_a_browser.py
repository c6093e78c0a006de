"""The page in Chromium, opened from a file as people do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from drawsim.reporting.kit.folder import Folder
from drawsim.reporting.motifs.page import write_motifs_page
from drawsim.reporting.motifs.view import MotifsView
from drawsim.retrieval.motifs.files import Motif
from tests.reporting.motifs.conftest import HOSTILE
from tests.web.browser.visitor import VIOLATIONS, started

MANY = 40


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def file(view: MotifsView, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the two motifs and of MANY more, which have no pictures."""
    others = tuple(
        Motif(str(number), tuple(f"other-{number}-{k}" for k in range(3)), f"other-{number}-0", 0.9)
        for number in range(3, 3 + MANY)
    )
    assert view.sources is not None
    none = view.sources.by_motif["2"]
    by_motif = {**view.sources.by_motif, **{motif.id: none for motif in others}}
    sources = replace(
        view.sources, by_motif=by_motif, paired={**dict.fromkeys(by_motif, 0), "1": 3}
    )
    found = replace(view.found, motifs=(*view.found.motifs, *others), drawings=9 + 3 * MANY)
    shown = replace(view, found=found, sources=sources)
    return write_motifs_page(shown, Folder(tmp_path_factory.mktemp("motifs"), "motifs"), 1)


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    """The page as it opens; it must break no rule that it sets itself."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(VIOLATIONS)
    page.goto(file.as_uri())
    yield page
    assert errors == []
    assert page.evaluate("violations") == []
    page.close()


def test_finds_orders_and_draws_a_few_at_a_time(page: Page) -> None:
    motifs = page.locator(".motif")
    expect(page.locator("#count")).to_have_text(f"{2 + MANY} motifs")
    assert 2 < motifs.count() < 2 + MANY
    expect(motifs.first.locator("h3")).to_contain_text("Boats Motif 1 · 4 drawings")
    page.locator("#order").select_option("stability")
    expect(motifs.first.locator("h3")).to_contain_text("Motif 2")
    page.locator("#order").select_option("name")
    expect(motifs.first.locator("h3")).to_contain_text("Boats")
    expect(motifs.first.locator(".tags li")).to_have_text(["sea", HOSTILE])
    expect(motifs.first.locator(".tiles .out")).to_have_count(1)
    page.locator("#find").fill("greece")
    expect(motifs).to_have_count(1)
    expect(page.locator("#count")).to_have_text(f"1 of {2 + MANY} motifs")
    page.locator("#find").fill("regatta nowhere")
    expect(page.locator("#count")).to_have_text("No motif has that")
    page.locator("#find").fill("")
    page.locator("#source").select_option("known")
    expect(motifs).to_have_count(1)
    page.evaluate(f"location.hash = 'motif-{1 + MANY}'")
    expect(page.locator(f"#motif-{1 + MANY}")).to_be_in_viewport()


def test_pictures_load_and_ids_are_texts(page: Page) -> None:
    tiles = page.locator("#motif-1 .tiles img")
    expect(tiles).to_have_count(4)
    tiles.first.scroll_into_view_if_needed()
    expect(tiles.first).to_have_js_property("complete", True)
    assert tiles.first.evaluate("(picture) => picture.naturalWidth") > 0
    page.locator("#motif-1 .who").scroll_into_view_if_needed()
    assert page.locator("#motif-1 .map .mark").count() == 2
    hostile = page.locator("#motif-2 .tiles .picture")
    expect(hostile).to_have_attribute(
        "aria-label", "Drawing <img src=x onerror=alert(1)></script>, picture not available"
    )


@pytest.mark.parametrize("width", [400, 768])
def test_nothing_is_wider_than_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
