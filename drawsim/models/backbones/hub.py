"""Pretrained networks from the hub, or from what it left in its cache."""

from __future__ import annotations

import functools
import os
import socket
from urllib.parse import urlsplit

import huggingface_hub as hub
from torch import nn

from drawsim.common.errors import UserError


def fetch(create: functools.partial[nn.Module], model: str) -> nn.Module:
    """The pretrained network from the hub (or the hub's local cache).

    Raises UserError, with both cures, where it cannot be had.
    """
    offline = not _hub_answers()
    # Without a network the hub's client would try again and again for most of a minute.
    before, hub.constants.HF_HUB_OFFLINE = hub.constants.HF_HUB_OFFLINE, offline
    try:
        return create(pretrained=True)
    except Exception as error:  # the hub's clients raise many kinds, none of them shared
        why = "no network" if offline else f"{type(error).__name__}: {error}".split("\n", 1)[0]
        raise UserError(
            f"backbone.model={model}: its weights could not be fetched from the hub ({why}). "
            "Connect to the network once (they are then kept), or give a local file: "
            "backbone.weights=FILE. Offline, backbone=lite needs neither."
        ) from error
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
