"""Judging in a browser: by keyboard, without a mouse and without loading the page again."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Route, expect

from drawsim.web.queue.queue import Queue
from drawsim.web.services import Services
from tests.web.browser.conftest import Visit
from tests.web.browser.visitor import Visitor, until
from tests.web.live import LiveServer

LETTERS = {
    "w": ("same work", "Same work"),
    "m": ("same motif", "Same motif"),
    "y": ("style only", "Style only"),
    "d": ("different", "Different"),
    "q": ("unsure", "Unsure"),
}


def listed(services: Services, drawing: str) -> list[str]:
    """The candidates of a drawing, the nearest first."""
    return [each.id for each in services.finder.candidates("drawing", drawing, 0, 12)]


def grades(services: Services) -> dict[tuple[str, str], str]:
    table = services.store.judgements()
    pairs = zip(table["drawing_id"], table["artwork_id"], strict=True)
    return dict(zip(pairs, table["grade"], strict=True))


def answers(services: Services) -> dict[str, str]:
    table = services.store.answers()
    return dict(zip(table["id"], table["answer"], strict=True))


def the_only(table: pd.DataFrame) -> pd.Series[Any]:
    assert len(table) == 1
    return table.iloc[0]


def test_a_digit_says_same_work(desk: Visitor, services: Services) -> None:
    names = listed(services, "d0")
    desk.press("2")
    expect(desk.card(names[1]).locator(".badge")).to_have_text("Same work")
    expect(desk.page.locator("#status")).to_have_text("Saved")
    desk.saved()
    row = the_only(services.store.judgements())
    shown = services.finder.candidates("drawing", "d0", 1, 1)[0]
    assert (row["artwork_id"], row["grade"], row["annotator"]) == (names[1], "same work", "local")
    assert (row["rank"], row["score"]) == (2, pytest.approx(shown.score))
    assert row["index_sha256"] == services.finder.made_with.index_sha256
    desk.press("2")  # again: taken away
    desk.saved()
    assert grades(services) == {}
    expect(desk.card(names[1]).locator(".badge")).to_be_hidden()


def test_arrows_move_and_letters_grade(desk: Visitor, services: Services) -> None:
    names = listed(services, "d0")
    for place, (letter, (_, label)) in enumerate(LETTERS.items()):
        assert desk.current == names[place]
        desk.press(letter)
        expect(desk.card(names[place]).locator(".badge")).to_have_text(label)
        pressed = desk.page.locator("#grades [aria-pressed=true]")
        expect(pressed).to_have_attribute("data-grade", LETTERS[letter][0])
        desk.press("ArrowRight")
    desk.press("ArrowLeft", "ArrowLeft")
    desk.press("m")  # changes the mind
    desk.saved()
    expected = {("d0", name): grade for name, (grade, _) in zip(names, LETTERS.values())}  # noqa: B905
    assert set(grades(services)) >= set(expected)
    changed = next(pair for pair, grade in grades(services).items() if grade != expected[pair])
    assert grades(services)[changed] == "same motif"


def test_more_candidates_come_when_the_arrows_go_on(desk: Visitor, services: Services) -> None:
    cards = desk.page.locator("#candidates li.card")
    expect(cards).to_have_count(5)
    for _ in range(3):
        desk.press("ArrowDown")
    expect(cards).to_have_count(12)
    assert [
        cite.get_attribute("title") for cite in desk.page.locator("#candidates cite").all()
    ] == listed(services, "d0")
    desk.press("Enter")
    row = the_only(services.store.answers())
    assert tuple(row["shown_ids"]) == tuple(listed(services, "d0"))[: row["shown"]]
    assert row["shown"] > 5


def test_a_key_leaves_the_drawing_and_brings_the_next(desk: Visitor, services: Services) -> None:
    for number, key in enumerate(("Enter", "n", "s")):
        assert desk.title == f"d{number}"
        desk.press(key)
    assert desk.title == "d3"
    rows = services.store.answers().set_index("id").loc[["d0", "d1", "d2"]]
    assert rows["answer"].tolist() == ["done", "none", "skip"]
    assert not rows["audit"].any()
    seen = [tuple(listed(services, name)[:5]) for name in ("d0", "d1")]
    assert rows["shown_ids"].map(tuple).tolist() == [*seen, ()]
    assert rows["seconds"].between(0, 60).all()


def test_none_is_refused_where_something_is_the_same_work(
    desk: Visitor, services: Services
) -> None:
    desk.press("1", "n")
    expect(desk.page.locator("#status")).to_contain_text("take the grade away first")
    assert desk.title == "d0"
    desk.press("1", "n")
    expect(desk.page.locator("#query-title")).to_have_text("d1")
    assert answers(services) == {"d0": "none"}


def test_a_refusal_is_read_although_the_rest_is_saved_later(desk: Visitor) -> None:
    held: list[Route] = []
    desk.intercept("**/api/events", lambda route: held.append(route))
    desk.press("1", "n")
    until(desk.page, lambda: bool(held), "nothing was sent")
    held[0].continue_()
    desk.saved()
    expect(desk.page.locator("#status")).to_contain_text("take the grade away first")
    desk.page.unroute("**/api/events")
    desk.press("2")
    expect(desk.page.locator("#status")).to_have_text("Saved")


def test_undo_goes_back_to_the_drawing(desk: Visitor, services: Services) -> None:
    third = listed(services, "d0")[2]
    desk.press("3", "Enter")
    assert desk.title == "d1"
    desk.press("u")
    assert desk.title == "d0"
    expect(desk.page.locator("#status")).to_have_text("Undone: done")
    expect(desk.card(third).locator(".badge")).to_have_text("Same work")
    desk.press("u")
    expect(desk.page.locator("#status")).to_have_text("Undone: same work")
    expect(desk.card(third).locator(".badge")).to_be_hidden()
    assert desk.current == third
    desk.press("u")
    expect(desk.page.locator("#status")).to_have_text("There is nothing to undo")
    assert (grades(services), answers(services)) == ({}, {})
    assert len(services.store.history()) == 4  # nothing is ever deleted


def test_undos_in_quick_succession_all_count(desk: Visitor, services: Services) -> None:
    desk.press("1", "2", "3")
    desk.page.keyboard.press("u")
    desk.page.keyboard.press("u")
    until(desk.page, lambda: len(services.store.judgements()) == 1)
    desk.ready()
    assert list(grades(services)) == [("d0", listed(services, "d0")[0])]


def test_a_note_is_on_the_pair_or_on_the_drawing(desk: Visitor, services: Services) -> None:
    first = listed(services, "d0")[0]
    desk.press("1", "t")
    desk.page.keyboard.type("3 sails, a <b>boat</b>?")  # keys are text here, not grades
    desk.press("Control+Enter")
    expect(desk.page.locator("#note")).to_be_hidden()
    desk.saved()
    assert grades(services) == {("d0", first): "same work"}
    assert the_only(services.store.judgements())["note"] == "3 sails, a <b>boat</b>?"
    desk.press("1", "ArrowRight", "t")  # of what is not graded, the drawing is meant
    expect(desk.page.get_by_label("the drawing as a whole")).to_be_checked()
    desk.page.keyboard.type("a copy of a copy")
    desk.press("Control+Enter")
    expect(desk.page.locator("#query-note")).to_contain_text("a copy of a copy")
    desk.press("t")
    expect(desk.page.get_by_label("Text")).to_have_value("a copy of a copy")
    desk.press("Escape", "Enter")
    assert the_only(services.store.answers())["note"] == "a copy of a copy"


def test_boxes_are_drawn_by_keyboard(desk: Visitor, services: Services) -> None:
    desk.press("1", "b")
    for side in ("query", "candidate"):
        expect(desk.page.locator(f"#compare-{side} img")).to_be_visible()
    desk.press("Enter", "ArrowRight", "ArrowDown", "Enter", "Shift+ArrowLeft")
    desk.press("Escape")
    expect(desk.page.locator("#compare-hint")).to_be_hidden()
    desk.press("Escape")
    expect(desk.page.locator("#compare")).to_be_hidden()
    desk.saved()
    row = the_only(services.store.judgements())
    assert row["artwork_box"] == pytest.approx((0.26, 0.26, 0.5, 0.5))
    assert row["drawing_box"] == pytest.approx((0.25, 0.25, 0.49, 0.5))
    desk.press("c")
    desk.page.get_by_role("button", name="Remove the boxes").click()
    desk.press("Escape")

    def removed() -> bool:
        row = the_only(services.store.judgements())
        return (row["drawing_box"], row["artwork_box"]) == (None, None)

    until(desk.page, removed, "the boxes were not removed")


def test_boxes_are_drawn_with_the_mouse(desk: Visitor, services: Services) -> None:
    desk.press("1", "b")
    for side, (x, y, u, v) in (
        ("query", (0.2, 0.3, 0.7, 0.8)),
        ("candidate", (0.9, 0.6, 0.4, 0.1)),
    ):
        picture = desk.page.locator(f"#compare-{side} img")
        expect(picture).to_be_visible()
        frame = picture.bounding_box()
        assert frame is not None
        desk.page.mouse.move(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"])
        desk.page.mouse.down()
        desk.page.mouse.move(frame["x"] + u * frame["width"], frame["y"] + v * frame["height"])
        desk.page.mouse.up()
    desk.press("Escape", "Escape")
    desk.saved()
    row = the_only(services.store.judgements())
    assert row["drawing_box"] == pytest.approx((0.2, 0.3, 0.5, 0.5), abs=0.01)
    assert row["artwork_box"] == pytest.approx((0.4, 0.1, 0.5, 0.5), abs=0.01)


def test_the_picture_is_enlarged_and_moved(desk: Visitor) -> None:
    picture = desk.page.locator("#query-viewer img")
    expect(picture).to_be_visible()
    small = picture.bounding_box()
    desk.press("z")
    large = picture.bounding_box()
    desk.press("Shift+ArrowRight")
    moved = picture.bounding_box()
    desk.press("z")
    assert small is not None
    assert large is not None
    assert moved is not None
    assert large["width"] == pytest.approx(2.5 * small["width"], rel=0.01)
    assert moved["x"] == pytest.approx(large["x"] - 60, abs=1)
    assert picture.bounding_box() == small


def test_two_are_compared_side_by_side_and_by_what_they_share(
    desk: Visitor, services: Services
) -> None:
    names = listed(services, "d0")
    desk.press("ArrowRight", "c")
    dialog = desk.page.locator("#compare")
    expect(dialog).to_be_visible()
    for side in ("query", "candidate"):
        expect(dialog.locator(f"#compare-{side} img")).to_be_visible()
    expect(dialog.locator("#compare-candidate-name")).to_contain_text(names[1])
    desk.press("c")
    expect(dialog.locator("#compare-overlay img")).to_be_visible()
    width = dialog.locator("#compare-overlay img").evaluate("(image) => image.naturalWidth")
    assert width == 20  # of the overlay, which is not one of the two
    desk.press("ArrowRight", "m")
    expect(dialog.locator("#compare-candidate-name")).to_contain_text(names[2])
    expect(dialog.locator("[aria-pressed=true][data-grade='same motif']")).to_be_visible()
    desk.press("Escape")
    expect(dialog).to_be_hidden()
    assert desk.current == names[2]
    desk.saved()
    assert grades(services) == {("d0", names[2]): "same motif"}


def test_what_has_no_common_layout_is_said(live: LiveServer, visit: Visit) -> None:
    visitor = visit(live)
    visitor.open("/judge?id=d7")
    visitor.press("c", "c")
    expect(visitor.page.locator("#compare-message")).to_contain_text("no common layout")


def test_all_drawings_are_judged_without_a_mouse_and_without_a_reload(
    desk: Visitor, services: Services
) -> None:
    desk.page.evaluate(
        """() => {
          window.marker = "still here";
          window.touched = [];
          for (const name of ["pointerdown", "pointermove", "mousedown", "mousemove", "wheel"]) {
            addEventListener(name, () => window.touched.push(name), true);
          }
        }"""
    )
    expected = {}
    for number in range(8):
        assert desk.title == f"d{number}"
        if number % 3 == 0:
            desk.press("1", "ArrowRight", "d", "Enter")
        else:
            desk.press("n" if number % 3 == 1 else "s")
        expected[f"d{number}"] = ("done", "none", "skip")[number % 3]
    expect(desk.page.locator("#empty h1")).to_have_text("Nothing is left in this queue")
    assert desk.page.evaluate("[window.marker, window.touched]") == ["still here", []]
    assert answers(services) == expected
    assert sorted(grades(services).values()) == ["different"] * 3 + ["same work"] * 3
    desk.press("u")  # from the empty page, too
    assert desk.title == "d7"


def test_a_drawing_that_was_judged_shows_how(desk: Visitor, services: Services) -> None:
    names = listed(services, "d0")
    desk.press("1", "ArrowRight", "d", "Enter")
    desk.open("/judge?id=d0")
    expect(desk.page.locator("#query-note")).to_contain_text("You left it before with “done”")
    expect(desk.card(names[0]).locator(".badge")).to_have_text("Same work")
    expect(desk.card(names[1]).locator(".badge")).to_have_text("Different")


def test_artworks_are_judged_as_well(live: LiveServer, visit: Visit, services: Services) -> None:
    visitor = visit(live)
    visitor.open("/judge?kind=artwork&order=id")
    assert visitor.title == "a0"
    visitor.press("1", "Enter")
    first = services.finder.candidates("artwork", "a0", 0, 1)[0].id
    row = the_only(services.store.judgements())
    assert (row["drawing_id"], row["artwork_id"], row["kind"]) == (first, "a0", "artwork")


def test_the_queue_is_chosen_by_keyboard(desk: Visitor) -> None:
    page = desk.page
    where = page.get_by_label("Only where")
    page.locator("#queue summary").focus()
    desk.press("Enter")
    where.focus()
    page.keyboard.type("colour=red")
    desk.press("Enter")
    expect(page.locator("#queue-error")).to_contain_text("no column 'colour'")
    expect(where).to_have_attribute("aria-invalid", "true")
    assert desk.title == "d0"  # what was there stays
    where.fill("id=d3|d5")
    desk.press("Enter")
    expect(page.locator("#query-title")).to_have_text("d3")
    expect(page.locator("#queue-error")).to_be_hidden()
    page.reload()
    desk.ready()
    assert desk.title == "d3"  # the address keeps the wish
    desk.press("Enter", "Enter")
    expect(page.locator("#empty")).to_be_visible()


def test_the_keys_are_told(desk: Visitor) -> None:
    desk.press("?")
    told = desk.page.locator("#help tbody tr")
    keys = told.locator("kbd").all_inner_texts()
    assert {"1 – 9", "⏎", "n", "s", "u", "z", "c", "b", "t", "f", "?", *LETTERS} <= set(keys)
    desk.press("1")  # does nothing meanwhile
    desk.press("Escape")
    expect(desk.page.locator("#help")).to_be_hidden()
    assert desk.waiting == 0
    expect(desk.page.locator("#candidates .badge:visible")).to_have_count(0)


def test_an_audit_says_so(services: Services, visit: Visit) -> None:
    finder, engine = services.finder, services.queue.engine
    object.__setattr__(
        services, "queue", Queue(engine, finder.tables, services.uncertainty, audit=1)
    )
    with LiveServer(services) as server:
        visitor = visit(server)
        visitor.open("/judge")
        expect(visitor.page.locator("#audit")).to_be_visible()
        visitor.press("n")
    assert bool(the_only(services.store.answers())["audit"])
