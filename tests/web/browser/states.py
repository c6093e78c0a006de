"""Every page in every state that looks different, with something to show on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from drawsim.collection.grades import Grade
from drawsim.web.events.drafts import Draft
from drawsim.web.queue.groups import Groups
from drawsim.web.services import Services
from tests.web.browser.visitor import Visitor, until
from tests.web.conftest import MOTIFS

BOATS = Groups(MOTIFS).every[0]
GRADED: list[tuple[str, str, str, Grade]] = [
    ("ada", "d0", "a0", "same work"),
    ("ben", "d0", "a0", "different"),
    ("ada", "d0", "a1", "same motif"),
    ("ada", "d0", "a2", "style only"),
    ("ada", "d0", "a3", "unsure"),
    ("ada", "d1", "a3", "same motif"),
    ("ben", "d1", "a3", "same work"),
    ("rosa", "d2", "a4", "same work"),
    ("rosa", "d2", "a5", "same motif"),
    ("rosa", "d2", "a6", "style only"),
    ("rosa", "d2", "a7", "different"),
    ("rosa", "d2", "a8", "unsure"),
]


def furnish(services: Services, note: str = "the boat") -> None:
    """Let three people judge; they disagree here and there, and take something back."""
    store, made_with = services.store, services.finder.made_with
    number = 0

    def do(who: str, action: str, drawing: str, artwork: str | None = None, **more: object) -> None:
        nonlocal number
        number += 1
        about = {"drawing_id": drawing, "artwork_id": artwork, **more}
        draft = Draft(f"done-{number:04}", action, "drawing", **about)  # type: ignore[arg-type]
        store.save(who, [draft], made_with)

    for who, drawing, artwork, grade in GRADED:
        do(who, "grade", drawing, artwork, grade=grade, note=note, rank=2, score=0.5)
    do("ada", "box", "d0", "a0", drawing_box=(0.1, 0.2, 0.3, 0.4))
    do("rosa", "box", "d2", "a4", drawing_box=(0.1, 0.2, 0.3, 0.4), artwork_box=(0, 0, 0.5, 1))
    do("rosa", "note", "d2", note=note)
    do("rosa", "adjudicate", "d1", "a3", grade="same work", note=note)
    for who, answer, drawing in (
        ("ada", "done", "d0"),
        ("ben", "none", "d0"),
        ("ben", "skip", "d3"),
        ("rosa", "done", "d2"),
        ("rosa", "none", "d4"),
    ):
        seen = () if answer == "skip" else ("a0", "a1", "a9")
        do(who, answer, drawing, shown=5, shown_ids=seen, seconds=12.5, audit=drawing == "d2")
    do("ada", "tag", "d2", label="boat with red sails")
    do("ben", "tag", "d2", label="sea")
    do("ada", "name", "d2", label="Regatta")
    do("ada", "name", BOATS.medoid, label="Boats", group_id=BOATS.key)
    do("ada", "tag", BOATS.medoid, label="boat", group_id=BOATS.key)
    do("ada", "remove", "d4", group_id=BOATS.key)
    do("ada", "clear", "d0", "a3")
    store.undo("ada", "undo-0001", made_with)


@dataclass(frozen=True)
class State:
    """A page as somebody sees it. after: what they do when it is there. user: None: nobody."""

    path: str
    after: Callable[[Visitor], None] = lambda visitor: None
    user: str | None = "rosa"

    def enter(self, visitor: Visitor) -> Page:
        """Go there; the visitor is logged in as the user."""
        visitor.open(self.path)
        self.after(visitor)
        until(visitor.page, lambda: _complete(visitor.page), "a picture never came")
        return visitor.page


def _complete(page: Page) -> bool:
    """Whether all pictures have come, apart from those that wait until they are scrolled to."""
    return bool(
        page.evaluate(
            """document.readyState === "complete" && [...document.images].every(
              (image) => image.complete || image.loading === "lazy")"""
        )
    )


def keys(*names: str) -> Callable[[Visitor], None]:
    return lambda visitor: visitor.press(*names)


def _queue(visitor: Visitor) -> None:
    visitor.page.locator("#queue summary").click()


def _bad_queue(visitor: Visitor) -> None:
    _queue(visitor)
    visitor.page.get_by_label("Only where").fill("colour=red")
    visitor.page.get_by_label("Only where").press("Enter")
    expect(visitor.page.locator("#queue-error")).to_be_visible()


def _found(visitor: Visitor) -> None:
    expect(visitor.page.locator("#results li")).not_to_have_count(0)


def _artwork(visitor: Visitor) -> None:
    visitor.page.locator("#artworks .card-picture").first.click()


def _steered(visitor: Visitor) -> None:
    _found(visitor)
    visitor.page.get_by_role("button", name="More like this").first.click()
    expect(visitor.page.locator("#steering")).to_be_visible()


def _match(visitor: Visitor) -> None:
    _found(visitor)
    if visitor.page.locator("#results [data-grade='same work']").count() == 0:
        visitor.page.get_by_role("button", name="This is the match").first.click()
        visitor.saved()


def _refused(visitor: Visitor) -> None:
    visitor.page.get_by_label("Name").fill("ada")
    visitor.page.get_by_label("Password").fill("wrong")
    visitor.page.get_by_role("button", name="Log in").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()


STATES = {
    "judge": State("/judge?id=d2"),
    "judge artworks": State("/judge?kind=artwork&order=id"),
    "queue": State("/judge?id=d2", _bad_queue),
    "compare": State("/judge?id=d2", keys("c")),
    "overlay": State("/judge?id=d2", keys("c", "c")),
    "box": State("/judge?id=d2", keys("b")),
    "note": State("/judge?id=d2", keys("t")),
    "label": State("/judge?id=d2", keys("g")),
    "groups": State("/groups"),
    "groups without the tag": State("/groups?tag=ship"),
    "group": State(f"/group?id={BOATS.key}", _artwork),
    "tags": State("/review/tags"),
    "tag": State("/review/tags?tag=boat"),
    "steered": State("/find?kind=artwork&like=a2", _steered),
    "keys": State("/judge?id=d2", keys("?")),
    "nothing left": State("/judge?where=id=d2"),
    "find": State("/find"),
    "found": State("/find?text=a", _found),
    "looked with": State("/find?kind=artwork&like=a2", _found),
    "match": State("/find?for=d2&text=a1", _match),
    "progress": State("/progress"),
    "history": State("/review"),
    "history problem": State("/review?since=yesterday"),
    "disagreements": State("/review/disagreements"),
    "settled": State("/review/disagreements?settled=true"),
    "pairs": State("/review/pairs"),
    "pairs of a grade": State("/review/pairs?grade=unsure"),
    "not found": State("/nowhere"),
    "login": State("/login", user=None),
    "login refused": State("/login", _refused, user=None),
}


@dataclass(frozen=True)
class Shown:
    """A page in the state of a name, and who sees it."""

    name: str
    visitor: Visitor

    @property
    def page(self) -> Page:
        """The page, in light and as large as usual at first."""
        return self.visitor.page
