"""How the app is put on a socket."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from drawsim.web.security.connections import PatientProtocol

PATIENCE = 5
"""Seconds that open requests get when the app is stopped."""


def server(app: FastAPI, patience: int = PATIENCE) -> uvicorn.Server:
    """A server that answers on the sockets it is run with; it says nothing but warnings."""
    settings = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        log_level="error",  # strangers' broken requests are no news
        access_log=False,
        proxy_headers=False,  # whoever counts tries by address would believe anything
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=patience,
    )
    return uvicorn.Server(settings)
