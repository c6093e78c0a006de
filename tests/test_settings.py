"""Settings of a training run: what cannot be is a line."""

from __future__ import annotations

import pytest

from drawsim.common.errors import UserError
from drawsim.workflows.settings import NEEDED, check_numbers


@pytest.mark.parametrize("key", NEEDED)
def test_null_where_a_value_is_needed(key: str) -> None:
    values: object = None
    for part in reversed(key.split(".")):
        values = {part: values}
    assert isinstance(values, dict)
    with pytest.raises(UserError, match=f"^{key}=null: give a value$"):
        check_numbers(values)


def test_what_is_not_there_is_not_null() -> None:
    check_numbers({"seed": 0, "backbone": {}})


@pytest.mark.parametrize("key", ["study", "name"])
@pytest.mark.parametrize("text", ["", "..", ".", "a/b", "/etc/x", "../x", "a\\b", "a\0b"])
def test_names_that_lead_elsewhere(key: str, text: str) -> None:
    with pytest.raises(UserError, match="is the name of one folder"):
        check_numbers({key: text})


@pytest.mark.parametrize("text", ["lite-seed0", "my runs (1)", "ünï,code", "..x"])
def test_names_of_folders(text: str) -> None:
    check_numbers({"study": text, "name": text})


@pytest.mark.parametrize("parts", [3, [3], [[1]], [[-2, 4.5]], [[-2, True]], "x"])
def test_a_layout_that_is_none(parts: object) -> None:
    with pytest.raises(UserError, match="must be pairs of a map and its cells"):
        check_numbers({"layout": {"parts": parts}})


@pytest.mark.parametrize("parts", [None, [[-2, 4], [-1, 2]]])
def test_a_layout(parts: object) -> None:
    check_numbers({"layout": {"parts": parts}})
