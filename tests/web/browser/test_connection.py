"""What a browser does when the server does not answer, or does not know its user any more."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Route, expect

from drawsim.web.services import Services
from tests.web.browser.conftest import Visit
from tests.web.browser.visitor import Visitor, until
from tests.web.live import LiveServer

EVENTS = "**/api/events"
UNDO = "**/api/undo"


def saved(services: Services) -> list[tuple[str, str, str | None]]:
    """Who did what, in the order in which it was saved."""
    events = reversed(services.store.history())
    return [(event.annotator, event.draft.action, event.draft.grade) for event in events]


def wake(visitor: Visitor) -> None:
    """What a browser tells a page when there is a network again: it need not wait longer."""
    visitor.page.evaluate("dispatchEvent(new Event('online'))")


def sign_out(visitor: Visitor, services: Services) -> None:
    """End the session of a profile on the server, as time does."""
    cookies = {cookie["name"]: cookie["value"] for cookie in visitor.context.cookies()}
    services.sessions.end(cookies[services.sessions.cookie])


def test_decisions_wait_for_a_server_that_is_gone(
    desk: Visitor, live: LiveServer, services: Services
) -> None:
    status = desk.page.locator("#status")
    desk.press("1")
    desk.saved()
    live.stop()
    desk.press("ArrowRight", "m")
    expect(status).to_have_text("Not connected – 1 decision waits, it is sent again by itself")
    desk.press("ArrowRight", "d")
    expect(status).to_have_text(
        "Not connected – 2 decisions wait, they are sent again by themselves"
    )
    assert desk.waiting == 2
    live.start()
    desk.saved()  # by itself
    expect(status).to_have_text("Saved")
    assert saved(services) == [
        ("local", "grade", "same work"),
        ("local", "grade", "same motif"),
        ("local", "grade", "different"),
    ]


def test_the_next_drawing_comes_when_the_server_is_back(
    desk: Visitor, live: LiveServer, services: Services
) -> None:
    live.stop()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("#status")).to_contain_text("Not connected")
    desk.page.keyboard.press("1")  # of a drawing that is finished: not meant
    live.start()
    wake(desk)
    expect(desk.page.locator("#query-title")).to_have_text("d1")
    assert saved(services) == [("local", "done", None)]


@pytest.mark.parametrize("late", ["**/api/next", "**/picture?*size=full*"])
def test_keys_before_the_next_drawing_is_seen_are_refused_in_sight(
    desk: Visitor, services: Services, late: str
) -> None:
    held: list[Route] = []
    desk.intercept(late, lambda route: held.append(route))
    desk.page.keyboard.press("Enter")
    until(desk.page, lambda: bool(held), "nothing was asked for")
    for key in ("1", "n", "u", "w"):
        desk.page.keyboard.press(key)
        expect(desk.page.locator("#status")).to_contain_text("Not taken")
    held[0].continue_()
    desk.ready()
    desk.page.unroute(late)
    assert desk.title == "d1"
    expect(desk.page.locator("#candidates .badge:visible")).to_have_count(0)
    assert saved(services) == [("local", "done", None)]
    desk.press("1")
    desk.saved()
    assert saved(services) == [("local", "done", None), ("local", "grade", "same work")]
    expect(desk.page.locator("#status")).to_have_text("Saved")


def test_decisions_survive_the_page(desk: Visitor, live: LiveServer, services: Services) -> None:
    live.stop()
    desk.press("1")
    expect(desk.page.locator("#status")).to_contain_text("Not connected")
    desk.page.close()
    live.start()
    desk.page = desk.context.new_page()
    desk.open("/judge?order=id")
    desk.saved()
    assert saved(services) == [("local", "grade", "same work")]


def test_what_was_saved_without_an_answer_is_saved_once(desk: Visitor, services: Services) -> None:
    lost: list[int] = []

    def lose_the_answer(route: Route) -> None:
        if not lost:  # what is sent again does not arrive, until it was seen that it waits
            lost.append(route.fetch().status)
        route.abort()

    desk.intercept(EVENTS, lose_the_answer)
    desk.press("1")
    expect(desk.page.locator("#status")).to_contain_text("Not connected")
    assert len(services.store.history()) == 1
    desk.page.unroute(EVENTS)
    wake(desk)
    desk.saved()
    assert lost == [200]
    assert saved(services) == [("local", "grade", "same work")]


def test_an_undo_without_an_answer_takes_back_one_thing(desk: Visitor, services: Services) -> None:
    desk.press("1", "2")
    desk.saved()

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    desk.intercept(UNDO, lose_the_answer)
    desk.page.keyboard.press("u")
    expect(desk.page.locator("#status")).to_contain_text("Not connected")
    desk.page.unroute(UNDO)
    wake(desk)
    expect(desk.page.locator("#status")).to_have_text("Undone: same work")
    assert len(services.store.judgements()) == 1


def test_a_server_with_a_problem_is_asked_again(desk: Visitor, services: Services) -> None:
    body = json.dumps({"error": "the database does not answer"})
    desk.intercept(EVENTS, lambda route: route.fulfill(status=503, body=body))
    desk.press("1")
    status = desk.page.locator("#status")
    expect(status).to_contain_text("The server has a problem (the database does not answer)")
    desk.page.unroute(EVENTS)
    wake(desk)
    desk.saved()
    assert saved(services) == [("local", "grade", "same work")]


def test_what_the_server_refuses_does_not_hold_up_the_rest(
    desk: Visitor, live: LiveServer, services: Services
) -> None:
    refused = services.finder.candidates("drawing", "d0", 1, 1)[0].id

    def refuse_one(route: Route) -> None:
        if f'"artwork_id":"{refused}"' in (route.request.post_data or ""):
            route.fulfill(status=422, body=json.dumps({"error": "the second is not liked"}))
        else:
            route.continue_()

    desk.intercept(EVENTS, refuse_one)
    live.stop()
    desk.press("1", "2", "3")  # one request, when there is a server again
    live.start()
    wake(desk)
    desk.saved()
    table = services.store.judgements()
    assert refused not in set(table["artwork_id"])
    assert len(table) == 2
    expect(desk.page.locator("#status")).to_contain_text("Not saved: the second is not liked")


def test_a_session_that_ended_keeps_the_decisions(
    guarded_live: LiveServer, guarded: Services, visit: Visit
) -> None:
    ada = visit(guarded_live, "ada")
    ada.open("/judge?order=id")
    sign_out(ada, guarded)
    ada.press("1")
    status = ada.page.locator("#status")
    expect(status).to_contain_text("You are logged out – 1 decision waits.")
    assert (ada.waiting, saved(guarded)) == (1, [])
    with ada.context.expect_page() as opening:
        status.get_by_role("link", name="Log in again in a new tab").click()
    first, ada.page = ada.page, opening.value
    ada.log_in("ada")
    ada.page, second = first, ada.page
    second.close()
    wake(ada)
    ada.saved()
    expect(status).to_have_text("Saved")
    assert saved(guarded) == [("ada", "grade", "same work")]
    ada.press("ArrowRight", "m")  # with the token of the new session
    ada.saved()
    assert saved(guarded)[-1] == ("ada", "grade", "same motif")


def test_decisions_are_never_sent_under_another_name(
    guarded_live: LiveServer, guarded: Services, visit: Visit
) -> None:
    visitor = visit(guarded_live, "ada")
    visitor.open("/judge?order=id")
    sign_out(visitor, guarded)
    visitor.press("1")
    status = visitor.page.locator("#status")
    expect(status).to_contain_text("You are logged out")
    of_ada = visitor.page
    visitor.page = visitor.context.new_page()
    visitor.log_in("rosa")
    wake(visitor)
    visitor.open("/judge?order=id")
    of_rosa = visitor.page
    visitor.page = of_ada
    wake(visitor)
    expect(status).to_contain_text(
        "rosa is logged in now: 1 decision waits until ada logs in again"
    )
    visitor.page = of_rosa
    visitor.press("2")
    until(of_rosa, lambda: len(saved(guarded)) == 1)
    assert saved(guarded) == [("rosa", "grade", "same work")]
    of_rosa.get_by_role("button", name="Log out").click()
    visitor.log_in("ada")
    visitor.open("/find")  # any page with an outbox
    visitor.saved()
    assert saved(guarded)[1:] == [("ada", "grade", "same work")]
