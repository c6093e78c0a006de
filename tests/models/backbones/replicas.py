"""A small stand-in of the published Replica networks, and how far others are from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.pooling import Pool
from drawsim.models.backbones.replica import replica

State = dict[str, Tensor]
SIZE = 64
MEAN = torch.tensor([255 * 0.485, 255 * 0.456, 255 * 0.406]).view(3, 1, 1)
STD = torch.tensor([255 * 0.229, 255 * 0.224, 255 * 0.225]).view(3, 1, 1)


class Original(nn.Module):
    """As the published networks were saved: a network, and its layers before the pooling."""

    def __init__(self, architecture: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model: Any = torchvision.models.get_model(architecture, weights=None)
        self.model.fc = nn.Identity()
        self.non_pooled = nn.Sequential(*list(self.model.children())[:-2])
        for name, tensor in self.named_buffers():  # statistics that matter
            if name.endswith("running_mean"):
                tensor.normal_(std=0.1)
            elif name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) uint8 to (B, d), not normalised."""
        x = (images.float() - MEAN) / STD
        network = self.model.eval().to(memory_format=torch.channels_last)
        features: Tensor = network(x.contiguous(memory_format=torch.channels_last))
        return features


def load(weights: Path | str | None = None, pool: Pool = "avg", **changes: Any) -> Backbone:
    settings: dict[str, Any] = {
        "freeze_norm": True,
        "image_size": SIZE,
        "substitute": "substitute.ckpt",
    } | changes
    given = None if weights is None else str(weights)
    return replica("replica_mini", pool, weights=given, **settings).eval()


def difference(backbone: Backbone, original: Original, images: Tensor) -> float:
    """The largest over all features."""
    with torch.inference_mode():
        expected = original.embed(images)
        assert expected.std() > 1e-3
        return float((backbone.features(images) - expected).abs().max())


def only_model(state: State) -> State:
    return {name: tensor for name, tensor in state.items() if name.startswith("model.")}


def checkpoint(trained: Backbone, path: Path, **changes: Any) -> None:
    """What training leaves behind, as far as it concerns the network."""
    tensors = {f"backbone.network.{k}": v for k, v in trained.network.state_dict().items()}
    content = {"state_dict": tensors | {"loss.x": torch.ones(1)}, "epoch": 3}
    torch.save(content | {"backbone": trained.identity()} | changes, path)
