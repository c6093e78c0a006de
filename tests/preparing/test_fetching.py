"""Fetching: manners towards hosts, answers that fail, and addresses that lead elsewhere."""

from __future__ import annotations

import csv
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from drawsim.common.errors import UserError
from drawsim.preparing.fetching import hosts
from drawsim.preparing.fetching.fetcher import Fetcher, FetchError
from drawsim.preparing.fetching.log import FetchLog
from drawsim.preparing.fetching.manners import Clock, Manners, Queue, Stopped, wished_pause
from tests.preparing.museum_server import Odd, museum

PAGE = b"the page"


class Told(Clock):
    """Time that passes by waiting alone."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.waits.append(max(seconds, 0))
        self.time += max(seconds, 0)


def fetcher(path: Path | None = None, **manners: object) -> Fetcher:
    own = Manners(**{"allow_private": True, "rate": 100.0, **manners})  # type: ignore[arg-type]
    return Fetcher(own, FetchLog(path), Told())


def waits(of: Fetcher) -> list[float]:
    assert isinstance(of.clock, Told)
    return of.clock.waits


def test_a_host_is_asked_as_often_a_second_as_was_said_and_no_more() -> None:
    with museum() as place:
        place.documents["/a"] = PAGE
        own = fetcher(rate=4.0)
        began = own.clock.now()
        for _ in range(41):
            own.get(f"{place.url}/a", 100)
        assert own.clock.now() - began == pytest.approx(10.0)


def test_turns_that_come_late_are_not_all_late() -> None:
    """Each wait lasts 3 % too long, as on a machine that is at work; after a long pause no rush."""
    clock = Told()
    queue = Queue(Manners(rate=2.0), clock)
    turns = []
    for number in range(101):
        with queue.turn():
            turns.append(clock.time)
        clock.time += 0.2 if number != 50 else 30.0
        clock.wait(max(queue._next - clock.time, 0) * 0.03)
    gaps = [later - earlier for earlier, later in pairwise(turns)]
    assert min(gaps) >= 0.45 - 1e-9
    assert (turns[50] - turns[0]) / 50 == pytest.approx(0.5, rel=0.05)
    assert (turns[100] - turns[51]) / 49 == pytest.approx(0.5, rel=0.05)


def test_what_fails_for_a_while_is_tried_again_with_growing_pauses(tmp_path: Path) -> None:
    with museum() as place:
        place.documents["/a"] = PAGE
        place.odd["/a"] = Odd(status=503, times=3)
        own = fetcher(tmp_path / "log.csv", attempts=4)
        assert own.get(f"{place.url}/a", 100)[1] == PAGE
    assert [wait for wait in waits(own) if wait > 0.5] == pytest.approx([1, 2, 4])
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["answer"] for row in rows] == ["503", "503", "503", "200"]


@pytest.mark.parametrize("as_date", [False, True])
def test_a_pause_that_the_host_asks_for_is_kept(as_date: bool) -> None:
    later = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=120), usegmt=True)
    with museum() as place:
        place.documents["/a"] = PAGE
        wish = {"Retry-After": later if as_date else "120"}
        place.odd["/a"] = Odd(status=429, headers=wish, times=1)
        own = fetcher()
        assert own.get(f"{place.url}/a", 100)[1] == PAGE
    assert 60 < max(waits(own)) <= 120


def test_a_host_that_asks_for_a_long_pause_is_left_alone() -> None:
    with museum() as place:
        place.documents |= {"/a": PAGE, "/b": PAGE}
        place.odd["/a"] = Odd(status=429, headers={"Retry-After": "86400"})
        own = fetcher(patience=600.0)
        for path in "/a", "/b":
            with pytest.raises(FetchError, match=r"asks to be left alone for 86,400 s"):
                own.get(f"{place.url}{path}", 100)
        assert place.asked == {"/a": 1}


def test_a_host_that_fails_with_several_addresses_is_asked_no_more() -> None:
    with museum() as place:
        for number in range(5):
            place.odd[f"/{number}"] = Odd(status=500)
        own = fetcher(attempts=2)
        reasons = []
        for number in range(5):
            with pytest.raises(FetchError) as failure:
                own.get(f"{place.url}/{number}", 100)
            reasons.append(failure.value.reason)
        assert sum(place.asked.values()) == 6
    assert "asked no more" not in reasons[1]
    assert all("asked no more" in reason for reason in reasons[2:])


def test_a_refusal_is_final_and_is_not_the_hosts_failure() -> None:
    with museum() as place:
        own = fetcher()
        for path, status, words in (("/x", 404, "is not there"), ("/y", 403, "may not be had")):
            place.odd[path] = Odd(status=status)
            with pytest.raises(FetchError, match=words):
                own.get(f"{place.url}{path}", 100)
            assert place.asked[path] == 1


def test_an_answer_that_is_cut_short_is_asked_for_again_from_its_beginning() -> None:
    with museum() as place:
        place.documents["/a"] = PAGE
        place.odd["/a"] = Odd(body=PAGE, cut=True, times=2)
        target = io.BytesIO()
        reply = fetcher().download(f"{place.url}/a", target, 100)
        assert (target.getvalue(), reply.size) == (PAGE, len(PAGE))
        assert place.asked["/a"] == 3


def test_nothing_above_its_limit_is_taken() -> None:
    with museum() as place:
        place.documents["/a"] = b"x" * 1000
        assert len(fetcher().get(f"{place.url}/a", 1000)[1]) == 1000
        with pytest.raises(FetchError, match="larger than the 999 bytes"):
            fetcher().get(f"{place.url}/a", 999)


def test_what_has_not_changed_is_not_sent_again() -> None:
    with museum() as place:
        place.documents["/a"] = PAGE
        own = fetcher()
        first, _ = own.get(f"{place.url}/a", 100)
        again, data = own.get(f"{place.url}/a", 100, etag=first.etag)
        assert (again.unchanged, data) == (True, b"")


def test_redirects_are_followed_a_few_times() -> None:
    with museum() as place:
        place.documents["/end"] = PAGE
        place.odd["/a"] = Odd(302, {"Location": "/b"})
        place.odd["/b"] = Odd(301, {"Location": f"{place.url}/end"})
        place.odd["/ring"] = Odd(302, {"Location": "/ring"})
        reply, data = fetcher().get(f"{place.url}/a", 100)
        assert (reply.url, data) == (f"{place.url}/end", PAGE)
        with pytest.raises(FetchError, match="more than 10 times"):
            fetcher().get(f"{place.url}/ring", 100)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/a",
        "http://localhost:{port}/a",
        "http://[::1]:{port}/a",
        "http://[::ffff:127.0.0.1]:{port}/a",
        "http://0.0.0.0:{port}/a",
        "http://2130706433:{port}/a",
        "http://127.1:{port}/a",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_private_addresses_are_not_asked(url: str) -> None:
    with museum() as place:
        place.documents["/a"] = PAGE
        with pytest.raises(FetchError, match=r"of this machine or of its own|is not known|reached"):
            fetcher(allow_private=False, attempts=1).get(url.format(port=place.server_port), 100)
        assert not place.asked


def test_a_public_host_may_not_redirect_to_a_private_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first host counts as public here, as if it stood elsewhere."""
    with museum() as public, museum() as private:
        private.documents["/secret"] = PAGE
        public.odd["/a"] = Odd(302, {"Location": f"{private.url}/secret"})

        def check(host: str, port: int) -> None:
            if port != public.server_port:
                raise hosts.PrivateHostError(f"{host} is private")

        monkeypatch.setattr(hosts, "check_host", check)
        monkeypatch.setattr(hosts, "is_public", lambda _: True)
        with pytest.raises(FetchError, match="allow_private=true"):
            fetcher(allow_private=False).get(f"{public.url}/a", 100)
        assert public.asked["/a"] == 1
        assert not private.asked


def test_a_name_that_moves_to_a_private_address_meanwhile_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with museum() as place:
        place.documents["/a"] = PAGE
        monkeypatch.setattr(hosts, "check_host", lambda *_: None)
        with pytest.raises(FetchError, match="of this machine"):
            fetcher(allow_private=False).get(f"{place.url}/a", 100)
        assert not place.asked


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/passwd", "no address of the web"),
        ("ftp://m.org/a", "no address of the web"),
        ("https://", "no address of the web"),
        ("http://[", "is no address"),
        ("http://m.org:99999/a", "is no address"),
        ("https://me:secret@m.org/a", "without"),
    ],
)
def test_what_is_no_address_is_said(url: str, words: str) -> None:
    with pytest.raises(FetchError, match=words) as failure:
        fetcher().get(url, 100)
    assert "\n" not in str(failure.value)


def test_nobody_waits_after_a_stop() -> None:
    queue = Queue(Manners(rate=0.001), clock := Clock())
    with queue.turn():
        pass
    clock.stop()
    with pytest.raises(Stopped), queue.turn():
        pytest.fail("it is nobody's turn")


@pytest.mark.parametrize("text", ["", "soon", "-5", "Mon, 99 Foo 2020 00:00:00 GMT"])
def test_a_wish_that_says_nothing(text: str) -> None:
    assert wished_pause(text) is None


@pytest.mark.parametrize("bad", [{"rate": 0.0}, {"rate": 1e9}, {"attempts": 0}, {"timeout": 0.0}])
def test_numbers_have_bounds(bad: dict[str, float]) -> None:
    with pytest.raises(UserError, match=next(iter(bad))):
        Manners(**bad)  # type: ignore[arg-type]


def test_who_asks_is_told(tmp_path: Path) -> None:
    with museum() as place:
        place.documents["/a"] = PAGE
        fetcher(contact="archive@example.org").get(f"{place.url}/a", 100)
        assert place.seen[0]["user-agent"].endswith("(+archive@example.org)")


def test_the_stand_in_is_one(tmp_path: Path) -> None:
    """The museum refuses what a real service would: sizes above a limit, and upscaling."""
    with museum() as place:
        place.picture("p", 100, 50, level=1, maxWidth=80)
        own = fetcher()
        assert own.get(f"{place.url}/images/p/full/80,/0/default.jpg", 10_000)[0].size
        for size in "81,", "200,", "max":
            with pytest.raises(FetchError, match="refused"):
                own.get(f"{place.url}/images/p/full/{size}/0/default.jpg", 10_000)


@contextmanager
def dripping(start: bytes) -> Iterator[str]:
    """The address of a server that sends this, and then a byte now and then, for ever."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(10_000)
            connection.sendall(start)
            while not over.wait(0.05):
                connection.sendall(b"x")

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=serve, args=[connection], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        over.set()
        listening.shutdown(socket.SHUT_RDWR)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("scheme", "start"),
    [
        ("http", b""),
        ("http", HEAD + b"X-Long: "),
        ("http", HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;"),
        ("http", HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n1;"),
        ("https", b"\x16\x03\x03\x40\x00"),
    ],
)
def test_a_host_that_drips_is_not_waited_for(
    scheme: str, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the head, within a chunk's size, while keys are agreed on: bytes come all the time."""
    monkeypatch.setattr("drawsim.preparing.fetching.fetcher.LONGEST", 0.4)
    with dripping(start) as place:
        own = fetcher(attempts=1, timeout=0.4)
        with pytest.raises(FetchError, match="does not answer in time"):
            own.get(f"{scheme}://{place}/a", 10_000)


def test_a_host_that_sends_a_byte_now_and_then_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Time passes while a block is written, as if it had been long in coming."""
    with museum() as place:
        place.documents["/a"] = b"x" * 300
        own = fetcher(attempts=1)
        assert isinstance(own.clock, Told)
        began = own.clock.time

        def now() -> float:
            own.clock.time += 61  # type: ignore[attr-defined]
            return float(own.clock.time)  # type: ignore[attr-defined]

        monkeypatch.setattr(own.clock, "now", now)
        with pytest.raises(FetchError, match="sends less than 1,000 bytes a second"):
            own.get(f"{place.url}/a", 1000)
        assert own.clock.time > began
