"""How many pairs there are to learn from: style copies are no further ones."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from drawsim.workflows.data import confirmed_pairs

SET = st.sampled_from(["train", "val", "test"])


@settings(max_examples=30)
@given(originals=st.lists(st.tuples(SET, st.integers(0, 3)), max_size=12))
def test_a_drawing_counts_once_however_many_styles_it_has(originals: list[tuple[str, int]]) -> None:
    rows = []
    for number, (name, copies) in enumerate(originals):
        drawings = [f"d{number}", *(f"d{number}-oil{copy}" for copy in range(copies))]
        rows += [(drawing, f"a{number}", name, f"d{number}") for drawing in drawings]
    split = pd.DataFrame(rows, columns=["drawing_id", "artwork_id", "set", "parent"])
    assert confirmed_pairs(split) == sum(name == "train" for name, _ in originals)
