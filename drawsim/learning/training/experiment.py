"""The three stages of a run: measure the untrained model, fit, measure the selected one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from torch import Tensor

from drawsim.common.machine import release_freed_memory
from drawsim.learning.miners.base import Miner
from drawsim.learning.training.callbacks.checkpoints import BestAndLast, Keep
from drawsim.learning.training.callbacks.evaluation import LIVE_SETS, Evaluation
from drawsim.learning.training.callbacks.mining import Mining
from drawsim.learning.training.callbacks.record import EpochRecord
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.results import Vectors, measure
from drawsim.models.trainer import make_trainer
from drawsim.retrieval.embeddings import Embeddings, kind_path, load_embeddings
from drawsim.runs.folder import Protocol, RunFolder

UNADAPTED = "unadapted"
"""Names the untrained gallery before adaptation: it tells which artworks are near-duplicates."""


@dataclass
class Experiment:
    """The parts of a run and how they work together. Every stage writes to the run folder."""

    module: Matcher
    data: TripletData
    evaluation: Evaluation
    mining: Mining
    checkpoints: BestAndLast
    trainer: pl.Trainer
    run: RunFolder
    protocol: Protocol

    @classmethod
    def assemble(
        cls,
        module: Matcher,
        data: TripletData,
        miner: Miner,
        run: RunFolder,
        *,
        monitor: str,
        keep: Keep,
        protocol: Protocol,
        trainer: Mapping[str, Any],
        callbacks: Sequence[pl.Callback],
        loggers: Sequence[Logger],
    ) -> Experiment:
        """Connect the parts. Callbacks of the user's come after evaluation and mining."""
        evaluation = Evaluation(data.task)
        data.known = evaluation.known
        mining = Mining(miner, evaluation, data, module, run)
        folder = run.path / "checkpoints"
        checkpoints = BestAndLast(folder, monitor, keep, lambda: mining.improved)
        own = [evaluation, mining, EpochRecord(run)]
        lightning = make_trainer(trainer, run.path, [*own, *callbacks, checkpoints], loggers)
        return cls(module, data, evaluation, mining, checkpoints, lightning, run, protocol)

    def baseline(self, *, resume: bool) -> Vectors:
        """Embed everything with the untrained model, mine, and record epoch 0.

        A run that is resumed after its first epoch takes the embeddings it kept.
        """
        if resume and self.checkpoints.last.is_file():
            vectors = self._load("baseline")
            self.mining.start(self._untrained_gallery(vectors[1]))
            return vectors
        self.data.at_the_end = False
        vectors = self._embed("baseline")
        self.data.at_the_end = True
        self.mining.start(self.evaluation.gallery)
        self._keep_untrained_gallery()
        self._record_untrained()
        return vectors

    def _record_untrained(self) -> None:
        """Epoch 0: the untrained model is a candidate like the others."""
        scores = {name: self.evaluation.scores(name) for name in LIVE_SETS}
        flat = {f"{name}/{key}": value for name in LIVE_SETS for key, value in scores[name].items()}
        self.mining.mine(0)
        flat["val/loss"] = self.mining.val_loss()
        self.checkpoints.start(self.trainer, flat[self.checkpoints.monitor])
        self.run.update(baseline=scores, gallery_size=len(self.data.task.artworks))
        self.run.write_epoch(0, flat)
        for logger in self.trainer.loggers:
            logger.log_metrics({**flat, "epoch": 0}, step=0)

    def fit(self, *, resume: bool) -> None:
        """Train, from the last whole epoch if resumed; nothing is done in no epochs."""
        if self.trainer.max_epochs == 0:
            return
        last = self.checkpoints.last
        started = time.perf_counter()
        release_freed_memory()  # of the baseline: the processes that are about to start copy it
        try:
            self.trainer.fit(
                self.module,
                datamodule=self.data,
                ckpt_path=str(last) if resume and last.is_file() else None,
                weights_only=True,
            )
        finally:
            self.run.add_seconds(fit=time.perf_counter() - started)

    def final(self, baseline: Vectors) -> None:
        """Load the selected weights; now, and only now, look at the test set.

        Writes both models' metrics for all sets, `ranks.csv`, and the final embeddings.
        """
        self._select()
        models = {"baseline": baseline, "final": self._embed("final")}
        started = time.perf_counter()
        results = measure(self.data.task, models, self.protocol)
        ranked = time.perf_counter() - started
        self.run.write_table("ranks.csv", results.ranks)
        spent = self.evaluation.seconds
        self.run.add_seconds(embed=spent["embed"], rank=spent["rank"] + ranked)
        self.run.update(
            **results.metrics,
            diagnostics=results.diagnostics,
            best_epoch=self.checkpoints.best_epoch,
            epochs=self.trainer.current_epoch,
            tie_rate=results.tie_rates["final", "test"],
        )

    def _select(self) -> None:
        """Load the selected weights."""
        best = torch.load(self.checkpoints.best, map_location="cpu", weights_only=True)
        self.module.load_state_dict(best["state_dict"])
        # The pass that closed the last epoch has embedded most images, if that is the one selected.
        if self.evaluation.epoch != self.checkpoints.best_epoch:
            self.evaluation.changed(self.module)

    def _embed(self, stage: str) -> Vectors:
        """Embed the gallery and the drawings, and keep what is no style copy in the run folder."""
        self.trainer.test(self.module, datamodule=self.data, verbose=False)
        vectors = (self.evaluation.drawings, self.evaluation.artworks)
        if self.run.writes:
            made_by = self.module.model.describe(str(self.trainer.precision))
            task = self.data.task
            rows = task.originals()
            if not self.data.at_the_end:
                rows = rows[torch.isin(rows, task.looked_at())]
            drawings = Embeddings([task.drawings[row] for row in rows.tolist()], vectors[0][rows])
            drawings.save(self._file(stage, "drawing"), made_by)
            Embeddings(task.artworks, vectors[1]).save(self._file(stage, "artwork"), made_by)
        return vectors

    def _keep_untrained_gallery(self) -> None:
        """Keep the gallery before adaptation, where there is any, for a resumed run."""
        if self.module.adaptation is not None and self.run.writes:
            gallery = Embeddings(self.data.task.artworks, self.evaluation.gallery)
            made_by = self.module.model.unadapted.describe(str(self.trainer.precision))
            gallery.save(self._file(UNADAPTED, "artwork"), made_by)

    def _untrained_gallery(self, adapted: Tensor) -> Tensor:
        """Artworks as the untrained network embedded them, for a resumed run."""
        if self.module.adaptation is None:
            return adapted
        return load_embeddings(self._file(UNADAPTED, "artwork")).vectors.clone()

    def _load(self, stage: str) -> Vectors:
        """What `_embed` kept; zeros for the drawings that it did not."""
        task = self.data.task
        kept = load_embeddings(self._file(stage, "drawing"))
        row = {name: i for i, name in enumerate(task.drawings)}
        drawings = torch.zeros(len(task.drawings), kept.vectors.shape[1])
        drawings[[row[name] for name in kept.ids]] = kept.vectors
        artworks = load_embeddings(self._file(stage, "artwork")).of(task.artworks)
        return drawings, artworks.vectors.clone()

    def _file(self, stage: str, kind: str) -> Path:
        return kind_path(self.run.path / "embeddings" / stage, kind)
