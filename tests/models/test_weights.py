"""Weights files: all kinds are read, none runs code, and what does not fit is named."""

from __future__ import annotations

import math
import pickle
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from drawsim.common.errors import UserError
from drawsim.models.weights import (
    CHILDREN,
    fit_weights,
    read_weights,
    single_copy,
    weights_hash,
)


class Touch:
    """Unpickled without care, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def network(width: int = 3) -> nn.Module:
    torch.manual_seed(width)
    return nn.Sequential(
        OrderedDict(conv=nn.Conv2d(3, width, 2), norm=nn.BatchNorm2d(width), fc=nn.Linear(width, 2))
    )


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert list(one) == list(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt"])
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
def test_torch_files_are_read_bare_and_within_a_dictionary(
    tmp_path: Path, suffix: str, key: str | None
) -> None:
    state = network().state_dict()
    path = tmp_path / f"weights{suffix}"
    torch.save(state if key is None else {"epoch": 3, "note": "x", key: state}, path)
    assert_same(read_weights(path), dict(state))


def test_safetensors_are_read(tmp_path: Path) -> None:
    state = dict(sorted(network().state_dict().items()))
    save_file(state, tmp_path / "weights.safetensors")
    assert_same(dict(sorted(read_weights(tmp_path / "weights.safetensors").items())), state)


def test_of_a_drawsim_checkpoint_the_network_is_taken(tmp_path: Path) -> None:
    state = network().state_dict()
    inside = {f"backbone.network.{k}": v for k, v in state.items()}
    torch.save(
        {"state_dict": inside | {"loss.scale": torch.ones(1)}, "callbacks": {"a": [1]}},
        tmp_path / "best.ckpt",
    )
    assert_same(read_weights(tmp_path / "best.ckpt"), dict(state))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"net": state, "epoch": 3},
        lambda state: {"epoch": 3, "run": {"model": state, "best": 0.5}},
        lambda state: {"run": {"weights": state}, "statistics": {"mean": torch.ones(3)}},
        lambda state: {"step": torch.tensor(4), "net": state},
        lambda state: {"teacher": state | {"more": torch.ones(1)}, "model": state},
    ],
)
def test_a_state_dict_is_found_two_dictionaries_down(tmp_path: Path, wrap: Any) -> None:
    state = network().state_dict()
    torch.save(wrap(dict(state)), tmp_path / "weights.pth")
    assert_same(read_weights(tmp_path / "weights.pth"), dict(state))


def test_no_deeper_than_two_dictionaries_is_looked(tmp_path: Path) -> None:
    torch.save({"a": {"b": {"c": dict(network().state_dict())}}}, tmp_path / "deep.pth")
    with pytest.raises(UserError, match="holds no tensors by name"):
        read_weights(tmp_path / "deep.pth")


NAMES = st.lists(
    st.sampled_from([f"{child}.{rest}" for child in CHILDREN.values() for rest in ("0.w", "b")]),
    min_size=1,
    unique=True,
)


@given(
    names=NAMES, others=st.lists(st.sampled_from(["head.w", "non_pooled.2.w", "x"]), unique=True)
)
def test_of_two_copies_one_is_taken_and_what_is_in_neither_is_kept(
    names: list[str], others: list[str]
) -> None:
    places = {child: number for number, child in CHILDREN.items()}
    tensors = {name: torch.full((2,), float(n)) for n, name in enumerate(names)}
    strange = {name: torch.ones(1) for name in others}
    model = {f"model.{name}": tensor for name, tensor in tensors.items()}
    non_pooled = {}
    for name, tensor in tensors.items():
        child, rest = name.split(".", 1)
        non_pooled[f"non_pooled.{places[child]}.{rest}"] = tensor.clone()
    for state in (model | non_pooled, non_pooled | model, model, tensors):
        found = single_copy(state | strange, Path("x"))
        assert found.keys() == (strange | tensors).keys()
        assert all(torch.equal(found[name], tensors[name]) for name in names)


@pytest.mark.parametrize("difference", [1e-30, 0.5, math.nan, -3])
def test_copies_that_differ_are_told_by_how_much(difference: float) -> None:
    tensors = {"model.conv1.weight": torch.zeros(2, 3), "model.bn1.bias": torch.zeros(3)}
    copy = {"non_pooled.0.weight": torch.zeros(2, 3), "non_pooled.1.bias": torch.zeros(3)}
    copy["non_pooled.1.bias"][1] = difference
    said = re.escape(f"1 of 2 tensors, first bn1.bias, by up to {abs(difference):.3g}.")
    with pytest.raises(UserError, match=rf"^x: its two copies of the network differ: {said}"):
        single_copy(tensors | copy, Path("x"))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("bare", [True, False])
def test_code_in_a_pickle_is_refused_and_does_not_run(tmp_path: Path, bare: bool) -> None:
    path, ran = tmp_path / "evil.pth", tmp_path / "ran"
    if bare:
        path.write_bytes(pickle.dumps(Touch(ran)))
    else:
        torch.save({**network().state_dict(), "extra": Touch(ran)}, path)
    with pytest.raises(UserError, match=r"evil\.pth: cannot be read as weights.*could run code"):
        read_weights(path)
    assert not ran.exists()
    # The file is a trap indeed: a reader without care springs it.
    torch.load(path, weights_only=False) if not bare else pickle.loads(path.read_bytes())
    assert ran.exists()


@pytest.mark.parametrize("content", [torch.ones(3), [torch.ones(3)], "text", {"epoch": 1}])
def test_a_file_without_named_tensors_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth: holds no tensors by name"):
        read_weights(tmp_path / "other.pth")


@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors"])
def test_a_file_cut_short_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    state = network().state_dict()
    save_file(dict(state), path) if path.suffix == ".safetensors" else torch.save(state, path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match=f"{name}: cannot be read as weights"):
        read_weights(path)


@settings(max_examples=200)
@given(content=st.binary(max_size=40), suffix=st.sampled_from([".pth", ".safetensors"]))
@pytest.mark.filterwarnings("ignore")
def test_any_bytes_are_refused_as_a_users_mistake(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"noise{suffix}"
    path.write_bytes(content)
    with pytest.raises(UserError, match="noise"):
        read_weights(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.pth: no such weights file"):
        read_weights(tmp_path / "nowhere.pth")


def test_fitted_weights_are_those_of_the_file() -> None:
    target, source = network(), network().state_dict()
    changed = {name: tensor + 1 for name, tensor in source.items()}
    fit_weights(target, changed, "file")
    assert_same(dict(target.state_dict()), changed)


def test_a_classifier_is_left_out_only_where_the_network_has_none() -> None:
    headless = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 3, 2), norm=nn.BatchNorm2d(3)))
    given = network().state_dict()
    fit_weights(headless, given, "file")
    assert torch.equal(headless.state_dict()["conv.weight"], given["conv.weight"])
    with pytest.raises(UserError, match=r"fc\.weight: none in the file, 2×3 in the network"):
        fit_weights(network(), headless.state_dict(), "file")


def test_the_first_tensors_that_do_not_fit_are_named_and_nothing_is_loaded() -> None:
    target = network(3)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    given = dict(network(4).state_dict()) | {"extra": torch.ones(2, 5)}
    del given["norm.bias"]
    with pytest.raises(UserError) as caught:
        fit_weights(target, given, "other.pth")
    text = str(caught.value)
    assert text.startswith("other.pth: weights of another architecture, 8 tensors do not fit: ")
    assert "conv.weight: 4×3×2×2 in the file, 3×3×2×2 in the network; conv.bias: 4 in" in text
    assert text.count(";") == 2
    assert_same(dict(target.state_dict()), before)

    with pytest.raises(UserError, match=r"extra: 2×5 in the file, none in the network"):
        fit_weights(target, before | {"extra": torch.ones(2, 5)}, "other.pth")
    with pytest.raises(UserError, match=r"norm\.num_batches_tracked: 1 in the file, scalar in"):
        fit_weights(target, before | {"norm.num_batches_tracked": torch.ones(1)}, "other.pth")


def test_the_hash_tells_weights_apart_and_nothing_else() -> None:
    first, same = network(), network()
    assert weights_hash(first) == weights_hash(same)
    assert weights_hash(first.to(memory_format=torch.channels_last)) == weights_hash(same)
    assert len(weights_hash(first)) == 64
    with torch.no_grad():
        first.get_parameter("conv.weight")[1, 2, 0, 1] += 1e-7
    assert weights_hash(first) != weights_hash(same)
    assert weights_hash(nn.Linear(2, 2)) != weights_hash(nn.Linear(2, 2))
    one, other = nn.Module(), nn.Module()
    one.register_buffer("a", torch.ones(2))
    other.register_buffer("b", torch.ones(2))
    assert weights_hash(one) != weights_hash(other)
