"""A browser, and somebody in it who works with the annotation app."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    Route,
    sync_playwright,
)

from tests.web.conftest import PASSWORD

PATIENCE = 20_000
"""Milliseconds that a page may take on a busy machine."""
SIZE = (1280, 720)
PROBE = "/is-this-intercepted"
"""An address that the app does not have."""
ARGUMENTS = [
    "--no-sandbox",  # root and containers lack it; all pages are our own
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # there is no other server
]
VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""
"""Run before every page's own scripts: keeps what the policy of the server forbade."""


@contextmanager
def started() -> Iterator[Browser]:
    """A Chromium; the test is skipped where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=program,
                args=ARGUMENTS,
            )
        except Error as error:
            pytest.skip(
                "no browser: install Debian's chromium, or run `playwright install chromium` "
                f"({str(error).splitlines()[0]})"
            )
        yield browser
        browser.close()


def until(page: Page, true: Callable[[], bool], what: str = "") -> None:
    """Wait until something is so, while the browser goes on.

    Playwright's own way to wait for a condition needs `eval`, which the app's policy forbids.
    """
    end = time.monotonic() + PATIENCE / 1000
    while not true():
        assert time.monotonic() < end, what or "it never came true"
        page.wait_for_timeout(15)


class Visitor:
    """One person's browser profile and page.

    problems: errors of scripts on any page of the profile, what the policy forbade, and requests
    to any other server. refusals: requests of its pages that the server refused.
    """

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        options = {"viewport": {"width": SIZE[0], "height": SIZE[1]}, **options}
        self.address = address
        self.context: BrowserContext = browser.new_context(base_url=address, **options)
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(VIOLATIONS)
        self.problems: list[str] = []
        self.refusals: list[str] = []
        self.context.on("console", self._said)
        self.context.on("weberror", lambda error: self.problems.append(str(error.error)))
        self.context.on("request", self._asked)
        self.page = self.context.new_page()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            # A request that fails is no mistake of a script.
            failed = message.text.startswith("Failed to load resource")
            (self.refusals if failed else self.problems).append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "blob:")):
            self.problems.append(f"asked for {request.url}")

    def intercept(self, pattern: str, handler: Callable[[Route], object]) -> None:
        """Let a handler answer requests of the page; when this returns, none passes it by.

        Chromium tells a page in a message of its own that its requests are looked at, and a key
        may overtake it: the page asks until one of its requests was seen.
        """
        self.page.route(f"**{PROBE}", lambda route: route.fulfill(status=204))
        self.page.route(pattern, handler)
        ask = f"fetch('{PROBE}').then((answer) => answer.status)"
        until(self.page, lambda: self.page.evaluate(ask) == 204, "requests are not looked at")

    def log_in(self, name: str) -> Visitor:
        """As a person does, on the login page."""
        self.page.goto("/login?then=/progress")  # where no drawing is taken
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/progress")
        return self

    def open(self, path: str) -> Page:
        """Load a page; one to judge on is ready when its candidates are there."""
        self.page.goto(path)
        if path.startswith("/judge"):
            self.ready()
        return self.page

    def ready(self) -> None:
        """Wait until keys count: a query is there, or nothing is left."""
        until(self.page, self._is_ready, "no query came")

    def _is_ready(self) -> bool:
        return bool(
            self.page.evaluate(
                """() => {
                  const judge = document.querySelector("#judge");
                  if (!judge) return true; // another page by now
                  const empty = !document.querySelector("#empty").hidden;
                  const shown = document.querySelector("#query-title").textContent;
                  return !judge.hasAttribute("aria-busy") && (empty || shown !== "");
                }"""
            )
        )

    def press(self, *keys: str) -> None:
        """Press keys one after the other; after one that brings another query, wait for it."""
        for key in keys:
            self.page.keyboard.press(key)
            if self.page.locator("#judge").count():
                self.ready()

    @property
    def waiting(self) -> int:
        """Decisions that the server has not acknowledged."""
        count: int = self.page.evaluate(
            "Object.keys(localStorage).filter((name) => name.startsWith('drawsim/outbox/')).length"
        )
        return count

    def saved(self) -> None:
        """Wait until everything is acknowledged."""
        until(self.page, lambda: self.waiting == 0, "not everything was saved")

    @property
    def title(self) -> str:
        """The title of the query, which is its id in these collections."""
        return self.page.locator("#query-title").inner_text()

    def card(self, name: str) -> Locator:
        """The candidate with an id."""
        title = self.page.locator(f"cite[title='{name}']")
        return self.page.locator("li.card").filter(has=title)

    @property
    def current(self) -> str:
        """The id of the candidate that keys act on."""
        name = self.page.locator("li.card.current cite").get_attribute("title")
        assert name is not None
        return name

    def violations(self) -> list[str]:
        """What the policy forbade on the page."""
        found: list[str] = self.page.evaluate("window.violations")
        return found

    def close(self) -> list[str]:
        """End it, and tell what was wrong."""
        forbidden = [] if self.page.is_closed() else self.violations()
        self.context.close()
        return [*self.problems, *forbidden]
