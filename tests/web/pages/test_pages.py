"""What the pages for annotators say, what their scripts rely on, and how well both can be read."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from typing import NamedTuple, get_args

import pytest
from fastapi.testclient import TestClient

from drawsim.collection.grades import GRADES, MATCH
from drawsim.common.palette import DARK, LIGHT
from drawsim.web.pages.judge import ORDERS
from drawsim.web.pages.rendering import STATIC
from drawsim.web.queue.groups import key_of
from drawsim.web.queue.queue import Order
from drawsim.web.services import Services
from tests.web.conftest import MOTIFS, PASSWORD, Browser, log_in

PAGES = (
    *("/judge", "/judge?kind=artwork&order=random", "/judge?id=d3", "/nowhere"),
    *("/groups", "/groups?tag=x", f"/group?id={key_of(MOTIFS.motifs[0].members)}", "/review/tags"),
    *("/find", "/find?for=d1", "/find?kind=artwork&like=a2", "/find?text=a1"),
)
NASTY = "\"'><script>alert(1)</script>{{7*7}}"
VOID = {"meta", "link", "input", "br", "hr", "img", "wbr"}
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
OWN_STYLES = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.css")}
TEMPLATES = {
    path.name: path.read_text(encoding="utf-8")
    for path in STATIC.with_name("templates").glob("*.j2")
}


class Element(NamedTuple):
    """An element of a page; texts: of all that is in it; within: the elements it is in."""

    tag: str
    attributes: dict[str, str]
    texts: list[str]
    within: tuple[Element, ...]

    @property
    def text(self) -> str:
        return "".join(self.texts).strip()


class Page(HTMLParser):
    """A page as its elements, in their order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        assert not self._open, "an element is left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append(Element(tag, attributes, [], tuple(self._open)))
        if tag not in VOID:
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.texts.append(data)

    @property
    def text(self) -> str:
        return self.elements[0].text

    def find(self, **wanted: str) -> dict[str, str]:
        """The attributes of the first element that has these."""
        all_attributes = (element.attributes for element in self.elements)
        return next(each for each in all_attributes if wanted.items() <= each.items())

    @property
    def ids(self) -> list[str]:
        return [each.attributes["id"] for each in self.elements if "id" in each.attributes]


def opened(client: TestClient, path: str) -> Page:
    return Page(client.get(path).text)


@pytest.mark.parametrize("path", PAGES)
def test_pages_hold_to_the_policy(local: TestClient, path: str) -> None:
    """Nothing inline and nothing from elsewhere: the browser would refuse it."""
    for element in opened(local, path).elements:
        tag, attributes = element.tag, element.attributes
        assert tag != "style"
        assert not {name for name in attributes if name.startswith("on")} | {"style"} & {
            *attributes
        }
        if tag == "script":
            assert not element.text
            assert attributes["type"] == "module"
        for name in ("src", "href", "action"):
            assert attributes.get(name, "/").startswith(("/", "#")), attributes


@pytest.mark.parametrize("path", PAGES)
def test_what_pages_ask_for_is_there(local: TestClient, path: str) -> None:
    for element in opened(local, path).elements:
        address = element.attributes.get("src") or element.attributes.get("href", "")
        if address.startswith("/static/"):
            assert local.get(address).status_code == 200
            assert re.search(r"\?v=[0-9a-f]{12}$", address)


@pytest.mark.parametrize("path", PAGES)
def test_controls_are_labelled_and_reached_by_tab(local: TestClient, path: str) -> None:
    page = opened(local, path)
    assert len(page.ids) == len({*page.ids})
    for element in page.elements:
        tag, attributes = element.tag, element.attributes
        if tag in ("button", "a", "summary"):
            assert element.text
            assert attributes.get("tabindex", "0") == "0"
        elif tag in ("input", "select", "textarea") and attributes.get("type") != "hidden":
            labels = [each.text for each in element.within if each.tag == "label"]
            assert attributes.get("aria-label") or any(labels), attributes
        for reference in ("aria-labelledby", "aria-describedby"):
            assert {*attributes.get(reference, "").split()} <= {*page.ids}
    tags = [element.tag for element in page.elements]
    assert "h1" in tags
    assert page.find(lang="en") is page.elements[tags.index("html")].attributes


def test_the_start_leads_to_judging(local: TestClient) -> None:
    assert local.get("/", follow_redirects=False).headers["location"] == "/judge"
    page = opened(local, "/judge?kind=artwork&order=uncertain&where=artist%3Dx&id=a3")
    assert page.find(name="kind", value="artwork")["checked"] == ""
    assert page.find(value="uncertain")["selected"] == ""
    assert page.find(name="where")["value"] == "artist=x"
    assert page.find(id="judge")["data-id"] == "a3"
    assert page.find(name="csrf")["content"] == local.headers["X-CSRF-Token"]
    assert page.find(name="user")["content"] == "local"
    assert "Log out" not in page.text  # there is nobody else to be


def test_find_begins_with_the_picture_that_was_asked_for(local: TestClient) -> None:
    plain, wanted = (
        opened(local, "/find").find(id="find"),
        opened(local, "/find?for=d1").find(id="find"),
    )
    assert (plain["data-wanted"], plain["data-picture"]) == ("", "null")
    picture = json.loads(wanted["data-picture"])
    assert (wanted["data-wanted"], picture["kind"], picture["id"]) == ("yes", "drawing", "d1")
    like = json.loads(opened(local, "/find?kind=artwork&like=a2").find(id="find")["data-picture"])
    assert (like["kind"], like["id"]) == ("artwork", "a2")


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/judge?kind=photo", 422, "There is no kind 'photo' to judge here"),
        ("/judge?order=unjuged", 422, "There is no order 'unjuged'; did you mean unjudged?"),
        ("/judge?id=d99", 404, "No drawing 'd99'"),
        ("/judge?kind=artwork&id=d1", 404, "No artwork 'd1'"),
        ("/find?for=d99", 404, "No drawing 'd99'"),
        ("/find?kind=photo", 422, "There is no kind 'photo'"),
    ],
)
def test_mistakes_in_addresses_are_explained(
    local: TestClient, path: str, status: int, said: str
) -> None:
    answer = local.get(path)
    assert answer.status_code == status
    text = Page(answer.text).text
    assert said in text
    assert "Go on judging" in text


def test_what_was_sent_is_shown_as_text(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    refused = client.post("/login", data={"name": NASTY, "password": "x", "then": f"/{NASTY}"})
    assert Page(refused.text).find(name="name")["value"] == NASTY
    log_in(client, guarded, "ada")
    for name in ("where", "text", "order", "kind", "id", "for", "like"):
        for path in ("/judge", "/find"):
            html = client.get(path, params={name: NASTY}).text
            assert "<script>alert" not in html
            assert "49" not in re.sub(
                r"[0-9a-f]{12}|content=\"[^\"]*\"|value=\"[^\"]{43}\"", "", html
            )
            Page(html)


def test_logging_in_and_out(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    way = "/judge?kind=artwork"
    assert opened(client, f"/login?then={way}").find(name="then")["value"] == way
    wrong = client.post("/login", data={"name": "ada", "password": "wrong", "then": way})
    assert wrong.status_code == 403
    assert "Wrong name or password." in Page(wrong.text).text
    assert "set-cookie" not in wrong.headers
    right = client.post(
        "/login", data={"name": "ada", "password": PASSWORD, "then": way}, follow_redirects=False
    )
    assert (right.status_code, right.headers["location"]) == (303, way)
    page = opened(client, way)
    assert page.find(name="user")["content"] == "ada"
    sent_on = client.get("/login?then=/find", follow_redirects=False)
    assert sent_on.headers["location"] == "/find"

    assert client.post("/logout").status_code == 403  # no token, as from another site
    assert client.get("/judge", follow_redirects=False).status_code == 200
    out = client.post(
        "/logout", data={"csrf": page.find(name="csrf")["content"]}, follow_redirects=False
    )
    assert out.headers["location"] == "/login"
    assert client.get("/judge", follow_redirects=False).status_code == 303


def test_the_login_leads_nowhere_else(guarded: Services, browser: Browser) -> None:
    for away in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ):
        client = browser(guarded)
        assert opened(client, f"/login?then={away}").find(name="then")["value"] == "/"
        data = {"name": "ada", "password": PASSWORD, "then": away}
        answer = client.post("/login", data=data, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_guessing_passwords_is_slowed_down(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    codes = [
        client.post("/login", data={"name": "ada", "password": str(i)}).status_code
        for i in range(6)
    ]
    assert codes == [403] * 5 + [429]
    last = client.post("/login", data={"name": "ada", "password": PASSWORD})
    assert last.status_code == 429
    assert int(last.headers["Retry-After"]) >= 1


def test_without_accounts_nobody_logs_in(local: TestClient) -> None:
    for answer in (
        local.get("/login", follow_redirects=False),
        local.post("/login", data={"name": "x", "password": "y"}, follow_redirects=False),
    ):
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


# Scripts and styles


def imports(name: str) -> dict[str, list[str]]:
    """What a script imports: the names, by the file they come from."""
    found = re.findall(r'^import \{([^}]*)\} from "\./([^"]+)";$', SCRIPTS[name], re.MULTILINE)
    assert len(found) == len(re.findall(r"^import\b", SCRIPTS[name], re.MULTILINE)), name
    return {file: [one.strip() for one in names.split(",")] for names, file in found}


def reached(name: str) -> set[str]:
    """A script and all that it imports."""
    files, new = {name}, {name}
    while new:
        new = {file for one in new for file in imports(one)} - files
        files |= new
    return files


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_scripts_are_small_and_import_what_there_is(name: str) -> None:
    text = SCRIPTS[name]
    assert text.count("\n") < 300
    assert text.startswith("// ")
    for file, names in imports(name).items():
        for each in names:
            assert re.search(
                rf"^export (class|const|let|function|async function) {re.escape(each)}(?!\w)",
                SCRIPTS[file],
                re.MULTILINE,
            ), (file, each)
            assert len(re.findall(rf"(?<!\w){re.escape(each)}(?!\w)", text)) > 1, (
                f"{each} is not used"
            )


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_scripts_never_make_markup_from_text(name: str) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(forbidden, SCRIPTS[name])
    assert not re.search(r"https?://", SCRIPTS[name])


@pytest.mark.parametrize(("script", "path"), [("judge.js", "/judge"), ("find.js", "/find")])
def test_scripts_find_their_elements(local: TestClient, script: str, path: str) -> None:
    text = "".join(SCRIPTS[file] for file in reached(script))
    wanted = set(re.findall(r'\$\("#([\w-]+)[ "]', text))
    wanted |= {
        f"compare-{side}{part}"
        for side, part in itertools.product(("query", "candidate"), ("", "-name", "-facts"))
    }
    assert wanted <= {*opened(local, path).ids}


def test_pages_tell_the_scripts_of_the_grades_and_each_has_its_key(local: TestClient) -> None:
    metas = [each.attributes for each in opened(local, "/judge").elements if each.tag == "meta"]
    told = json.loads(next(meta["content"] for meta in metas if meta.get("name") == "grades"))
    assert tuple(each["grade"] for each in told) == GRADES
    assert [each["grade"] for each in told if each["match"]] == [MATCH]
    keys = [each["key"] for each in told]
    assert all(re.fullmatch("[a-z]", key) for key in keys)
    for page in ("judge.js", "find.js", "review.js"):
        taken = re.findall(r'keys: \["(.)"', SCRIPTS[page].split("// The same while")[0])
        taken = sorted({*taken}) if page == "find.js" else taken  # its dialog has the same ones
        assert len({*taken, *keys}) == len([*taken, *keys]), page


def test_no_other_file_of_the_pages_knows_a_grade() -> None:
    """So that a new one is a new entry of grades.py and nothing else."""
    texts = {**SCRIPTS, **OWN_STYLES, **TEMPLATES}
    named = rf"(?i)[\"'](?:{'|'.join(GRADES)})[\"']"
    assert [name for name, text in texts.items() if re.search(named, text)] == []


def test_every_order_has_words() -> None:
    assert {*ORDERS} == {*get_args(Order)}


@pytest.mark.parametrize("name", sorted(OWN_STYLES))
def test_styles_come_from_here_and_their_colours_from_the_palette(name: str) -> None:
    assert not re.search(r"@import|url\(|https?:", OWN_STYLES[name])
    assert re.findall(r"#[0-9a-f]{3,8}\b|(?:rgb|hsl)a?\(", OWN_STYLES[name]) == []


def test_the_symbol_has_colours_of_the_palette() -> None:
    symbol = (STATIC / "icon.svg").read_text(encoding="utf-8")
    assert {*re.findall(r"#\w+", symbol)} == {LIGHT["ink"], DARK["ink"], DARK["true"]}


def test_the_colours_are_all_there_is_to_name_and_browsers_keep_them(local: TestClient) -> None:
    address = next(
        link.attributes["href"]
        for link in opened(local, "/judge").elements
        if "colours.css" in link.attributes.get("href", "")
    )
    sent = local.get(address)
    assert sent.headers["content-type"].startswith("text/css")
    own = {name for text in OWN_STYLES.values() for name in re.findall(r"(--\w+):", text)}
    named = {name for text in OWN_STYLES.values() for name in re.findall(r"var\((--\w+)", text)}
    assert named <= own | {*re.findall(r"(--\w+):", sent.text)}
    assert "immutable" in sent.headers["cache-control"]
    again = local.get("/static/colours.css", headers={"If-None-Match": sent.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = local.get("/static/colours.css", headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.text) == (200, sent.text)
