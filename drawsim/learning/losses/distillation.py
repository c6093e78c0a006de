"""Self-distillation: artworks keep the neighbours that the untrained network gave them."""

from __future__ import annotations

import torch
from torch import Tensor

TEMPERATURE = 0.05
"""Cosines are divided by it: of a gallery, some dozens of the nearest count."""


def neighbours_lost(rows: Tensor, own: Tensor, untrained: Tensor) -> Tensor:
    """How far artworks have lost the neighbours that they had: 0 for not at all.

    The mean over artworks i of the divergence KL(q_i || p_i) over all other artworks j of the
    gallery, q_ij ~ exp(t_i · t_j / T) and p_ij ~ exp(s_i · t_j / T), s being an artwork as embedded
    now, t as embedded before training, T = TEMPERATURE. Source: Fang et al., "SEED: Self-supervised
    distillation for visual representation", 2021, section 3.2, with the gallery as the queue.

    rows: (M, k) unit rows of artworks as embedded now, with a way back; own: (M,) their rows in the
    gallery; untrained: (N, k) unit rows of the gallery. Zero for no artworks. Never in half
    precision, autocast or not.
    """
    if not len(rows):
        return rows.sum()
    with torch.autocast(rows.device.type, enabled=False):
        gallery = untrained.to(rows.device, torch.promote_types(rows.dtype, torch.float32))
        before, now = (each.to(gallery) @ gallery.T / TEMPERATURE for each in (gallery[own], rows))
        itself = torch.zeros_like(before, dtype=torch.bool).scatter_(1, own[:, None], True)
        log_q, log_p = _log_softmax(before, itself), _log_softmax(now, itself)
        q = log_q.exp().masked_fill(itself, 0)
        return (q * (log_q - log_p)).sum(dim=1).mean()


def _log_softmax(values: Tensor, left_out: Tensor) -> Tensor:
    """The logarithm of the softmax of each row without what is left out, which is 0."""
    rest = values.masked_fill(left_out, -torch.inf).logsumexp(dim=1, keepdim=True)
    return (values - rest).masked_fill(left_out, 0)
