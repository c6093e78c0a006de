"""The one client of other people's servers: polite, patient, and wary of where it is led.

What tables name of one's own, in a bucket or on a server, is read by `common/servers.py`; it says
why there are two.
"""

from __future__ import annotations

import io
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, SSLError

import drawsim
from drawsim.common.errors import UserError, brief
from drawsim.common.words import counted
from drawsim.preparing.fetching.hosts import (
    POOLS,
    PUBLIC_POOLS,
    PrivateHostError,
    check_host,
)
from drawsim.preparing.fetching.log import FetchLog
from drawsim.preparing.fetching.manners import (
    Clock,
    Manners,
    Queue,
    pause_after,
    wished_pause,
)

REDIRECTS = 10
BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Answers after which it is worth asking again."""
MOVED = frozenset((301, 302, 303, 307, 308))
BLOCK = 1 << 18
SLOWEST, PATIENT = 1000, 60.0
"""Bytes a second that a host sends at least, on average, once so many seconds have passed."""
LONGEST = BLOCK / SLOWEST
"""Seconds for a part of what a host sends, whatever it puts between its bytes."""
PRIVATE = "fetch.allow_private=true allows it, if you trust the source"


class FetchError(UserError):
    """Something that cannot be had; the text is `<url>: <reason>`."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{shown(url)}: {reason}")
        self.url, self.reason = url, reason


@dataclass(frozen=True)
class Reply:
    """What came. url: after redirects. unchanged: it is as the etag says that was sent (304)."""

    url: str
    kind: str
    etag: str
    size: int
    unchanged: bool = False


class _Again(Exception):  # noqa: N818  (it says what is to be done)
    """An attempt that failed in a way that another may not. pause: what the host asks for."""

    def __init__(self, reason: str, pause: float | None = None, *, at_limit: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.pause, self.at_limit = reason, pause, at_limit


class _DiskError(Exception):
    """What came cannot be written; own: the reason."""

    def __init__(self, own: OSError) -> None:
        super().__init__(str(own))
        self.own = own


class Fetcher:
    """Asks servers for files; may be used by several threads.

    Of each host there is one queue: one request at a time, `manners.rate` a second. What fails for
    a while is tried again after pauses that grow, or as long as the host says. A host that asks to
    be left alone for longer, or fails with several addresses in a row, is asked no more.
    Addresses, and what they are redirected to, must be http or https and lead to the open internet.
    """

    def __init__(
        self, manners: Manners, log: FetchLog | None = None, clock: Clock | None = None
    ) -> None:
        self.manners = manners
        self.log = log or FetchLog(None)
        self.clock = clock or Clock()
        self._queues: dict[str, Queue] = {}
        self._lock = threading.Lock()
        self._proxies = urllib.request.getproxies()
        self._managers: dict[str, urllib3.PoolManager] = {}

    def stop(self) -> None:
        """Let every thread that waits for its turn give up."""
        self.clock.stop()

    def get(self, url: str, most: int, accept: str = "*/*", etag: str = "") -> tuple[Reply, bytes]:
        """The bytes at an address, `most` at most. Raises FetchError."""
        target = io.BytesIO()
        reply = self.download(url, target, most, accept, etag)
        return reply, target.getvalue()

    def download(
        self, url: str, target: BinaryIO, most: int, accept: str = "*/*", etag: str = ""
    ) -> Reply:
        """Write what is at an address into a file that is open for writing. Raises FetchError."""
        headers = {"Accept": accept, "User-Agent": self._agent()}
        if etag:
            headers["If-None-Match"] = etag
        asked = url
        for _ in range(REDIRECTS + 1):
            found = self._patiently(asked, headers, target, most)
            if isinstance(found, Reply):
                return found
            try:
                asked = urljoin(asked, found)
            except ValueError:
                raise FetchError(url, "has moved to what is no address") from None
        raise FetchError(url, f"leads from one address to the next, more than {REDIRECTS} times")

    def _patiently(
        self, url: str, headers: Mapping[str, str], target: BinaryIO, most: int
    ) -> Reply | str:
        """A reply, or where it has moved to."""
        host = self._host(url)
        queue = self._queue(host)
        last = _Again("was not asked")
        for attempt in range(1, self.manners.attempts + 1):
            found = self._try(queue, url, headers, target, most)
            if not isinstance(found, _Again):
                queue.failures = 0
                return found
            last = found
            pause = pause_after(attempt) if found.pause is None else found.pause
            if pause > self.manners.patience:
                why = (
                    f"{host} asks to be left alone for {pause:,.0f} s (fetch.patience="
                    f"{self.manners.patience:g}): run the same command again then"
                )
                queue.failed(why, at_once=True)
                raise FetchError(url, why)
            queue.pause(pause)
        tried = f"{host} {last.reason}, {counted(self.manners.attempts, 'attempt')}"
        why = f"{tried}: is asked no more; run the same command again later"
        queue.failed(why, at_once=last.at_limit)
        raise FetchError(url, queue.closed or tried)

    def _try(
        self, queue: Queue, url: str, headers: Mapping[str, str], target: BinaryIO, most: int
    ) -> Reply | str | _Again:
        """One attempt, when it is this address's turn."""
        try:
            with queue.turn():
                if queue.closed:
                    raise FetchError(url, queue.closed)
                target.seek(0)
                target.truncate()
                return self._once(url, headers, target, most)
        except _Again as again:
            return again

    def _once(
        self, url: str, headers: Mapping[str, str], target: BinaryIO, most: int
    ) -> Reply | str:
        began = self.clock.now()
        answer, size, note = "", 0, ""
        try:
            response = self._manager(url).request(
                "GET",
                url,
                headers=dict(headers),
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(
                    connect=min(30.0, self.manners.timeout), read=self.manners.timeout
                ),
            )
            connection: Any = response.connection
            try:
                answer = str(response.status)
                found = self._answer(url, response)
                if isinstance(found, Reply) and not found.unchanged:
                    with connection.bounded(LONGEST) as deadline:
                        while block := response.read1(BLOCK):
                            deadline.move(LONGEST)
                            size += len(block)
                            self._check(url, size, most, self.clock.now() - began)
                            _write(target, block)
                    found = Reply(found.url, found.kind, found.etag, size)
                response.release_conn()
                return found
            finally:
                response.close()
                connection.leave()
        except _Again as again:
            asked = "" if again.pause is None else f", asks for a pause of {again.pause:,.0f} s"
            note = f"{again.reason}{asked}"
            raise
        except FetchError as error:
            note = error.reason
            raise
        except PrivateHostError as error:
            note = str(error)
            raise FetchError(url, f"{error}; {PRIVATE}") from None
        except _DiskError as error:
            note = "cannot be written here"
            raise error.own from None
        except UnicodeError:  # a host of odd letters, or of very many
            note = "is no address"
            raise FetchError(url, note) from None
        except SSLError as error:
            note = f"has no valid certificate ({brief(str(error))})"
            raise FetchError(url, note) from None
        except (HTTPError, OSError, LocationParseError) as error:
            note = _why(error)
            raise _Again(note) from None
        finally:
            self.log.add(url, answer or "none", size, self.clock.now() - began, note)

    def _check(self, url: str, size: int, most: int, spent: float) -> None:
        """Raise FetchError for what is too large, _Again for what comes too slowly."""
        if size > most:
            raise FetchError(url, f"is larger than the {most:,} bytes allowed")
        if spent > PATIENT and size < SLOWEST * spent:
            raise _Again(f"sends less than {SLOWEST:,} bytes a second")

    def _answer(self, url: str, response: urllib3.BaseHTTPResponse) -> Reply | str:
        status = response.status
        if status == 200:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Reply(url, kind, response.headers.get("ETag", ""), 0)
        if status == 304:
            return Reply(url, "", response.headers.get("ETag", ""), 0, unchanged=True)
        if status in MOVED and (place := response.headers.get("Location")):
            return place
        if status in BUSY:
            pause = wished_pause(response.headers.get("Retry-After"))
            said = "is asked too often" if status == 429 else "cannot answer now"
            raise _Again(f"{said} (HTTP {status})", pause, at_limit=status == 429)
        reasons = {
            401: "needs a login",
            403: "may not be had",
            404: "is not there",
            410: "is there no more",
        }
        raise FetchError(url, f"{reasons.get(status, 'is refused')} (HTTP {status})")

    def _host(self, url: str) -> str:
        try:
            if not url.isprintable():
                raise ValueError
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise FetchError(url, "is no address") from None
        if parts.scheme not in ("http", "https") or not host:
            raise FetchError(url, "is no address of the web (http:// or https://)")
        if parts.username is not None:
            raise FetchError(url, "has a name or password in it: give an address without")
        return f"{host}:{port}" if port else host

    def _queue(self, host: str) -> Queue:
        with self._lock:
            return self._queues.setdefault(host, Queue(self.manners, self.clock))

    def _manager(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxy = self._proxies.get(parts.scheme)
        if proxy and urllib.request.proxy_bypass(host):
            proxy = None
        if proxy and not self.manners.allow_private:
            _check_spelled(host)
        with self._lock:
            key = proxy or ""
            if key not in self._managers:
                manager = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
                is_checked = not proxy and not self.manners.allow_private
                manager.pool_classes_by_scheme = PUBLIC_POOLS if is_checked else POOLS
                self._managers[key] = manager
            return self._managers[key]

    def _agent(self) -> str:
        contact = f" (+{self.manners.contact})" if self.manners.contact else ""
        return f"drawsim/{drawsim.__version__}{contact}"


def _write(target: BinaryIO, block: bytes) -> None:
    try:
        target.write(block)
    except OSError as error:
        raise _DiskError(error) from error


def shown(url: str) -> str:
    """An address as a line shows it: printable and not endless."""
    text = "".join(letter if letter.isprintable() else "?" for letter in url)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _check_spelled(host: str) -> None:
    """A proxy looks names up; what is private by its spelling is refused here all the same."""
    if host == "localhost" or host.endswith(".localhost"):
        raise PrivateHostError(f"{host} is an address of this machine or of its own network")
    if host.replace(".", "").isdecimal() or ":" in host:
        check_host(host, 0)


def _why(error: Exception) -> str:
    """In words, why no answer came."""
    text = str(error)
    for sign, words in (
        ("NameResolutionError", "is not known (no such host, or no network)"),
        ("getaddrinfo", "is not known (no such host, or no network)"),
        ("not known", "is not known (no such host, or no network)"),
        ("refused", "refuses the connection"),
        ("timed out", "does not answer in time"),
        ("IncompleteRead", "cut its answer short"),
        ("reset", "broke the connection"),
        ("closed connection", "broke the connection"),
    ):
        if sign.lower() in f"{type(error).__name__} {text}".lower():
            return words
    return f"cannot be reached ({brief(text)})"
