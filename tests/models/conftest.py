"""The networks of these tests are small: threads would cost more than they bring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub as hub
import pytest
import torch

from tests.models.backbones.hub_server import StandIn, serving

torch.set_num_threads(1)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """A hub without files that the client in this process asks, and an empty cache."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(StandIn()) as server:
        template = hub.constants.HUGGINGFACE_CO_URL_TEMPLATE
        monkeypatch.setattr(
            hub.constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            template.replace(hub.constants.ENDPOINT, server.endpoint),
        )
        monkeypatch.setattr(hub.constants, "ENDPOINT", server.endpoint)
        if hasattr(hub.file_download, "HUGGINGFACE_CO_URL_TEMPLATE"):  # of its own, before 1.0
            changed = hub.constants.HUGGINGFACE_CO_URL_TEMPLATE
            monkeypatch.setattr(hub.file_download, "HUGGINGFACE_CO_URL_TEMPLATE", changed)
        monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server
