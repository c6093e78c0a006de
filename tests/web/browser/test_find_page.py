"""Find in a browser: by words, by an upload, by a part of a picture; and the match it finds."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from drawsim.web.pictures import cut
from drawsim.web.services import Services
from tests.web.browser.conftest import Visit
from tests.web.browser.visitor import Visitor
from tests.web.live import LiveServer


def found(page: Page) -> list[str]:
    """The ids of what was found, in order."""
    titles = page.locator("#results cite").all()
    return [title.get_attribute("title") or "" for title in titles]


def look_for(page: Page, text: str) -> None:
    words = page.get_by_role("searchbox")
    words.fill(text)
    words.press("Enter")
    expect(page.locator("#count")).to_contain_text(f"“{text}”")


def upload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": content}


def drag(page: Page, picture: Locator, box: tuple[float, float, float, float]) -> None:
    """Draw a box with the mouse: x, y, width, height as fractions."""
    expect(picture).to_be_visible()
    frame = picture.bounding_box()
    assert frame is not None
    x, y, width, height = box
    page.mouse.move(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"])
    page.mouse.down()
    page.mouse.move(
        frame["x"] + (x + width) * frame["width"], frame["y"] + (y + height) * frame["height"]
    )
    page.mouse.up()


def test_words_find_pictures_to_judge(live: LiveServer, visit: Visit) -> None:
    page = visit(live).open("/find")
    look_for(page, "A1")
    expect(page.locator("#count")).to_have_text("3 artworks with “A1”")
    assert found(page) == ["a1", "a10", "a11"]
    look_for(page, "nothing of the kind")
    expect(page.locator("#count")).to_contain_text("0 artworks")
    page.get_by_label("Drawings").check()
    look_for(page, "d3")
    page.get_by_role("link", name="Judge this drawing: d3").click()
    page.wait_for_url("**/judge?kind=drawing**")
    expect(page.locator("#query-title")).to_have_text("d3")


def test_going_back_comes_back_to_what_was_looked_for(live: LiveServer, visit: Visit) -> None:
    page = visit(live).open("/find")
    look_for(page, "a1")
    look_for(page, "a2")
    assert found(page) == ["a2"]
    page.go_back()
    expect(page.locator("#count")).to_contain_text("“a1”")
    assert found(page) == ["a1", "a10", "a11"]


def test_an_upload_finds_what_looks_like_it(
    live: LiveServer, visit: Visit, services: Services
) -> None:
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[:, :20] = (250, 20, 20)
    pixels[:, 20:] = (20, 20, 250)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    page = visit(live).open("/find")
    page.get_by_label("Choose a file").set_input_files(upload("red <b>.png", buffer.getvalue()))
    expect(page.locator("#count")).to_contain_text("nearest to the picture")
    expect(page.locator("#query-title")).to_have_text("red <b>.png")
    finder = services.finder
    assert found(page) == [each.id for each in finder.by_pixels(pixels, "drawing")]

    page.get_by_role("button", name="Draw a box").click()
    drag(page, page.locator("#query-viewer img"), (0.55, 0.1, 0.4, 0.8))  # the blue half
    expect(page.locator("#count")).to_contain_text("nearest to the marked part")
    blue = finder.by_pixels(pixels[:, 25:30], "drawing")
    assert found(page) == [each.id for each in blue]
    assert [each.id for each in blue] != [each.id for each in finder.by_pixels(pixels, "drawing")]
    page.get_by_role("button", name="Whole picture").click()
    expect(page.locator("#count")).to_contain_text("nearest to the picture")

    page.get_by_role("button", name="Another picture").click()
    page.get_by_label("Choose a file").set_input_files(upload("x.png", b"<svg onload='alert(1)'/>"))
    expect(page.locator("#count")).to_contain_text("The file is no picture")
    assert found(page) == []


def test_a_part_of_a_picture_is_looked_for_by_keyboard(
    live: LiveServer, visit: Visit, services: Services
) -> None:
    visitor = visit(live)
    page = visitor.open("/find?kind=artwork&like=a2")
    expect(page.locator("#count")).to_contain_text("8 drawings nearest to the picture")
    expect(page.locator("#query-viewer img")).to_be_visible()
    near = [each.id for each in services.finder.candidates("artwork", "a2", 0, 40)]
    assert found(page) == near
    visitor.press("b")
    expect(page.get_by_role("button", name="Draw a box")).to_have_attribute("aria-pressed", "true")
    page.locator("#query-title").click()  # Enter would press the button that has the focus
    with page.expect_response("**/api/find/box"):
        visitor.press("Enter")
    expect(page.locator("#count")).to_contain_text("nearest to the marked part")
    part = cut(services.pictures.pixels("artwork", "a2"), (0.25, 0.25, 0.5, 0.5))
    assert found(page) == [each.id for each in services.finder.by_pixels(part, "artwork")]
    with page.expect_response("**/api/find/box") as moved:
        visitor.press("Shift+ArrowRight")
    assert json.loads(moved.value.request.post_data or "")["box"] == [0.25, 0.25, 0.51, 0.5]


def test_the_match_is_graded_where_it_is_found(
    live: LiveServer, visit: Visit, services: Services
) -> None:
    visitor = visit(live)
    visitor.open("/judge?order=id")
    beyond = services.finder.candidates("drawing", "d0", 11, 1)[0].id  # the last of all
    page = visitor.page
    page.keyboard.press("f")
    page.wait_for_url("**/find?kind=drawing&for=d0")
    look_for(page, beyond)
    page.get_by_role("button", name=f"This is the match: {beyond}", exact=True).click()
    expect(visitor.card(beyond).locator(".badge")).to_have_text("Same work")
    visitor.saved()
    row = services.store.judgements().iloc[0]
    assert (row["drawing_id"], row["artwork_id"], row["grade"]) == ("d0", beyond, "same work")
    assert pd.isna(row["rank"])  # it was not in a list
    page.get_by_role("link", name="Back to judging").click()
    page.wait_for_url("**/judge*")
    visitor.ready()
    expect(page.get_by_role("button", name=f"{beyond}, graded same work")).to_be_visible()
    assert visitor.title == "d0"


def test_what_is_found_can_be_compared_and_graded_otherwise(
    live: LiveServer, visit: Visit, services: Services
) -> None:
    visitor = visit(live)
    page = visitor.open("/find?kind=drawing&for=d1&text=a7")
    expect(page.locator("#count")).to_have_text("1 artwork with “a7”")
    page.get_by_role("button", name="a7", exact=True).click()
    expect(page.locator("#compare")).to_be_visible()
    visitor.press("m", "Escape")
    expect(visitor.card("a7").locator(".badge")).to_have_text("Same motif")
    visitor.saved()
    assert list(services.store.judgements()["grade"]) == ["same motif"]


def test_a_picture_that_was_found_is_looked_with(desk: Visitor) -> None:
    page = desk.open("/find?text=a3")
    page.get_by_role("button", name="a3", exact=True).click()
    expect(page.locator("#query-title")).to_have_text("a3")
    expect(page.locator("#count")).to_have_text("8 drawings nearest to the picture")
    expect(page.locator("#judge-it")).to_have_attribute("href", "/judge?kind=artwork&id=a3")
