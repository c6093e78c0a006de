"""Weights files: reading them safely, fitting them to a network, and saying what does not fit.

Layouts: a state dict under the network's own names, bare or inside other dictionaries; a drawsim
checkpoint, of which the network's part is taken; and the one of the Replica networks (L. Schaerf,
2022), which names every tensor twice, `model.<torchvision name>` and `non_pooled.<n>.…`, n being
the position among the network's children. Their older files have `model.*` alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from drawsim.common.errors import UserError

SHOWN_MISMATCHES = 3
CLASSIFIERS = ("fc.", "classifier.", "head.fc.", "head.weight", "head.bias", "_fc.")
OWN_PREFIX = "backbone.network."
"""Of the network's tensors in a drawsim checkpoint."""
STATE_DICTS = ("state_dict", "model")
"""What a state dict inside a dictionary is called; others are found by their size."""
MODEL, NON_POOLED = "model.", "non_pooled."
CHILDREN = {"0": "conv1", "1": "bn1", **{str(3 + n): f"layer{n}" for n in (1, 2, 3, 4)}}
"""Of a torchvision ResNet, those that have tensors, by position (2 is ReLU, 3 the max pooling)."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file (.safetensors, .pth, .pt, .ckpt) by name, each once.

    Nothing but tensors and plain values is ever unpickled. Raises UserError for a file that is
    missing or is not such a file, and for one whose two copies of the network differ.
    """
    return network_tensors(read_content(path), path)


def read_content(path: Path) -> Any:
    """What a weights file holds, on the CPU. Raises UserError where it cannot be read."""
    if not path.is_file():
        raise UserError(f"{path}: no such weights file (backbone.weights).")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # on a file of another kind the readers raise whatever they meet
        raise UserError(
            f"{path}: cannot be read as weights. It is damaged, of another kind, or holds Python "
            "objects, which are not loaded since they could run code. Save its state dict alone, "
            "with torch.save or as .safetensors."
        ) from error


def check_finite(module: nn.Module, where: object) -> None:
    """Raise UserError if a parameter holds NaN or infinity: such weights embed nothing.

    where: what they are of, for the message.
    """
    for name, own in module.named_parameters():
        if not torch.isfinite(own).all():
            raise UserError(
                f"{where}: its weights hold nan or infinity ({name}), so that nothing can be "
                "embedded; take another checkpoint, or train anew with a lower optim.optimizer.lr"
            )


def network_tensors(content: Any, path: Path, member: str = "") -> dict[str, Tensor]:
    """The network's tensors in what `path` holds, under the network's names, each once.

    member: its name, where a checkpoint may be of several networks side by side. Raises UserError
    for a checkpoint with an adapter beside the network.
    """
    tensors = named_tensors(content, path)
    if any(".lora_A." in name for name in tensors):
        raise UserError(
            f"{path}: was trained with adapter=lora, its weights are in two parts: begin with the "
            "whole run instead, init=runs/STUDY/NAME"
        )
    for prefix in (f"{OWN_PREFIX}{member}.network.", OWN_PREFIX):
        own = {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        if own:
            return {name.removeprefix(prefix): tensor for name, tensor in own.items()}
    return single_copy(tensors, path)


def named_tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """The state dict in what `path` holds: the whole, or up to two dictionaries down.

    Raises UserError if there is none.
    """
    if tensors := _largest_state_dict(content, depth=2):
        return tensors
    raise UserError(f"{path}: holds no tensors by name; weights are a state dict.")


def _largest_state_dict(content: Any, depth: int) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    own = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    inner = {}
    if depth:
        inner = {key: _largest_state_dict(value, depth - 1) for key, value in content.items()}
    named = [inner[key] for key in STATE_DICTS if inner.get(key)]
    return named[0] if named else max([own, *inner.values()], key=len)


def copies(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The copies of the network in the Replica layout by prefix, under torchvision's names.

    What belongs to neither is under the empty prefix, as it was named.
    """
    found: dict[str, dict[str, Tensor]] = {MODEL: {}, NON_POOLED: {}, "": {}}
    for name, tensor in tensors.items():
        child, _, rest = name.removeprefix(NON_POOLED).partition(".")
        if name.startswith(MODEL):
            found[MODEL][name.removeprefix(MODEL)] = tensor
        elif name.startswith(NON_POOLED) and child in CHILDREN:
            found[NON_POOLED][f"{CHILDREN[child]}.{rest}"] = tensor
        else:
            found[""][name] = tensor
    return found


def single_copy(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Tensors each under one name. Raises UserError if two copies are not the same, bit for bit."""
    found = copies(tensors)
    model, non_pooled = found[MODEL], found[NON_POOLED]
    if model and non_pooled:
        _check_copies(model, non_pooled, path)
    return found[""] | (model or non_pooled)


def _check_copies(model: dict[str, Tensor], non_pooled: dict[str, Tensor], path: Path) -> None:
    cure = "Take the file from its source again."
    alone = [f"{name} in {MODEL}* alone" for name in model if name not in non_pooled]
    alone += [f"{name} in {NON_POOLED}* alone" for name in non_pooled if name not in model]
    if alone:
        raise UserError(
            f"{path}: its two copies of the network do not have the same tensors: "
            f"{'; '.join(alone[:SHOWN_MISMATCHES])} ({len(alone)} in all). {cure}"
        )
    kinds = {name: (_kind(model[name]), _kind(non_pooled[name])) for name in model}
    for name, (one, other) in kinds.items():
        if one != other:
            raise UserError(
                f"{path}: its two copies of the network differ: {name} is {one} in {MODEL}*, "
                f"{other} in {NON_POOLED}*. {cure}"
            )
    unlike = [name for name in model if not torch.equal(model[name], non_pooled[name])]
    if unlike:
        largest = max(
            float((model[name].double() - non_pooled[name].double()).abs().max()) for name in unlike
        )
        raise UserError(
            f"{path}: its two copies of the network differ: {len(unlike)} of {len(model)} tensors, "
            f"first {unlike[0]}, by up to {largest:.3g}. {cure}"
        )


def _kind(tensor: Tensor) -> str:
    return f"{_shape(tensor)} {str(tensor.dtype).removeprefix('torch.')}"


def fit_weights(network: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Load tensors into a network without classifier, strictly, in the network's number format.

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
        count = f"{len(mismatches)} tensors do" if len(mismatches) > 1 else "1 tensor does"
        shown = "; ".join(mismatches[:SHOWN_MISMATCHES])
        raise UserError(
            f"{source}: weights of another architecture, {count} not fit: "
            f"{shown}. Choose the backbone (or backbone.model) they were trained with."
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
