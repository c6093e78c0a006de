"""Exports, as a browser downloads them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from playwright.sync_api import expect

from drawsim.web.services import Services
from tests.web.browser.conftest import Visit
from tests.web.browser.visitor import Visitor
from tests.web.live import LiveServer


def download(visitor: Visitor, name: str) -> Path:
    with visitor.page.expect_download() as downloading:
        visitor.page.get_by_role("link", name=name).click()
    assert downloading.value.suggested_filename == name
    return downloading.value.path()


def test_what_was_decided_is_downloaded(desk: Visitor, services: Services) -> None:
    first = services.finder.candidates("drawing", "d7", 0, 1)[0].id
    desk.open("/judge?id=d7")
    desk.press("1", "t")
    desk.page.keyboard.type("=1+1")
    desk.press("Control+Enter", "Enter")
    desk.open("/judge?where=id=d3")
    desk.press("n")
    desk.open("/review/pairs")

    pairs = pd.read_csv(download(desk, "pairs.csv"), dtype=str, keep_default_na=False)
    row = pairs[(pairs["drawing_id"] == "d7") & (pairs["artwork_id"] == first)].iloc[0]
    assert (row["pair"], row["grade"], row["annotator"]) == ("true", "same work", "local")
    assert (row["rank"], row["note"]) == ("1", "'=1+1")  # no spreadsheet runs it
    assert len(pairs) == len(services.collection.pairs) + (first != "a7")

    notes = json.loads(download(desk, "annotations.jsonld").read_text(encoding="utf-8"))
    text = json.dumps(notes)
    assert "urn:drawsim:drawing:d7" in text
    assert "=1+1" in text
    unmatched = pd.read_csv(download(desk, "unmatched.csv"), dtype=str)
    # d3 has a pair in the collection: somebody saw none in the list, but there is one.
    assert "d3" not in set(unmatched["drawing_id"])


def test_an_annotator_has_no_exports(guarded_live: LiveServer, visit: Visit) -> None:
    visitor = visit(guarded_live, "ada")
    page = visitor.open("/review/pairs")
    expect(page.locator("a[download]")).to_have_count(0)
    answer = visitor.context.request.get("/export/pairs.csv")
    assert (answer.status, answer.json()) == (403, {"error": "only reviewers may do this"})
