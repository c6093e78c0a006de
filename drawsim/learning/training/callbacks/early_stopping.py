"""Stops a run that no longer gets better."""

from __future__ import annotations

from pytorch_lightning import callbacks

from drawsim.common.typed import check_bounds
from drawsim.retrieval.metrics import registry


class EarlyStopping(callbacks.EarlyStopping):
    """Lightning's, with the direction of the monitored metric from the registry.

    patience: epochs without a better value after which training stops.
    """

    def __init__(self, monitor: str, patience: int) -> None:
        check_bounds("callbacks.early_stopping.patience", patience, 0)
        higher = registry.find(monitor).higher_is_better
        super().__init__(monitor, mode="min" if higher is False else "max", patience=patience)
