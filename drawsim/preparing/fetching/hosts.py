"""Which hosts an address may lead to: those of the open internet, unless the user says otherwise.

A manifest, a table or a redirect may name any address. Without this check, whoever writes one could
have this machine ask for what only this machine can reach: server-side request forgery.
"""

from __future__ import annotations

import socket
from typing import Any, ClassVar

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from drawsim.common.addresses import is_public
from drawsim.preparing.fetching.deadlines import Bounded


class PrivateHostError(Exception):
    """An address of this machine or of its own network; the text says which."""


def check_host(host: str, port: int) -> None:
    """Raise PrivateHostError if a name leads to a private address; OSError if it is unknown."""
    for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        _check(str(place[0]), host)


def _check(address: str, host: str) -> None:
    if not is_public(address):
        named = host if host == address else f"{host} ({address})"
        raise PrivateHostError(f"{named} is an address of this machine or of its own network")


class _Checked:
    """Looks, before a byte is sent, where a connection has led: a name may have moved meanwhile."""

    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        check_host(self.host, self.port)
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        try:
            _check(str(connection.getpeername()[0]), self.host)
        except BaseException:
            connection.close()
            raise
        return connection


class _HTTP(Bounded, HTTPConnection):
    pass


class _HTTPS(Bounded, HTTPSConnection):
    pass


class _CheckedHTTP(_Checked, _HTTP):
    pass


class _CheckedHTTPS(_Checked, _HTTPS):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls: ClassVar[Any] = _HTTP  # type: ignore[misc]


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls: ClassVar[Any] = _HTTPS  # type: ignore[misc]


class _CheckedHTTPPool(HTTPConnectionPool):
    ConnectionCls: ClassVar[Any] = _CheckedHTTP  # type: ignore[misc]


class _CheckedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls: ClassVar[Any] = _CheckedHTTPS  # type: ignore[misc]


POOLS = {"http": _HTTPPool, "https": _HTTPSPool}
"""By scheme, to any host."""
PUBLIC_POOLS = {"http": _CheckedHTTPPool, "https": _CheckedHTTPSPool}
"""The same to hosts of the open internet alone."""
