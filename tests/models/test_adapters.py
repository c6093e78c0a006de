"""Low-rank adapters: nothing at first, and folded into the weights the same as beside them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from drawsim.common.errors import UserError
from drawsim.models.adapters import BASE, DOWN, UP, Lora, targets
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.several import Several
from tests.models.backbones.networks import pictures, random_model

SIZE = 160
VIT = "test_vit"


def vit(parts: list[list[int]] | None = None) -> Backbone:
    backbone = random_model(VIT, SIZE)
    if parts:
        backbone.read_layout(parts, SIZE)
    return backbone.eval()


def embedded(backbone: Backbone) -> Tensor:
    with torch.no_grad():
        return backbone.eval()(pictures(3, SIZE))


def trained(backbone: Backbone) -> dict[str, nn.Parameter]:
    return {name: p for name, p in backbone.named_parameters() if p.requires_grad}


def moved(backbone: Backbone) -> None:
    """Let the adapters have learnt something."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in trained(backbone).items():
            if name.endswith(UP):
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))


@pytest.fixture(scope="module")
def lora() -> Lora:
    pytest.importorskip("peft")
    return Lora(rank=3, alpha=5.0, dropout=0.0)


@pytest.mark.parametrize("parts", [None, [[-2, 4], [-1, 2]]], ids=str)
def test_nothing_changes_at_first_and_folded_weights_give_what_trained_ones_do(
    lora: Lora, parts: list[list[int]] | None
) -> None:
    backbone, plain = vit(parts), vit(parts)
    names = targets(backbone)
    before = embedded(backbone)
    lora.put_into(backbone, seed=1)
    assert torch.equal(embedded(backbone), before)
    own = trained(backbone)
    assert len(own) == 2 * len(names)
    assert all(name.endswith((DOWN, UP)) for name in own)
    moved(backbone)
    after = embedded(backbone)
    assert float((after - before).norm(dim=1).min()) > 1e-3
    tensors = backbone.state_dict()
    plain.load_state_dict(lora.folded(tensors))  # as they are called without adapters
    torch.testing.assert_close(embedded(plain), after, atol=1e-5, rtol=1e-4)
    layer: Any = backbone.network.get_submodule(names[0])
    layer.merge()  # peft's own sum
    torch.testing.assert_close(
        plain.network.get_parameter(f"{names[0]}.weight"), layer.get_base_layer().weight
    )


def test_taken_out_the_network_is_as_it_was(lora: Lora) -> None:
    backbone = vit()
    before, rows = {k: v.clone() for k, v in backbone.state_dict().items()}, embedded(backbone)
    description = str(backbone.network)
    lora.put_into(backbone, seed=1)
    moved(backbone)
    lora.take_out(backbone)
    assert str(backbone.network) == description
    assert list(backbone.state_dict()) == list(before)
    assert all(torch.equal(v, before[k]) for k, v in backbone.state_dict().items())
    assert torch.equal(embedded(backbone), rows)
    lora.take_out(backbone)  # there is nothing to take out


def test_every_adapter_is_on_the_way_to_the_embedding(lora: Lora) -> None:
    early, whole = vit([[-3, 2]]), vit()
    assert set(targets(early)) < set(targets(whole))
    for backbone in (early, whole):
        lora.put_into(backbone, seed=1)
        moved(backbone)
        backbone.train()(pictures(2, SIZE)).sum().backward()
        for name, parameter in trained(backbone).items():
            assert parameter.grad is not None, name
            assert float(parameter.grad.abs().max()) > 0, name


def test_the_seed_alone_decides_the_random_matrices(lora: Lora) -> None:
    def drawn(seed: int, before: int) -> list[Tensor]:
        torch.manual_seed(before)
        backbone = vit()
        state = torch.get_rng_state()
        lora.put_into(backbone, seed)
        assert torch.equal(torch.get_rng_state(), state)
        return [p.detach() for n, p in trained(backbone).items() if n.endswith(DOWN)]

    first = drawn(1, 5)
    assert all(torch.equal(*both) for both in zip(first, drawn(1, 6), strict=True))
    assert not any(torch.equal(*both) for both in zip(first, drawn(2, 5), strict=True))


def test_layers_of_which_the_weights_are_read_are_left_alone() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(3, 3)
            self.proj = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.proj(nn.functional.linear(x, self.qkv.weight))  # as EVA-02 does
            return made

    class Net(nn.Module):
        num_features = 3

        def __init__(self) -> None:
            super().__init__()
            self.block = nn.ModuleDict({"attn": Attention()})

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.block["attn"](x.mean(dim=(2, 3)))
            return made

    assert targets(Backbone("eva", Net(), [0.0] * 3, [1.0] * 3, True)) == ["block.attn.proj"]


def test_a_convnet_is_refused_in_one_line_alone_or_beside_a_transformer(lora: Lora) -> None:
    convnet = random_model("test_efficientnet", 64)
    wrong = r"adapter=lora: test_efficientnet has no attention to adapt; choose a vision transfor"
    for backbone in (convnet, Several("two", {"a": vit(), "b": convnet})):
        with pytest.raises(UserError, match=wrong) as error:
            lora.check(backbone)
        assert "\n" not in str(error.value)
    two = Several("two", {"a": vit(), "b": random_model("test_vit2", 64)})
    lora.check(two)
    before = embedded(two)
    lora.put_into(two, seed=0)
    assert {name.split(".")[1] for name in trained(two)} == {"a", "b"}
    moved(two)
    assert not torch.allclose(embedded(two), before, atol=1e-3)
    lora.take_out(two)
    assert torch.equal(embedded(two), before)


@pytest.mark.parametrize(
    ("setting", "value"), [("rank", 0), ("rank", 10**9), ("alpha", -1.0), ("dropout", 1.0)]
)
def test_numbers_that_cannot_be(setting: str, value: float) -> None:
    numbers: dict[str, Any] = {"rank": 2, "alpha": 1.0, "dropout": 0.0, setting: value}
    with pytest.raises(UserError, match=rf"adapter\.{setting}="):
        Lora(**numbers)


@pytest.mark.parametrize("up", [(10**7, 3), (4, 2), (4,), (5, 3)])
def test_an_adapter_of_another_shape_is_never_multiplied(up: tuple[int, ...]) -> None:
    tensors = {
        f"a{BASE}.weight": torch.zeros(4, 6),
        f"a{DOWN}": torch.zeros(1, 1).expand(3, 6),
        f"a{UP}": torch.zeros(1).expand(up),
    }
    with pytest.raises(ValueError, match="of another shape"):
        Lora(rank=3, alpha=1.0, dropout=0.0).folded(tensors)


@pytest.mark.parametrize("kept", [(), (DOWN,), (UP,), (f"{BASE}.weight",), (DOWN, UP)])
def test_a_network_without_all_of_its_adapter_is_refused(kept: tuple[str, ...]) -> None:
    whole = {f"{BASE}.weight": torch.ones(4, 6), DOWN: torch.ones(3, 6), UP: torch.ones(4, 3)}
    other = {f"b{part}": each for part, each in whole.items()} if kept else {}
    part = {f"a{name}": whole[name] for name in kept} or {"a.weight": torch.ones(4, 6)}
    lora = Lora(rank=3, alpha=1.0, dropout=0.0)
    with pytest.raises(ValueError, match="part of an adapter" if kept else "no layer"):
        lora.folded({**other, **part})
    for name, each in whole.items():
        for wrong in (each.bool(), each.to(torch.complex64)):
            with pytest.raises(ValueError, match="floating-point"):
                lora.folded({f"a{n}": t for n, t in {**whole, name: wrong}.items()})
