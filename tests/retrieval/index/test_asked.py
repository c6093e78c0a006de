"""Ids that are asked for, in whatever spelling, and what they were before a spreadsheet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.asked import find_ids


def index(*drawings: str) -> Any:
    """An index of these drawings and an artwork `7`, without a collection."""
    parts = {
        kind: SimpleNamespace(
            kind=kind, embeddings=Embeddings(ids, torch.zeros(len(ids), 1)), table=pd.DataFrame()
        )
        for kind, ids in (("drawing", drawings), ("artwork", ("7",)))
    }
    return SimpleNamespace(parts=parts, part=parts.__getitem__, collection=None)


@pytest.mark.parametrize(
    ("listed", "asked", "meant"),
    [
        (("007", "d"), "007", "007"),
        (("=1+1",), "=1+1", "=1+1"),
        (("d1", "D1"), "D1", "D1"),
        (("d1", "D1"), "d1.JPG", "d1"),
        (("d1",), "scans/d1.jpg", "d1"),
        (("M\u00fcller",), "Mu\u0308ller", "M\u00fcller"),
        (("d1",), "\u200bd1\u00a0", "d1"),
    ],
)
def test_an_id_in_whatever_spelling(listed: tuple[str, ...], asked: str, meant: str) -> None:
    [found] = find_ids(index(*listed), [asked], None)
    assert (found.id, found.kind) == (meant, "drawing")


@pytest.mark.parametrize(
    ("listed", "asked", "said"),
    [
        (("0012",), "12", "a spreadsheet took its zeros, it was '0012'"),
        (("ab", "AB"), "Ab", "it may be 'ab' or 'AB'"),
        (("house_12",), "hause_12", "did you mean house_12"),
        (("Plakat Nr. 1", "Hafen"), "Plakat Nr 1", r"did you mean Plakat Nr\. 1\?"),
        (("7",), "7", "is a drawing and an artwork"),
    ],
)
def test_an_id_that_is_none(listed: tuple[str, ...], asked: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        find_ids(index(*listed), [asked], None)
