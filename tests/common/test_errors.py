"""The names that are offered for a misspelt one."""

from __future__ import annotations

import pytest

from drawsim.common.errors import nearest


@pytest.mark.parametrize(
    ("name", "valid", "first"),
    [
        ("bakcbone", ["aug", "backbone", "batch", "trainer"], "backbone"),
        ("sead", ["study", "seed", "out"], "seed"),
        ("v99", [f"v{i}" for i in range(11)], "v9"),
    ],
)
def test_the_nearest_comes_first(name: str, valid: list[str], first: str) -> None:
    assert nearest(name, valid).startswith(f"did you mean {first}")


def test_without_likeness_all_are_listed_once_and_in_order() -> None:
    assert nearest("qqq", ["beta", "alpha", "beta"]) == "choose from alpha, beta"
