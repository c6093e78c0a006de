"""Heads of an adaptation: the identity at first, one for all cells, scaled towards the identity."""

from __future__ import annotations

from typing import Any, cast, get_args

import pytest
import torch
from torch import Tensor

from drawsim.models.adaptation import Adaptation
from drawsim.models.heads import ChannelMatrix, ChannelWeights, Head, Learn, Parts, make_head

PARTS: Parts = [(3, 4), (2, 1)]
"""Two parts: three channels in four cells, two channels in one; 14 axes."""
AXES = 14
NAMES = [name for name in get_args(Learn) if name != "none"]


def rows(count: int = 5, seed: int = 0) -> Tensor:
    return torch.randn(count, AXES, generator=torch.Generator().manual_seed(seed))


def head(name: str, rank: int = 2) -> Head:
    torch.manual_seed(0)
    made = make_head(cast(Learn, name), AXES, PARTS, rank)
    assert made is not None
    return made


def learnt(name: str) -> Head:
    """With numbers that are not those of before training."""
    made = head(name)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) / 4)
    return made


def cells_turned(rows: Tensor) -> Tensor:
    """The same pictures, had their four cells lain in another order."""
    first = rows[:, :12].view(-1, 3, 4).roll(1, dims=2).flatten(1)
    return torch.cat([first, rows[:, 12:]], dim=1)


@pytest.mark.parametrize("name", NAMES)
def test_before_training_it_is_the_identity(name: str) -> None:
    made = head(name)
    torch.testing.assert_close(made(rows()), rows(), rtol=0, atol=0)
    assert made.distance() == 0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_forgotten_leaves_nothing(name: str) -> None:
    made = learnt(name)
    before = {key: value.clone() for key, value in made.state_dict().items()}
    made.forget()
    torch.testing.assert_close(made(rows()), rows(), rtol=0, atol=0)
    assert not any(torch.equal(before[key], value) for key, value in made.state_dict().items())


@pytest.mark.parametrize("name", ["channels", "matrix"])
def test_cells_share_what_is_learnt(name: str) -> None:
    made = learnt(name)
    found, turned = made(rows()), made(cells_turned(rows()))
    assert not torch.allclose(found, rows(), atol=0.1)
    torch.testing.assert_close(turned, cells_turned(found))
    assert not torch.allclose(learnt("axes")(cells_turned(rows())), cells_turned(found), atol=0.1)


def test_a_weight_for_each_channel_by_hand() -> None:
    made = head("channels")
    assert isinstance(made, ChannelWeights)
    with torch.no_grad():
        made.weights.copy_(torch.tensor([2.0, 1.0, 3.0, 5.0, 4.0]).log())
    expected = torch.tensor([2.0] * 4 + [1.0] * 4 + [3.0] * 4 + [5.0, 4.0])
    torch.testing.assert_close(made(torch.ones(1, AXES))[0], expected)
    far = sum(weight**2 for weight in made.weights.tolist())
    assert made.distance().item() == pytest.approx(far)


def test_a_matrix_over_channels_by_hand() -> None:
    """As the block-diagonal matrix over all axes that it stands for, of the rank it is given."""
    made = learnt("matrix")
    assert isinstance(made, ChannelMatrix)
    changes = [up @ down for up, down in zip(made.up, made.down, strict=True)]
    assert [int(torch.linalg.matrix_rank(change)) for change in changes] == [2, 2]
    joined: Any = torch.block_diag
    whole: Tensor = joined(
        *(
            torch.kron(torch.eye(len(change)) + change, torch.eye(cells))
            for change, (_, cells) in zip(changes, PARTS, strict=True)
        )
    )
    torch.testing.assert_close(made(rows()), rows() @ whole.T, atol=1e-5, rtol=0)
    far = sum(change.square().sum().item() for change in changes)
    assert made.distance().item() == pytest.approx(far, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_strength_leads_from_the_identity_to_what_was_learnt(name: str, strength: float) -> None:
    whole, part = learnt(name), learnt(name)
    part.scale(strength)
    if name == "matrix":  # linear
        expected = rows() + strength * (whole(rows()) - rows())
    else:  # a power of each weight
        expected = rows() * (whole(rows()) / rows()) ** strength
    torch.testing.assert_close(part(rows()), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["channels", "matrix"])
def test_training_finds_the_channels_that_tell_pairs(name: str) -> None:
    """Pairs agree in the first channel, in whatever cell; the other two are noise."""
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(80, 4, generator=generator)
    noise = 2 * torch.randn(2, 80, 10, generator=generator)
    drawings, artworks = (torch.cat([shared, part], dim=1) for part in noise)
    settings: Any = {"axes": "own", "keep": None, "power": 0.0, "neighbours": None}
    adaptation = Adaptation(AXES, learn=cast(Learn, name), rank=2, parts=PARTS, **settings)
    adaptation.fit(drawings, artworks)

    def right() -> Tensor:
        scores = adaptation.transform(drawings, 0) @ adaptation.transform(artworks, 1).T
        return torch.nn.functional.cross_entropy(scores / 0.1, torch.arange(80))

    before = right().item()
    optimizer = torch.optim.Adam(adaptation.parameters(), lr=0.05)
    for _ in range(12):
        optimizer.zero_grad()
        (right() + adaptation.penalty()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert right().item() < 0.7 * before


def test_the_penalty_holds_it_near_the_identity() -> None:
    """At the minimum of distance * shrink - w · g, w = g / (2 shrink)."""
    settings: Any = {"axes": "own", "keep": None, "power": 0.0, "neighbours": None}
    made = Adaptation(AXES, learn="channels", shrink=4.0, parts=PARTS, **settings)
    assert isinstance(made.head, ChannelWeights)
    pull = torch.tensor([1.0, -2.0, 0.5, 4.0, 0.0])
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        (made.penalty() - made.head.weights @ pull).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    torch.testing.assert_close(made.head.weights.detach(), pull / 8, atol=1e-5, rtol=0)
    free = Adaptation(AXES, learn="none", shrink=4.0, **settings)
    assert free.penalty() == 0


def test_weights_of_axes_of_a_checkpoint_of_before() -> None:
    settings: Any = {"axes": "own", "keep": None, "power": 0.5, "neighbours": None}
    made = Adaptation(4, learn="axes", **settings)
    stored = {k: v for k, v in made.state_dict().items() if not k.startswith("head")}
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0])
    made.load_state_dict({**stored, "weights": weights})
    assert torch.equal(made.state_dict()["head.weights"], weights)
