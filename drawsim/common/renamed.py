"""Settings of before, and what they are called now."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

RENAMED = {
    "batch.share": "batch.in_batch_negatives",
    "batch.memory": "batch.cross_batch_memory",
    "spatial": "rerank=spatial",
    "miner.same_picture": "miner.near_duplicate_similarity",
    "rerank.depth": "rerank.spatial.depth, as rerank.k_reciprocal.depth and rerank.expansion.depth",
    "rerank.weight": "rerank.spatial.weight",
    "rerank.neighbours": "rerank.expansion.neighbours",
    "rerank.alpha": "rerank.expansion.alpha",
    "rerank.k1": "rerank.k_reciprocal.k1",
    "rerank.k2": "rerank.k_reciprocal.k2",
    "rerank.original": "rerank.k_reciprocal.original",
}
"""Dotted names: the command line is told of the new one, and files are read as if they had it."""

LEARN = "adapt.learn"
"""It was true or false, for the weights of axes or none."""


def renamed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a file under the names of today, with the values of today.

    >>> renamed({"batch": {"share": True, "size": 8}})
    {'batch': {'size': 8, 'in_batch_negatives': True}}
    >>> renamed({"adapt": {"learn": True}})
    {'adapt': {'learn': 'axes'}}
    """
    found: dict[str, Any] = copy.deepcopy(dict(settings))
    if isinstance(found.get("rerank"), Mapping):
        found["rerank"] = ways(found["rerank"])
    for old, new in RENAMED.items():
        before, key = _parent(found, old)
        if before is not None and key in before:
            after, name = _parent(found, new)
            if after is not None:
                after.setdefault(name, before.pop(key))
    adapt, learn = _parent(found, LEARN)
    if adapt is not None and isinstance(adapt.get(learn), bool):
        adapt[learn] = "axes" if adapt[learn] else "none"
    return found


def ways(rerank: Mapping[str, Any]) -> dict[str, Any]:
    """Ways of re-ranking by their names, in order.

    Files of before name one way, or none, among its own settings.

    >>> ways({"name": "spatial", "_target_": "x", "depth": 50})
    {'spatial': {'_target_': 'x', 'depth': 50}}
    >>> ways({"name": "none"})
    {}
    """
    if "_target_" not in rerank and not isinstance(rerank.get("name"), str):
        return dict(rerank)
    own = {key: value for key, value in rerank.items() if key != "name"}
    return {str(rerank.get("name", "")): own} if own else {}


def _parent(settings: dict[str, Any], dotted: str) -> tuple[dict[str, Any] | None, str]:
    """The mapping that a setting lies in, if it is there, and its own name."""
    *parents, name = dotted.split(".")
    here: Any = settings
    for parent in parents:
        here = here.get(parent) if isinstance(here, dict) else None
    return (here if isinstance(here, dict) else None), name
