"""The review pages in a browser: history, disagreements that are settled, pairs, progress."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from drawsim.collection.grades import Grade
from drawsim.web.events.drafts import Draft
from drawsim.web.events.store import EventStore
from drawsim.web.services import Services
from tests.web.browser.conftest import Visit
from tests.web.browser.visitor import Visitor
from tests.web.live import LiveServer

JUDGED: list[tuple[str, str, str, Grade]] = [
    ("ada", "d0", "a0", "same work"),
    ("ben", "d0", "a0", "different"),
    ("ada", "d1", "a3", "same motif"),
    ("ben", "d1", "a3", "same work"),
    ("ada", "d2", "a4", "same work"),
    ("ben", "d2", "a4", "same work"),
]
BOX = (0.2, 0.3, 0.4, 0.5)


def judge(services: Services) -> EventStore:
    """Two people judge the same pairs; they agree on one of three."""
    store, made_with = services.store, services.finder.made_with
    for number, (who, drawing, artwork, grade) in enumerate(JUDGED):
        pair: dict[str, Any] = {"drawing_id": drawing, "artwork_id": artwork}
        about = Draft(
            f"judged-{number}", "grade", "drawing", **pair, grade=grade, rank=2, note=f"so {who}"
        )
        store.save(who, [about], made_with)
    box = Draft("boxed-00", "box", "drawing", drawing_id="d0", artwork_id="a0", drawing_box=BOX)
    store.save("ada", [box], made_with)
    return store


@pytest.fixture
def store(guarded: Services) -> EventStore:
    return judge(guarded)


@pytest.fixture
def rosa(store: EventStore, guarded_live: LiveServer, visit: Visit) -> Visitor:
    """A reviewer."""
    return visit(guarded_live, "rosa")


def rows(page: Page) -> list[str]:
    return [" ".join(row.split()) for row in page.locator(".history tbody tr").all_inner_texts()]


def loaded(page: Page, selector: str) -> None:
    """All pictures that it names have arrived."""
    for image in page.locator(selector).all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("(image) => image.naturalWidth") == 50, image.get_attribute("src")


def test_the_history_is_filtered(rosa: Visitor, store: EventStore) -> None:
    store.undo("ben", "undo-0001", store.history()[0].made_with)
    page = rosa.open("/review")
    assert len(rows(page)) == 8
    assert "took back graded same work" in rows(page)[0]
    taken = page.locator(".undone .done")
    expect(taken).to_have_count(1)
    assert "line-through" in str(
        taken.evaluate("(element) => getComputedStyle(element).textDecorationLine")
    )
    loaded(page, ".history img")
    page.get_by_label("Annotator").select_option("ada")
    page.locator("select[name=grade]").select_option("same work")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".history tbody tr")).to_have_count(2)
    assert all("ada" in row and "same work" in row for row in rows(page))
    page.get_by_role("link", name="Clear").click()
    page.get_by_label("In ids and notes").fill("SO BEN")
    page.keyboard.press("Enter")
    expect(page.locator(".history tbody tr")).to_have_count(3)
    page.get_by_label("From (UTC)").fill("2999-12-31")
    page.keyboard.press("Enter")
    expect(page.locator(".empty")).to_contain_text("Nothing matches these filters")


def test_a_reviewer_settles_disagreements_by_keyboard(rosa: Visitor, store: EventStore) -> None:
    page = rosa.open("/review/disagreements")
    dispute = page.locator(".dispute")
    expect(dispute).to_have_attribute("aria-label", "Pair 1 of 2")
    assert page.locator(".voices li b").all_inner_texts() == ["ada", "ben"]
    assert page.locator(".voices .badge").all_inner_texts() == ["same work", "different"]
    loaded(page, ".frame img")
    mark, frame = page.locator(".boxes .edge"), page.locator(".side").first.locator("img")
    expect(mark).to_be_visible()
    shown, around = mark.bounding_box(), frame.bounding_box()
    assert shown is not None
    assert around is not None
    scale = min(around["width"] / 50, around["height"] / 40)  # as large as the frame allows
    assert shown["width"] == pytest.approx(BOX[2] * 50 * scale, rel=0.05)
    assert shown["height"] == pytest.approx(BOX[3] * 40 * scale, rel=0.05)

    grades = page.locator(".settle .grade")
    expect(grades).to_have_count(5)  # the script is there, keys count
    rosa.press("t")
    page.keyboard.type("w is what I mean")  # text, no grade
    rosa.press("Escape", "d")
    expect(page.locator(".voices .badge").first).to_have_text("same motif")  # the next pair
    expect(grades).to_have_count(5)
    rosa.press("w")
    expect(page.locator(".empty")).to_contain_text("All disagreements are settled")
    verdicts = store.adjudications().set_index("drawing_id")
    assert verdicts["grade"].to_dict() == {"d0": "different", "d1": "same work"}
    assert verdicts["note"].to_dict() == {"d0": "w is what I mean", "d1": ""}
    assert set(verdicts["annotator"]) == {"rosa"}
    page.get_by_role("link", name="Look at them again").click()
    expect(page.locator(".verdict")).to_contain_text("rosa")
    page.get_by_role("button", name="Unsure").click()  # the mind can be changed
    page.wait_for_url("**drawing=d1**")
    assert store.adjudications().set_index("drawing_id")["grade"]["d0"] == "unsure"


def test_only_a_reviewer_settles(store: EventStore, guarded_live: LiveServer, visit: Visit) -> None:
    visitor = visit(guarded_live, "ada")
    page = visitor.open("/review/disagreements")
    expect(page.locator(".opinions")).to_contain_text("A reviewer can settle this pair")
    page.wait_for_load_state()
    expect(page.locator(".settle")).to_have_count(0)
    visitor.press("w", "ArrowRight")
    page.wait_for_url("**drawing=d1**")
    assert store.adjudications().empty


def test_all_pictures_of_confirmed_pairs_are_shown(rosa: Visitor, store: EventStore) -> None:
    page = rosa.open("/review/pairs")
    pairs = page.locator("ul.pairs .pair")
    expect(pairs).to_have_count(1)  # d0 and a0, d1 and a3 are ties
    alts = [image.get_attribute("alt") for image in pairs.first.locator("img").all()]
    assert alts == ["Drawing d2", "Artwork a4"]
    expect(pairs.first).to_contain_text("ada, ben")
    loaded(page, "ul.pairs img")
    page.get_by_role("link", name="Listed before").click()
    expect(pairs).to_have_count(7)  # eight of the collection, of which d0 and a0 was judged
    page.get_by_role("link", name="unsure").click()
    expect(pairs).to_have_count(2)
    page.get_by_role("link", name="different").click()
    expect(page.locator(".empty")).to_contain_text("No pair is graded “different”")


def test_progress_counts_what_was_done(rosa: Visitor, store: EventStore) -> None:
    rosa.open("/judge?order=id")
    rosa.press("1", "Enter", "n", "s")
    page = rosa.open("/progress")
    expect(page.get_by_role("img", name="2 of 8 drawings answered")).to_be_visible()
    line = page.get_by_role("row").filter(has=page.get_by_role("link", name="rosa"))
    numbers = [cell.inner_text() for cell in line.get_by_role("cell").all()]
    assert numbers[:8] == ["2", "1", "1", "1", "0", "0", "0", "0"]
    kappa = page.get_by_role("row").filter(has_text="ada and ben").get_by_role("cell")
    assert kappa.all_inner_texts()[:3] == ["3", "3", "33.3 %"]
    expect(page.get_by_text("Krippendorff’s α", exact=True)).to_be_visible()


def test_filters_leave_a_phone_to_the_history(furnished: LiveServer, visit: Visit) -> None:
    visitor = visit(furnished, "rosa", viewport={"width": 400, "height": 800})
    page = visitor.open("/review?annotator=ada")
    annotator = page.get_by_label("Annotator")
    expect(annotator).to_be_hidden()
    summary = page.locator(".fold summary")
    expect(summary).to_have_text("Filter ada")
    table = page.locator(".history").bounding_box()
    assert table is not None
    assert table["y"] < 250
    summary.click()
    expect(annotator).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 720})
    visitor.open("/review")
    expect(summary).to_be_hidden()
    expect(annotator).to_be_visible()
