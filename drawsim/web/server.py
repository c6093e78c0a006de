"""How the app is put on a socket."""

from __future__ import annotations

from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI

from drawsim.web.security.connections import PatientProtocol

PATIENCE = 5
"""Seconds that open requests get when the app is stopped."""


def server(app: FastAPI, patience: int = PATIENCE, proxies: Sequence[str] = ()) -> uvicorn.Server:
    """A server that answers on the sockets it is run with; it says nothing but warnings.

    proxies: addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are believed; of
    the former, the last address that is none of theirs.
    """
    settings = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        log_level="error",  # strangers' broken requests are no news
        access_log=False,
        proxy_headers=bool(proxies),  # anybody else could give any address for each try
        forwarded_allow_ips=list(proxies),
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=patience,
    )
    return uvicorn.Server(settings)
