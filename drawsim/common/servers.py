"""What servers say and send, by fsspec: S3, and HTTPS that leads nowhere but to other HTTPS.

A server is a stranger: it may send more than it says, a web page in the place of an image, or on to
another place. It is followed to https:// alone, and into private networks never, but to a host that
the address itself names.

`preparing/fetching` is another client, for another task. It copies what belongs to others, once:
one request at a time of a host, at its pace, for as long as it wishes, with a log. Here one's own
bucket is read as if it were a disk, by many threads and processes at once, each time a picture is
needed; nobody waits for a turn, and what fails is tried three times within seconds. What both must
hold to is in one place: which addresses are private (`common/addresses.py`).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from drawsim.common.addresses import is_public
from drawsim.common.errors import UserError
from drawsim.common.remote import is_host

CHUNK = 1 << 20
"""Bytes that are read at once."""
SECONDS = 60
"""For a server to answer, and between two parts of what it sends."""
HEAD = 60
"""Seconds for all of an answer's head."""
SLOWEST = 1000
"""Bytes a second that a server has to send, over as many seconds."""
LONGEST = 6 * 3600
"""Seconds for all of an answer."""
REDIRECTS = 5
LATEST = 2**32
"""Seconds since 1970 that every file system can keep, up to the year 2106."""


class ServerError(Exception):
    """Why something is not to be had from a server, in words.

    passing: it may be another time. away: there is no connection to the server, so that it is not
    about one file.
    """

    def __init__(self, reason: str, passing: bool = False, away: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing or away
        self.away = away


@dataclass(frozen=True)
class Facts:
    """size: bytes, if they are told. changed: when, in nanoseconds, or another number for another
    content; 0 where nothing is told."""

    size: int | None
    changed: int


@contextmanager
def opened(url: str) -> Iterator[tuple[Facts, Iterator[bytes]]]:
    """A file of a server: what is said of it, and its content part by part. Raises ServerError."""
    with _explained(url):
        if url.startswith("s3://"):
            system = _s3()
            facts = _facts(system.info(url))
            with system.open(url, "rb", block_size=5 * CHUNK, cache_type="readahead") as file:
                yield facts, _steady(iter(lambda: file.read(CHUNK), b""))
            return
        system = _https(url)
        # A size of 1, so that it is not asked for beforehand; without blocks it is not used.
        with system.open(url, "rb", block_size=0, size=1) as file:
            if file.r.status != 200:  # led on to nowhere, or a part that nobody asked for
                raise ServerError(f"cannot be fetched (the server says {file.r.status})")
            headers = file.r.headers
            if headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html":
                raise ServerError("is a web page (HTML), not an image")
            length = headers.get("Content-Length", "")
            whole = length.isdecimal() and "Content-Encoding" not in headers
            facts = _facts({**headers, "size": int(length) if whole else None})
            yield facts, _steady(iter(lambda: file.read(CHUNK), b""))


def _steady(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same parts, as long as they do not come too slowly. Raises ServerError."""
    waited, got = 0.0, 0
    while True:
        began = time.monotonic()
        try:
            part = next(parts, b"")
        except RuntimeError as error:  # aiohttp's, of a connection that is no more
            raise ServerError(f"cannot be fetched ({error})", passing=True) from error
        waited += time.monotonic() - began
        if not part:
            return
        got += len(part)
        if waited > SECONDS:
            if got < SLOWEST * waited:
                raise ServerError(
                    f"cannot be fetched (only {got:,} bytes came in {waited:.0f} s)", passing=True
                )
            waited, got = 0.0, 0
        yield part


def facts_of(url: str) -> Facts:
    """What a server says of a file without sending it. Raises ServerError."""
    with _explained(url):
        return _facts((_s3() if url.startswith("s3://") else _https(url)).info(url))


def files_below(folder: str) -> dict[str, int]:
    """The files in a folder of S3 and below, and their sizes, by address, in the order of names.

    Raises UserError where it cannot be read.
    """
    if not folder.startswith("s3://"):
        raise UserError(
            f"{folder}: https:// has no folders; list its files in a collection's table"
        )
    try:
        with _explained(folder):
            found = _s3().find(folder, detail=True)
    except ServerError as error:
        raise UserError(f"{folder}: {error}") from error
    return {f"s3://{name}": int(facts["size"]) for name, facts in sorted(found.items())}


def _facts(said: Any) -> Facts:
    """From what fsspec tells of S3, or the headers of HTTP; a time that is none tells nothing."""
    changed = said.get("LastModified") or said.get("Last-Modified")
    with suppress(ValueError, OverflowError):
        if isinstance(changed, str):
            changed = parsedate_to_datetime(changed)
        if isinstance(changed, datetime) and 0 <= changed.timestamp() < LATEST:
            return Facts(said.get("size"), int(changed.timestamp()) * 10**9)
    tag = str(said.get("ETag") or "").encode()
    return Facts(said.get("size"), int.from_bytes(tag, "big") % 2**30 * 10**9)


def _s3() -> Any:
    try:
        import fsspec

        return fsspec.filesystem(
            "s3",
            use_listings_cache=False,
            config_kwargs={
                "max_pool_connections": 32,
                "connect_timeout": SECONDS,
                "read_timeout": SECONDS,
                "retries": {"max_attempts": 2},
            },
        )
    except ImportError as error:
        raise UserError("s3:// needs s3fs: pip install 'drawsim[cloud]'") from error


def _https(url: str) -> Any:
    try:
        import fsspec
        import fsspec.implementations.http  # needs aiohttp
    except ImportError as error:
        raise UserError(
            "https:// needs fsspec and aiohttp: pip install 'drawsim[cloud]'"
        ) from error
    host = urlsplit(url).hostname or ""
    return fsspec.filesystem(
        "https", get_client=_client, client_kwargs={"named": host}, max_redirects=REDIRECTS
    )


async def _client(*, named: str, loop: Any) -> Any:
    """A session that connects to this host, and else to public ones alone, all by HTTPS."""
    import aiohttp
    from aiohttp.abc import AbstractResolver
    from aiohttp.resolver import DefaultResolver

    class Resolver(AbstractResolver):
        def __init__(self) -> None:
            self.plain = DefaultResolver()

        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
            found = await self.plain.resolve(host, port, family)
            if host == named:
                return found
            public = [each for each in found if is_public(each["host"])]
            if not public:
                raise _RefusedError(f"leads on to {host}, in a private network: not followed")
            return public

        async def close(self) -> None:
            await self.plain.close()

    async def redirected(session: Any, context: Any, told: Any) -> None:
        try:
            target = told.response.url.join(_url(told.response.headers.get("Location", "")))
            sound = target.scheme != "https" or is_host(target.host or "")
        except ValueError:
            sound = False
        if not sound:
            raise _RefusedError("leads on to an address that is none")
        if target.scheme != "https":
            raise _RefusedError(f"leads on to {target.scheme}://, which is not followed")
        with suppress(ValueError):
            if target.host != named and not is_public(target.host or ""):
                raise _RefusedError("leads on into a private network, which is not followed")

    def _url(text: str) -> Any:
        import yarl

        return yarl.URL(text)

    async def in_time(request: Any, handler: Any) -> Any:
        """The head of an answer within its time, however many bytes of it come one by one."""
        try:
            return await asyncio.wait_for(handler(request), HEAD)
        except asyncio.TimeoutError as error:
            raise _SlowError(f"no answer came in {HEAD} s") from error

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(redirected)
    return aiohttp.ClientSession(
        loop=loop,
        connector=aiohttp.TCPConnector(
            resolver=Resolver(), ssl=ssl.create_default_context(), loop=loop
        ),
        trace_configs=[trace],
        middlewares=(in_time,),
        timeout=aiohttp.ClientTimeout(total=LONGEST, connect=SECONDS, sock_read=SECONDS),
    )


class _RefusedError(Exception):
    """Where a server leads to is not gone to."""


class _SlowError(Exception):
    """A server does not answer in time."""


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what libraries raise into ServerError."""
    try:
        yield
    except (ServerError, UserError):
        raise
    except Exception as error:  # theirs are of many kinds, each with the cause in its chain
        if (found := _reason(error, url)) is None:
            raise
        raise found from error


def _reason(error: BaseException, url: str) -> ServerError | None:
    """In words, why a server does not give a file; None: that is no answer of a server."""
    import aiohttp

    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    for each in chain:
        if isinstance(each, _RefusedError):
            return ServerError(str(each))
    for each in chain:
        status = getattr(each, "status", None)
        if not isinstance(status, int):
            response = getattr(each, "response", None)
            told = response if isinstance(response, dict) else {}
            status = told.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status in (401, 403):
            return ServerError(
                "may not be read (the server gives you no right to it, or it is not there)"
            )
        if status in (404, 410):
            return ServerError("is not there")
        if isinstance(status, int) and status >= 400:
            return ServerError(
                f"cannot be fetched (the server says {status})", status >= 500 or status == 429
            )
    names = {type(each).__name__ for each in chain}
    if names & {"NoCredentialsError", "PartialCredentialsError"}:
        return ServerError(
            "needs the keys of your account (`aws configure`), or, in a public bucket, "
            "FSSPEC_S3_ANON=true"
        )
    if names & {"TooManyRedirects"}:
        return ServerError(f"leads on more than {REDIRECTS} times")
    if isinstance(error, FileNotFoundError) and len(chain) == 1:
        return ServerError("is not there")
    if isinstance(error, PermissionError):
        return ServerError(
            "may not be read (the server gives you no right to it, or it is not there)"
        )
    host = urlsplit(url).netloc
    passing = (_SlowError, aiohttp.ClientError, TimeoutError, ConnectionError)
    for each in chain:
        if isinstance(each, aiohttp.ClientSSLError):
            return ServerError(f"cannot be fetched ({host} cannot prove that it is {host})")
        if isinstance(each, passing) or type(each).__module__.startswith("botocore"):
            why = " ".join(str(each).split()) or type(each).__name__
            away = any(_is_unconnected(one) for one in chain)
            return ServerError(f"cannot be fetched ({why})", passing=True, away=away)
    return None


def _is_unconnected(error: BaseException) -> bool:
    """Whether there was no connection at all, by aiohttp or by botocore."""
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return True
    return any(
        kind.__module__ == "botocore.exceptions" and kind.__name__ == "ConnectionError"
        for kind in type(error).__mro__
    )
