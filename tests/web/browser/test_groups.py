"""The queue of groups and tags, as somebody works through it by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from drawsim.web.queue.groups import Groups
from tests.web.browser.conftest import Visit
from tests.web.browser.visitor import Visitor, until
from tests.web.conftest import MOTIFS
from tests.web.live import LiveServer

BOATS, OTHERS = Groups(MOTIFS).every
NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def visitor(live: LiveServer, visit: Visit) -> Visitor:
    return visit(live)


def at_group(visitor: Visitor, key: str) -> None:
    visitor.page.wait_for_url(f"**/group?id={key}")
    expect(visitor.page.locator("#members .card")).not_to_have_count(0)


def test_groups_one_after_the_other_by_keyboard(visitor: Visitor, live: LiveServer) -> None:
    """Take a drawing out, tag, name, link to an artwork, undo, link again, and on to the next."""
    page, store = visitor.page, live.services.store
    visitor.open("/groups")
    page.get_by_role("link", name="Judge the next group").click()
    at_group(visitor, BOATS.key)
    visitor.press("ArrowRight", "ArrowRight", "x")  # the second
    out = page.locator("#members .card.out")
    expect(out).to_have_count(1)
    visitor.press("e")
    page.keyboard.type("Boats")
    page.keyboard.press("Enter")
    expect(page.locator("#group-title")).to_have_text("Boats")
    visitor.press("g")
    page.keyboard.type(f"sea, red  sails,{NASTY}")
    page.keyboard.press("Enter")
    expect(page.locator(".labels .tag")).to_have_count(3)
    page.keyboard.press("Escape")
    visitor.saved()
    assert sorted(store.tags()["label"]) == sorted(["sea", "red sails", NASTY])
    assert store.removed()["drawing_id"].tolist() == ["d0"]

    visitor.press("m")
    expect(page.locator("#status")).to_contain_text("Choose an artwork first")
    page.locator("#artworks .card-picture").first.focus()
    chosen = page.locator("#artworks .card cite").first.get_attribute("title")
    visitor.press("m")
    expect(page.locator("#links li")).to_contain_text("with 3 drawings")
    visitor.saved()
    until(page, lambda: len(store.judgements()) == 3)
    assert set(store.judgements()["artwork_id"]) == {chosen}
    with page.expect_navigation():  # to the group, which is the page already
        visitor.press("u")  # one press, one undo
    assert store.judgements().empty
    at_group(visitor, BOATS.key)
    expect(page.locator("#members .card.out")).to_have_count(1)
    expect(page.locator(".labels .tag")).to_have_count(3)
    page.locator("#artworks .card-picture").first.focus()
    visitor.press("m")
    expect(page.locator("#links li")).to_have_count(1)
    visitor.saved()
    page.locator("#members .card-picture").first.focus()
    visitor.press("Enter")
    at_group(visitor, OTHERS.key)
    visitor.press("s")
    page.wait_for_url("**/groups?left=none")
    expect(page.get_by_role("status")).to_contain_text("No group is left")
    expect(page.locator(".heading")).to_contain_text("1 of 2 groups done")
    assert set(store.judgements()["grade"]) == {"same motif"}


def test_tags_on_judge_then_a_queue_of_them(visitor: Visitor, live: LiveServer) -> None:
    store = live.services.store
    visitor.open("/judge?id=d3")
    page = visitor.page
    visitor.press("g")
    page.keyboard.type("Boat")
    page.keyboard.press("Enter")
    page.keyboard.type("tree;")
    page.keyboard.press("Enter")
    expect(page.locator("#label .tag")).to_have_count(2)
    page.get_by_role("button", name="Take the tag tree away").click()
    page.keyboard.press("Escape")
    expect(page.locator("#query-labels .tag")).to_have_text(["Boat"])
    visitor.saved()
    visitor.open("/judge?id=d5")
    visitor.press("g")
    page.keyboard.type("boa")
    option = page.locator("#known-tags option[value='Boat']")
    expect(option).to_have_count(1)
    page.keyboard.type("t")
    expect(option).to_have_count(1)
    page.keyboard.press("Enter")  # in the spelling that is there
    page.keyboard.press("Escape")
    visitor.saved()
    assert store.tags()[["drawing_id", "label"]].to_numpy().tolist() == [
        ["d3", "Boat"],
        ["d5", "Boat"],
    ]
    visitor.open("/review/tags")
    page.get_by_role("link", name="Boat 2").click()
    page.get_by_role("link", name="Judge these drawings").click()
    page.wait_for_url("**/judge*")
    visitor.ready()
    assert visitor.title == "d3"
    visitor.press("Enter")
    assert visitor.title == "d5"
    visitor.press("Enter")
    expect(page.locator("#empty h1")).to_be_visible()


def test_more_and_less_like_what_was_found(visitor: Visitor) -> None:
    page = visitor.open("/find?kind=artwork&like=a2")
    cards = page.locator("#results .card")
    expect(cards).not_to_have_count(0)
    first = cards.first.locator("cite").get_attribute("title")
    cards.first.locator(".card-picture").focus()
    page.keyboard.press("-")
    expect(page.locator(".steered.unlike")).to_have_count(1)
    expect(page.locator("#count")).to_contain_text("nearest to what was chosen")
    expect(page.locator(f"#results cite[title='{first}']")).to_have_count(0)
    page.get_by_role("button", name="More like this").first.click()
    expect(page.locator(".steered")).to_have_count(2)
    page.get_by_role("button", name="As at first").click()
    expect(page.locator(f"#results cite[title='{first}']")).to_have_count(1)
