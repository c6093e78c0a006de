"""Gathers the embeddings of a validation or test pass and ranks the whole gallery for each set."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
import torch

from drawsim.collection.splits import Set
from drawsim.common.errors import UserError
from drawsim.common.machine import release_freed_memory
from drawsim.learning.training.kept_rows import Rows
from drawsim.retrieval.gathering import EmbeddingTable
from drawsim.retrieval.metrics import registry
from drawsim.retrieval.metrics.functions import query_metrics, summarise
from drawsim.retrieval.task import RetrievalTask

LIVE_SETS: tuple[Set, ...] = ("train", "val")
"""Sets looked at while the model can still change; test waits for the end."""
MONITORS = (
    *(f"{name}/{metric}" for name in LIVE_SETS for metric in registry.computed()),
    "val/loss",
)
"""What is measured after every epoch and can be better or worse: what epochs are selected by."""


class DivergedError(UserError):
    """Training has led to weights that give no numbers."""


class Evaluation(pl.Callback):
    """After each pass `drawings` (D, k) and `artworks` (N, k) hold unit rows on the CPU.

    Only rows that are not `known` with the present weights need to be embedded by a pass: those of
    a frozen network stay known, those of another one until training goes on.

    A model that adapts its embeddings is fitted to the gallery and all drawings but those of test,
    after each validation pass, or after its first pass of any kind; `raw` has drawings and artworks
    before adaptation, `gallery` (N, d) the artworks; `plain` both without the layout, after a pass
    that looked at them so. Drawings that are not known are zeros before
    adaptation. After a validation pass the metrics of train and val are in `live` and logged as
    `<set>/<metric>`, the same numbers in every process. `seconds` counts what embedding and ranking
    took. A pass that gives NaN or infinity is refused: DivergedError in training, else UserError.
    """

    def __init__(self, task: RetrievalTask) -> None:
        self.task = task
        self.table, self.plain_table = EmbeddingTable(), EmbeddingTable()
        self.plain: tuple[torch.Tensor, torch.Tensor] | None = None
        self.drawings = self.artworks = self.gallery = torch.empty(0, 0)
        self.raw = self.drawings, self.gallery
        images = len(task.artworks) + len(task.drawings)
        self.known = torch.zeros(images, dtype=torch.bool)
        """(N + D,) whether an image, artworks first, is embedded with the present weights."""
        self._embedded, self._plain = torch.empty(images, 0), torch.empty(images, 0)
        self.live: dict[Set, dict[str, float]] = {}
        self.seconds = {"embed": 0.0, "rank": 0.0}
        self.epoch: int | None = None
        """Epochs trained when the gallery was embedded last; None: not since training began."""
        self._started = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Training changes what has been embedded, unless the network is frozen."""
        self.changed(pl_module)

    def changed(self, model: Any) -> None:
        """The weights are others now: nothing is known of a network that is not frozen."""
        if not model.backbone.frozen:
            self.known.fill_(False)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any, **__: Any) -> None:
        """Free what the epoch's last step used: the pass to come starts processes that copy it."""
        if trainer.is_last_batch:
            release_freed_memory()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget the pass before."""
        for table in (self.table, self.plain_table):
            table.reset()
            table.to(pl_module.device)
        self._started = time.perf_counter()

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any, **__: Any
    ) -> None:
        """Keep the embeddings of a batch."""
        if "rows" in outputs:
            self.table.update(outputs["rows"], outputs["vectors"])
        if "plain" in outputs:
            self.plain_table.update(outputs["rows"], outputs["plain"])

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Gather the pass; rank train and val and log their metrics."""
        try:
            self._gather(pl_module, fit=True)
        except UserError as error:
            raise DivergedError(
                f"epoch {trainer.current_epoch + 1}: {error}: training has diverged. Lower "
                "optim.optimizer.lr; the last good weights are kept"
            ) from error
        self.epoch = trainer.current_epoch + 1
        self.live = {name: self.scores(name) for name in LIVE_SETS}
        for name, scores in self.live.items():
            pl_module.log_dict({f"{name}/{k}": v for k, v in scores.items()}, batch_size=1)

    on_test_start = on_validation_start
    on_test_batch_end = on_validation_batch_end

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Gather the pass; who asks for its scores does so by name."""
        adaptation: Any = pl_module.adaptation
        try:
            self._gather(pl_module, fit=adaptation is not None and not adaptation.fitted)
        except UserError as error:
            raise UserError(f"{error}: choose another backbone or precision=32-true") from error

    def take(self, known: Rows) -> None:
        """Embeddings by the present weights that the next pass need not make."""
        self._put(known.rows, known.vectors)
        if known.plain is not None:
            self._plain = _filled(self._plain, known.rows, known.plain)

    def made(self, rows: torch.Tensor) -> Rows:
        """What the last pass knows of these rows, (n,), all of which are known; plain, if it is."""
        plain = self._plain[rows] if self._plain.shape[1] else None
        return Rows(rows, self._embedded[rows], plain)

    def without_layout(self, model: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """What the last pass found without the layout: plainly, and adapted if the model adapts.

        Empty if it did not look.
        """
        if self.plain is None:
            return []
        if model.adaptation is None:
            return [self.plain]
        drawings, artworks = self.plain
        backbone = model.backbone
        adaptation = model.adaptation.for_parts(backbone.plain_width, backbone.plain_channels)
        adaptation.fit(drawings[self.task.known()], artworks)
        return [self.plain, adaptation(drawings, artworks)]

    def drop_layout(self, model: Any) -> None:
        """Go on with what the last pass found without the layout, which the model reads no more."""
        self._embedded, self._plain = self._plain, self._plain[:, :0]
        self.plain = None
        self._adapt(model, fit=True)

    def scores(self, name: Set) -> dict[str, float]:
        """Metrics of one set from the embeddings of the last pass."""
        started = time.perf_counter()
        ranking = self.task.rank(self.task.queries[name], self.drawings, self.artworks)
        scores = summarise(query_metrics(ranking)) | {"tie_rate": ranking.tie_rate}
        self.seconds["rank"] += time.perf_counter() - started
        return scores

    def spent(self) -> dict[str, float]:
        """Seconds of embedding and of ranking since this was asked last."""
        spent = dict(self.seconds)
        self.seconds.update(dict.fromkeys(spent, 0.0))
        return spent

    def _gather(self, model: Any, fit: bool) -> None:
        rows, vectors = (found.cpu() for found in self.table.compute())
        rows = rows.reshape(-1)  # torchmetrics makes a scalar of a single number
        _check_numbers(vectors)
        new = ~self.known[rows]  # a pass has one image at least, which may be known
        self._put(rows[new], vectors[new])
        self._adapt(model, fit)
        if self.plain_table.index:
            self._plain = _filled(self._plain, *self.plain_table.compute())
            self.plain = self._plain[self.task.gallery :], self._plain[: self.task.gallery]
        self.table.reset()
        self.plain_table.reset()
        self.seconds["embed"] += time.perf_counter() - self._started

    def _adapt(self, model: Any, fit: bool) -> None:
        # Copies: who holds the vectors of a pass keeps them when the next one comes.
        self.gallery = self._embedded[: self.task.gallery].clone()
        drawings = self._embedded[self.task.gallery :].clone()
        drawings[~self.known[self.task.gallery :]] = 0
        if fit and model.adaptation is not None:
            model.adaptation.fit(drawings[self.task.known()], self.gallery)
        self.raw = drawings, self.gallery
        self.drawings, self.artworks = model.adapt(drawings, self.gallery)
        _check_numbers(self.drawings, self.artworks)

    def _put(self, rows: torch.Tensor, vectors: torch.Tensor) -> None:
        self._embedded = _filled(self._embedded, rows, vectors)
        with torch.inference_mode(False):
            self.known[rows.cpu().clone()] = True


def _filled(table: torch.Tensor, rows: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """A table (N, d), or (N, 0) if it is still empty, with these of its rows."""
    # Kept from pass to pass, so it must be an ordinary tensor, whatever mode the pass is in.
    with torch.inference_mode(False):
        if not table.shape[1]:
            table = torch.zeros(len(table), vectors.shape[1])
        table[rows.cpu().clone()] = vectors.cpu().clone()
    return table


def _check_numbers(*rows: torch.Tensor) -> None:
    """Raise UserError if there are NaN or infinite numbers in (n, d) embeddings."""
    wrong = sum(int((~torch.isfinite(some).all(dim=1)).sum()) for some in rows)
    if wrong:
        total = sum(len(some) for some in rows)
        raise UserError(f"the network gives nan or infinity for {wrong} of {total} images")
