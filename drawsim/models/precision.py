"""In which numbers pictures are embedded: as the hardware does by itself, or in bfloat16."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from drawsim.common.errors import UserError, brief, nearest
from drawsim.common.machine import has_bf16

log = logging.getLogger(__name__)

Precision = Literal["auto", "bf16"]
"""auto: float32 on a CPU, mixed on a GPU. bf16: float32 weights, with products in bfloat16."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
PLAIN, BF16 = "32-true", "bf16-mixed"
"""Float32, and bfloat16 with weights in float32, as Lightning calls them."""
SLOWER = "this processor has no bfloat16 instructions: it would be slower than float32"


def chosen_precision(value: str | None) -> Precision | None:
    """What a user asks for; None: what the model says itself.

    Raises UserError for anything else, and for bf16 where the processor would be slower by it.
    """
    if value is None:
        return None
    if value not in PRECISIONS:
        raise UserError(f"precision={value}: {nearest(str(value), PRECISIONS)}")
    if value == "bf16" and is_slower():
        raise UserError(f"precision=bf16: {SLOWER}; leave it out")
    return value


def stored_precision(value: object, file: Path) -> Precision:
    """What a file says; nothing is auto. The ranks are to be the same on every machine.

    Raises UserError for anything else. Where the processor is slower by it, a line says so.
    """
    if value is None or value == "auto":
        return "auto"
    if value != "bf16":
        raise UserError(f"{file}: precision is {brief(value)}, not {' or '.join(PRECISIONS)}")
    if is_slower():
        log.warning("precision: %s; the model is of it, and goes on", SLOWER)
    return "bf16"


def is_slower() -> bool:
    """Whether bf16 costs time: on a CPU that says that it has no instructions for it."""
    return not torch.cuda.is_available() and has_bf16() is False


def arithmetic(precision: Precision, device: torch.device) -> Any:
    """The context in which a network computes in this precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
