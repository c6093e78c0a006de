"""Pretrained networks from the hub, or from what it left in its cache."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

import huggingface_hub as hub
import timm
from torch import nn

from drawsim.common.errors import UserError

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
    offline = not _hub_answers()
    try:
        # Without a network the hub's client would try again and again for most of a minute.
        with _offline(offline):
            return create(pretrained=True)
    except Exception as error:  # the hub's clients raise many kinds, none of them shared
        why = "no network" if offline else f"{type(error).__name__}: {error}".split("\n", 1)[0]
        raise UserError(
            f"backbone.model={model}: its weights could not be fetched from the hub ({why}). "
            "Connect to the network once (they are then kept), or give a local file: "
            "backbone.weights=FILE. Offline, backbone=lite needs neither."
        ) from error


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


@contextmanager
def _offline(value: bool) -> Iterator[None]:
    """Tell the hub's client that there is no network, or that there is."""
    before, hub.constants.HF_HUB_OFFLINE = hub.constants.HF_HUB_OFFLINE, value
    try:
        yield
    finally:
        hub.constants.HF_HUB_OFFLINE = before


def _hub_answers() -> bool:
    """Whether the hub's host takes a connection (assumed where a proxy stands in between)."""
    if any(name.lower() in ("https_proxy", "all_proxy") for name in os.environ):
        return True
    address = urlsplit(hub.constants.ENDPOINT)
    try:
        with socket.create_connection((str(address.hostname), address.port or 443), timeout=5):
            return True
    except OSError:
        return False
