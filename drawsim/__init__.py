"""drawsim: find the artworks that children's drawings echo.

The nouns are for Python, `from drawsim import Collection, Model, Embeddings, Index, Run`; the verbs
are for the shell, `drawsim train …`. docs/python.md has them at work.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drawsim.collection.tables import Collection
    from drawsim.models.model import Model
    from drawsim.retrieval.embeddings import Embeddings
    from drawsim.retrieval.index.folder import Index
    from drawsim.runs.run import Run

__version__ = "0.1.0"
__all__ = ["Collection", "Embeddings", "Index", "Model", "Run"]

_HOMES = {
    "Collection": "drawsim.collection.tables",
    "Embeddings": "drawsim.retrieval.embeddings",
    "Index": "drawsim.retrieval.index.folder",
    "Model": "drawsim.models.model",
    "Run": "drawsim.runs.run",
}
"""Where each noun lives; it is imported when it is first asked for, and torch with it."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'drawsim' has no attribute {name!r}")
    from drawsim.common.machine import prepare

    prepare()  # as the commands do, before torch is there
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
