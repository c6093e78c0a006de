"""Files of servers, opened like any other: what is fetched, kept, asked for again and refused."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from drawsim.common import copies, servers
from drawsim.common.errors import UserError
from drawsim.common.opening import CannotFetchError, CannotOpenError, read_regular
from drawsim.common.remote import copy_of
from tests.common.server import CHANGED, Answers, https

pytest.importorskip("s3fs", reason="s3fs is not installed")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for a certificate that is trusted."""
    folder = tmp_path_factory.mktemp("authority")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "certificate.pem"))
        yield folder


@pytest.fixture
def server(authority: Path, cache: Path) -> Iterator[Any]:
    with https(authority) as server:
        from fsspec.implementations.http import HTTPFileSystem

        HTTPFileSystem.clear_instance_cache()
        yield server


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no waiting."""
    monkeypatch.setattr("drawsim.common.remote.user_cache", lambda: tmp_path)
    monkeypatch.setattr(copies, "TRIES", (0.0,))
    monkeypatch.setattr(copies, "_taken", 0)
    monkeypatch.setattr(copies, "_troubles", {})
    return tmp_path / "remote"


def age(path: Path, seconds: float) -> None:
    """Let a copy have been used so long ago."""
    os.utime(path, (time.time() - seconds, path.stat().st_mtime))


def held(cache: Path) -> list[str]:
    """The copies that are there, and what was left of others."""
    found = [path for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]
    return sorted(path.name.partition("-")[2] for path in found)


def test_a_file_is_fetched_once_and_asked_for_when_it_is_old(server: Any, cache: Path) -> None:
    server.files["/a/x.png"] = b"one" * 1000
    path = copy_of(f"{server.url}/a/x.png")
    for _ in range(2):
        assert read_regular(path) == b"one" * 1000
    assert server.asked == {("GET", "/a/x.png"): 1}
    assert path.stat().st_mtime == CHANGED
    age(path, 2 * copies.FRESH)
    assert read_regular(path) == b"one" * 1000
    assert server.asked == {("GET", "/a/x.png"): 1, ("HEAD", "/a/x.png"): 1}
    server.files["/a/x.png"], server.changed = b"two", CHANGED + 60
    assert read_regular(path) == b"one" * 1000  # it was used a moment ago
    age(path, 2 * copies.FRESH)
    assert read_regular(path) == b"two"
    assert held(cache) == ["x.png"]


def test_what_is_there_is_used_while_the_server_is_away(server: Any, cache: Path) -> None:
    server.files["/x.png"] = b"one"
    path = copy_of(f"{server.url}/x.png")
    read_regular(path)
    age(path, 2 * copies.FRESH)
    server.shutdown()
    server.server_close()
    assert read_regular(path) == b"one"
    with pytest.raises(CannotFetchError, match=r"y\.png: cannot be fetched"):
        read_regular(copy_of(f"{server.url}/y.png"))


def page(handler: Answers) -> None:
    handler.answer(200, b"<html>", {"Content-Type": "text/html; charset=utf-8"})


def broken(handler: Answers) -> None:
    handler.answer(200, b"half", {"Content-Length": "8"})


def closed(handler: Answers) -> None:
    handler.answer(403, b"", {})


def led(target: str) -> Any:
    return lambda handler: handler.answer(302, b"", {"Location": target})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "is not there"),
        (page, "is a web page (HTML), not an image"),
        (broken, "cannot be fetched"),
        (closed, "may not be read (the server gives you no right to it, or it is not there)"),
        (led("http://127.0.0.1/x.png"), "leads on to http://, which is not followed"),
        (led("file:///etc/passwd"), "leads on to file://, which is not followed"),
        (led("https://127.0.0.2/x.png"), "leads on into a private network"),
        (led("https://localhost/x.png"), "in a private network"),
        (led(""), "cannot be fetched (the server says 302)"),
        (led("https://[bad"), "leads on to an address that is none"),
        (led("https://a..b/"), "leads on to an address that is none"),
        (led("https://h:99999/x"), "leads on to an address that is none"),
        (led(f"https://{'a' * 64}.com/"), "leads on to an address that is none"),
    ],
)
def test_what_is_not_taken(server: Any, cache: Path, answer: Any, said: str) -> None:
    server.files["/x.png"] = answer
    with pytest.raises(CannotOpenError) as told:
        read_regular(copy_of(f"{server.url}/x.png"))
    assert str(told.value).startswith(f"{server.url}/x.png: ")
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert held(cache) == []


def test_a_server_that_leads_on_at_the_same_host(server: Any, cache: Path) -> None:
    server.files |= {"/x.png": led("/y.png"), "/y.png": b"content"}
    assert read_regular(copy_of(f"{server.url}/x.png")) == b"content"


@pytest.mark.parametrize(
    "changed",
    [
        "Mon, 01 Jan 2024 00:00:00 +999999999999999999",
        "Mon, 01 Jan 0001 00:00:00 -0000",
        "Mon, 31 Dec 9999 23:59:59 -2359",
        "garbage",
    ],
)
def test_a_time_that_is_none(server: Any, cache: Path, changed: str) -> None:
    server.files["/x.png"] = lambda handler: handler.answer(200, b"x", {"Last-Modified": changed})
    path = copy_of(f"{server.url}/x.png")
    assert read_regular(path) == b"x"
    age(path, 7200)
    assert read_regular(path) == b"x"
    assert server.asked["GET", "/x.png"] == 1, "it is taken to be as it was"


def test_a_server_that_sends_too_slowly(
    server: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As fast as it should be, nothing is said; else it ends after the first seconds."""
    monkeypatch.setattr(servers, "SECONDS", 0)
    server.files["/x.png"] = b"x" * 5
    monkeypatch.setattr(servers, "SLOWEST", 0)
    assert len(read_regular(copy_of(f"{server.url}/x.png"))) == 5
    monkeypatch.setattr(servers, "SLOWEST", 10**15)
    told = []
    for name in "abc":
        server.files[f"/{name}.png"] = b"x" * 5
        with pytest.raises(CannotOpenError, match="only 5 bytes came in 0 s") as failure:
            read_regular(copy_of(f"{server.url}/{name}.png"))
        told.append(type(failure.value))
    assert told == [CannotOpenError, CannotOpenError, CannotFetchError], "one is about one file"


def drip(handler: Answers) -> None:
    """A header that never ends, a byte now and then."""
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        for _ in range(600):
            handler.wfile.write(b"x")
            time.sleep(0.05)


def test_a_header_that_drips_is_not_waited_for(
    server: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "HEAD", 0.3)
    monkeypatch.setattr(copies, "TRIES", ())
    server.files["/x.png"] = drip
    with pytest.raises(CannotOpenError, match=r"no answer came in 0\.3 s"):
        read_regular(copy_of(f"{server.url}/x.png"))


def test_a_connection_that_is_no_more() -> None:
    """As aiohttp has it where a connection closes while a part is waited for."""

    def closed() -> bytes:
        raise RuntimeError("Connection closed.")

    with pytest.raises(servers.ServerError, match=r"cannot be fetched \(Connection closed"):
        next(servers._steady(iter(closed, b"")))


def endless(handler: Answers) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b"0" * 100_000)


@pytest.mark.parametrize("answer", [b"0" * 1000, endless])
def test_no_more_is_taken_than_is_read(server: Any, cache: Path, answer: Any) -> None:
    server.files["/x.png"] = answer
    with pytest.raises(CannotOpenError, match="more than the 999 that are read"):
        read_regular(copy_of(f"{server.url}/x.png"), most=999)
    assert held(cache) == []


def test_the_longest_unused_gives_way(
    server: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(copies.ROOM, "0.00001")  # 10 kB
    paths = []
    for number in range(6):
        server.files[f"/{number}.png"] = bytes([number]) * 3000
        paths.append(copy_of(f"{server.url}/{number}.png"))
    for path in paths[:3]:
        read_regular(path)
    for path, seconds in zip(paths[:3], (30, 10, 20), strict=True):
        age(path, seconds)
    read_regular(paths[3])
    assert held(cache) == ["1.png", "2.png", "3.png"]
    read_regular(paths[4])
    assert held(cache) == ["1.png", "3.png", "4.png"]
    assert read_regular(paths[0]) == bytes(3000)  # fetched anew
    server.files["/5.png"] = b"0" * 6000
    with pytest.raises(CannotOpenError, match=rf"half of the room for copies: raise {copies.ROOM}"):
        read_regular(paths[5])


@pytest.mark.parametrize("text", ["much", "0", "-1", "nan", "inf"])
def test_room_that_is_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(copies.ROOM, text)
    with pytest.raises(UserError, match=f"{copies.ROOM}={text}: must be a number of GB above 0"):
        copies.room()


def test_a_full_disk(server: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files["/x.png"] = b"0" * 1000

    def full(size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(copies, "_make_room", full)
    with pytest.raises(UserError, match=f"the disk is full: free some space, or set {copies.ROOM}"):
        read_regular(copy_of(f"{server.url}/x.png"))
    assert held(cache) == []


@pytest.fixture
def s3(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket, `pictures`, of an S3 server on loopback."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    import boto3
    import s3fs

    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3")
    client.create_bucket(Bucket="pictures")
    try:
        yield client
    finally:
        server.stop()
        s3fs.S3FileSystem.clear_instance_cache()


def test_files_of_a_bucket(s3: Any, cache: Path) -> None:
    from drawsim.preparing.image_lists import images_of_address

    for name in ("scans/ä b.png", "scans/deep/2.jpg", "scans/notes.txt", "other/3.png"):
        s3.put_object(Bucket="pictures", Key=name, Body=name.encode())
    files, refused, notes = images_of_address("s3://pictures/scans")
    assert [name for name, _ in files] == ["deep/2", "ä b"]
    assert (refused, notes) == ({}, ["left out of 3 files: 1 not an image (.txt)"])
    assert held(cache) == []
    assert read_regular(dict(files)["ä b"]) == "scans/ä b.png".encode()
    assert held(cache) == ["ä b.png"]
    age(dict(files)["ä b"], 2 * copies.FRESH)
    assert read_regular(dict(files)["ä b"]) == "scans/ä b.png".encode()
    with pytest.raises(CannotOpenError, match=r"gone\.png: is not there"):
        read_regular(copy_of("s3://pictures/gone.png"))
    with pytest.raises(UserError, match=r"s3://pictures/none/: (is not there|no images)"):
        images_of_address("s3://pictures/none")
    with pytest.raises(UserError, match=r"s3://nobody/: is not there"):
        images_of_address("s3://nobody")


def test_a_bucket_without_rights(
    authority: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    from drawsim.preparing.image_lists import images_of_address

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority / "certificate.pem"))
    with https(authority) as server:
        server.files = _Always(closed)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        s3fs.S3FileSystem.clear_instance_cache()
        with pytest.raises(UserError, match=r"s3://pictures/: may not be read") as told:
            images_of_address("s3://pictures")
        with pytest.raises(CannotOpenError, match="may not be read"):
            read_regular(copy_of("s3://pictures/x.png"))
    assert "\n" not in str(told.value)
    assert held(cache) == []


class _Always(dict[str, Any]):
    """The same answer to every path."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def get(self, *_: Any) -> Any:
        return self.answer


def test_no_server_at_all(cache: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{free.getsockname()[1]}/x.png"
    with pytest.raises(CannotFetchError, match="cannot be fetched"):
        read_regular(copy_of(url))
