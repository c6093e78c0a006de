"""Two people at once: each has drawings of their own, and none is kept by who went away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from playwright.sync_api import expect

from drawsim.web.queue.queue import Queue, Wish
from drawsim.web.services import Services
from tests.web.browser.conftest import Visit
from tests.web.live import LiveServer

ALL = {f"d{number}" for number in range(8)}


def queued(services: Services, **settings: object) -> Services:
    """The same with another queue."""
    finder, engine = services.finder, services.queue.engine
    queue = Queue(engine, finder.tables, services.uncertainty, audit=0, **settings)  # type: ignore[arg-type]
    return replace(services, queue=queue)


def test_two_never_get_the_same_drawing(
    guarded_live: LiveServer, guarded: Services, visit: Visit
) -> None:
    ada, rosa = visit(guarded_live, "ada"), visit(guarded_live, "rosa")
    for visitor in (ada, rosa):
        visitor.open("/judge?order=id")
    seen: dict[str, list[str]] = {"ada": [], "rosa": []}
    while any(len(names) < 4 for names in seen.values()):
        assert ada.title != rosa.title  # both are open at the same time
        for name, visitor in (("ada", ada), ("rosa", rosa)):
            seen[name].append(visitor.title)
            visitor.press("1", "Enter")
    assert set(seen["ada"]).isdisjoint(seen["rosa"])
    assert {*seen["ada"], *seen["rosa"]} == ALL
    for visitor in (ada, rosa):
        expect(visitor.page.locator("#empty")).to_be_visible()
    answers = guarded.store.answers()
    assert len(answers) == 8
    assert answers.groupby("annotator")["id"].agg(set).to_dict() == {
        name: set(names) for name, names in seen.items()
    }


def test_with_an_overlap_both_get_every_drawing(guarded: Services, visit: Visit) -> None:
    twice = queued(guarded, overlap=2)
    with LiveServer(twice) as server:
        for name in ("ada", "rosa"):
            visitor = visit(server, name)
            visitor.open("/judge?where=id=d2|d5")
            visitor.press("n", "n")
            expect(visitor.page.locator("#empty")).to_be_visible()
    answers = twice.store.answers()
    assert answers.groupby("id")["annotator"].agg(set).to_dict() == {
        "d2": {"ada", "rosa"},
        "d5": {"ada", "rosa"},
    }


def test_an_abandoned_drawing_goes_to_somebody_else(guarded: Services, visit: Visit) -> None:
    brief = queued(guarded, lease=timedelta(seconds=1))
    with LiveServer(brief) as server:
        ada, rosa = visit(server, "ada"), visit(server, "rosa")
        ada.open("/judge?order=id")
        assert ada.title == "d0"
        ada.page.wait_for_timeout(1100)
        rosa.open("/judge?order=id")
        assert rosa.title == "d0"
        ada.press("1")  # late, but not lost
        ada.saved()
    assert list(brief.store.judgements()["annotator"]) == ["ada"]


def test_who_comes_back_too_late_is_told(
    guarded_live: LiveServer, guarded: Services, visit: Visit
) -> None:
    ada = visit(guarded_live, "ada")
    ada.page.clock.install()
    ada.open("/judge?order=id")
    ada.page.clock.fast_forward("11:00")  # so long that the page gives the drawing up
    guarded.queue.release("ada", "drawing", "d0")  # as time does
    other = guarded.queue.claim("rosa", Wish(order="id"))
    assert other is not None
    assert other.id == "d0"
    ada.press("ArrowRight")
    expect(ada.page.locator("#status")).to_contain_text("You were away: this drawing went back")


def test_a_page_in_use_keeps_its_drawing(
    guarded_live: LiveServer, guarded: Services, visit: Visit
) -> None:
    ada = visit(guarded_live, "ada")
    ada.page.clock.install()
    ada.open("/judge?order=id")
    with ada.page.expect_response("**/api/renew") as renewing:
        ada.page.clock.fast_forward("03:00")
    assert renewing.value.json() == {"held": True}
    assert ada.page.locator("#status").inner_text() == ""


def test_another_queue_gives_the_drawing_back(
    guarded_live: LiveServer, guarded: Services, visit: Visit
) -> None:
    ada, rosa = visit(guarded_live, "ada"), visit(guarded_live, "rosa")
    ada.open("/judge?order=id")
    assert ada.title == "d0"
    ada.page.locator("#queue summary").click()
    ada.page.get_by_label("Only where").fill("id=d6")
    ada.page.get_by_role("button", name="Go", exact=True).click()
    expect(ada.page.locator("#query-title")).to_have_text("d6")
    rosa.open("/judge?order=id")
    assert rosa.title == "d0"
