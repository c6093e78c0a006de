"""Weights files: reading them safely, fitting them to a network, and saying what does not fit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from drawsim.errors import UserError

SHOWN_MISMATCHES = 3
CLASSIFIERS = ("fc.", "classifier.", "head.fc.", "head.weight", "head.bias", "_fc.")


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file (.safetensors, .pth, .pt, .ckpt) by name.

    A dictionary inside another (`state_dict`, `model`) is found; of a drawsim checkpoint the
    network's part is taken. Nothing but tensors and plain values is ever unpickled. Raises
    UserError for a file that is missing or is not such a file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such weights file (backbone.weights).")
    try:
        content: Any = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except Exception as error:  # on a file of another kind the readers raise whatever they meet
        raise UserError(
            f"{path}: cannot be read as weights. It is damaged, of another kind, or holds Python "
            "objects, which are not loaded since they could run code. Save its state dict alone, "
            "with torch.save or as .safetensors."
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    named = content.items() if isinstance(content, Mapping) else ()
    tensors = {str(k): v for k, v in named if isinstance(v, Tensor)}
    if not tensors:
        raise UserError(f"{path}: holds no tensors by name; weights are a state dict.")
    own = "backbone.network."
    if any(name.startswith(own) for name in tensors):
        return {k.removeprefix(own): v for k, v in tensors.items() if k.startswith(own)}
    return tensors


def fit_weights(network: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Load tensors into a network without classifier, strictly.

    A classifier's tensors in the file are left out. Raises UserError that names the first tensors
    that are missing, unexpected or of another shape.
    """
    own = network.state_dict()
    given = {k: v for k, v in tensors.items() if k in own or not k.startswith(CLASSIFIERS)}
    mismatches = [
        f"{name}: {_shape(given.get(name))} in the file, {_shape(tensor)} in the network"
        for name, tensor in own.items()
        if name not in given or given[name].shape != tensor.shape
    ]
    mismatches += [
        f"{name}: {_shape(tensor)} in the file, none in the network"
        for name, tensor in given.items()
        if name not in own
    ]
    if mismatches:
        shown = "; ".join(mismatches[:SHOWN_MISMATCHES])
        raise UserError(
            f"{source}: weights of another architecture, {len(mismatches)} tensors do not fit: "
            f"{shown}. Choose the backbone (backbone.model) they were trained with."
        )
    network.load_state_dict(given)


def _shape(tensor: Tensor | None) -> str:
    return "none" if tensor is None else "×".join(map(str, tensor.shape)) or "scalar"


def weights_hash(module: nn.Module) -> str:
    """SHA-256 over names, types and bytes of all tensors: equal for equal weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()
