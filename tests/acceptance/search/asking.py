"""The commands index and search called with settings, and what must come out of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf

from drawsim.common.building import config_folder
from drawsim.retrieval.embeddings import Embeddings, load_embeddings
from drawsim.search import search as search_command

SIZE = 64
NAMES = {"drawing": "1995_0{}", "artwork": "Du╠êrer, {}"}
"""Ids that a command line does not take easily: numbers with a line between, commas, accents."""
COUNTRIES = ("FRA", "ITA")


def configured(name: str, **settings: Any) -> DictConfig:
    """The configuration of a command with these settings."""
    defaults = OmegaConf.load(config_folder() / "commands" / f"{name}.yaml")
    assert isinstance(defaults, DictConfig)
    config = OmegaConf.masked_copy(
        defaults, [str(k) for k in defaults if k not in ("defaults", "hydra")]
    )
    for key, value in settings.items():
        assert key.rstrip("_") in defaults.keys()  # noqa: SIM118  # it says no of ???
        config[key.rstrip("_")] = str(value) if isinstance(value, Path) else value
    return config


def look_up(root: Path, out: Path, **settings: Any) -> dict[str, Any]:
    """What hits.json says of a search."""
    search_command(
        configured("search", **{"index": root / "INDEX", "out": out, "k": 5, **settings})
    )
    record: dict[str, Any] = json.loads((out / "hits.json").read_text(encoding="utf-8"))
    return record


def found_ids(record: dict[str, Any], query: int = 0) -> list[str]:
    return [hit["id"] for hit in record["queries"][query]["hits"]]


def vectors_of(root: Path, kind: str) -> Embeddings:
    return load_embeddings(root / f"{kind}s.safetensors")


def brute_force(root: Path, kind: str, query: torch.Tensor, k: int = 5) -> list[str]:
    """The nearest ids by a whole sort."""
    embeddings = vectors_of(root, kind)
    scores = (embeddings.vectors @ query).numpy()
    return [embeddings.ids[row] for row in np.argsort(-scores)[:k]]


def vector(root: Path, kind: str, number: int) -> torch.Tensor:
    return vectors_of(root, kind).vectors[number]
