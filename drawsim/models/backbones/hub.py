"""Pretrained networks from the hub, or from what it left in its cache."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import huggingface_hub as hub
import timm
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from safetensors import SafetensorError
from torch import nn

from drawsim.common.errors import UserError

T = TypeVar("T")
CONNECT = "Connect to the network once (they are then kept)"
REFUSED = (401, 403)
"""Answers of a server to who is not known, or not allowed."""
_LOCAL: ContextVar[bool] = ContextVar("nothing is fetched", default=False)


@contextmanager
def nothing_fetched() -> Iterator[None]:
    """Take what is on this machine alone: for a model that a file of somebody's asks for."""
    token = _LOCAL.set(True)
    try:
        yield
    finally:
        _LOCAL.reset(token)


def fetch(create: functools.partial[nn.Module], model: str) -> nn.Module:
    """The pretrained network from the hub (or the hub's local cache).

    Raises UserError, with both cures, where it cannot be had.
    """
    if _LOCAL.get():
        return _kept(create, model)
    offline = not hub_answers()
    try:
        # Without a network the hub's client would try again and again for most of a minute.
        with _offline(offline):
            return create(pretrained=True)
    except Exception as error:  # the hub's clients raise many kinds, none of them shared
        host = urlsplit(hub.constants.ENDPOINT).hostname
        why, cure = (
            (f"{host} does not answer", CONNECT) if offline else _told(error, _repository(model))
        )
        raise UserError(
            f"backbone.model={model}: its weights could not be fetched from the hub ({why}). "
            f"{cure}, or give a local file: backbone.weights=FILE. "
            "Offline, backbone=lite needs neither."
        ) from error


def fetch_from(repository: str, get: Callable[[], T], what: str) -> T:
    """What a function of the hub's client gets of a repository, or what was kept of it.

    what: it is, for the message. Raises UserError, with the cure, where it cannot be had.
    """
    offline = not hub_answers()
    try:
        with _offline(offline):
            return get()
    except Exception as error:  # the hub's clients raise many kinds, none of them shared
        host = urlsplit(hub.constants.ENDPOINT).hostname
        why, cure = (f"{host} does not answer", CONNECT) if offline else _told(error, repository)
        raise UserError(f"{what} could not be fetched from the hub ({why}). {cure}.") from error


def _repository(model: str) -> str:
    """Where the hub has the weights of a network of timm."""
    known = timm.get_pretrained_cfg(model)
    return str(known.hf_hub_id if known and known.hf_hub_id else model)


def _told(error: Exception, repository: str) -> tuple[str, str]:
    """What went wrong while weights were fetched, and the cure."""
    while isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # what the server said, before the cache was looked into
    page = f"{hub.constants.ENDPOINT}/{repository}"
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if isinstance(error, GatedRepoError) or status in REFUSED:
        return (
            f"{page} is not open to everyone",
            "Accept its terms there and log in (hf auth login, or HF_TOKEN=…)",
        )
    if isinstance(error, RepositoryNotFoundError | EntryNotFoundError):
        return f"{page} has no such weights", "Look there for those that there are"
    if isinstance(error, SafetensorError):
        return (
            f"what came is damaged: {error}",
            f"Remove {_cache_of(repository)} and fetch them again",
        )
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}", CONNECT


def _kept(create: functools.partial[nn.Module], model: str) -> nn.Module:
    """The pretrained network from the hub's cache. Raises UserError if it is not there."""
    known = timm.get_pretrained_cfg(model)
    try:
        if known is None or not known.hf_hub_id:  # of another server; that client cannot be held
            raise FileNotFoundError
        with _offline(True):
            return create(pretrained=True)
    except Exception as error:  # the hub's clients raise many kinds, none of them shared
        raise UserError(
            f"{model}: its weights are not on this machine, and none are fetched because a file "
            "says so; name the model yourself: backbone=NAME"
        ) from error


def _cache_of(repository: str) -> Path:
    """The folder of a repository in the hub's cache."""
    return Path(hub.constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"


def kept_weights(model: str) -> Path | None:
    """A file of weights of a network of timm in the hub's cache; None if there is none."""
    folder = _cache_of(_repository(model))
    files = (file for end in ("safetensors", "bin") for file in folder.glob(f"snapshots/*/*.{end}"))
    return next(iter(sorted(files)), None)


@contextmanager
def _offline(value: bool) -> Iterator[None]:
    """Tell the hub's client that there is no network, or that there is."""
    # Before 1.0 a connection is told as it is made, and kept.
    forget_connections = getattr(hub.utils, "reset_sessions", lambda: None)
    before, hub.constants.HF_HUB_OFFLINE = hub.constants.HF_HUB_OFFLINE, value
    forget_connections()
    try:
        yield
    finally:
        hub.constants.HF_HUB_OFFLINE = before
        forget_connections()


def hub_answers() -> bool:
    """Whether the hub's host takes a connection (assumed where a proxy stands in between)."""
    address = urlsplit(hub.constants.ENDPOINT)
    proxies, host = getproxies(), str(address.hostname)
    if not proxy_bypass(host) and (address.scheme in proxies or "all" in proxies):
        return True
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False
