"""The three stages of a run: measure the untrained model, fit, measure the selected one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from torch import Tensor

from drawsim.collection.splits import SETS
from drawsim.errors import UserError
from drawsim.learning.callbacks.checkpoints import BestAndLast
from drawsim.learning.callbacks.evaluation import LIVE_SETS, Evaluation
from drawsim.learning.callbacks.mining import Mining
from drawsim.learning.callbacks.record import EpochRecord
from drawsim.learning.data import TripletData
from drawsim.learning.mining import HardestNegatives
from drawsim.learning.module import Matcher
from drawsim.learning.trainer import make_trainer
from drawsim.machine import release_freed_memory
from drawsim.retrieval.embeddings import Embeddings, kind_path, load_embeddings
from drawsim.retrieval.metrics import query_metrics, summarise
from drawsim.retrieval.task import ranks_table
from drawsim.runs import KINDS, RunFolder

Vectors = tuple[Tensor, Tensor]
"""Unit rows of all drawings and all artworks of the task."""


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

    @classmethod
    def assemble(
        cls,
        module: Matcher,
        data: TripletData,
        miner: HardestNegatives,
        run: RunFolder,
        *,
        monitor: str,
        trainer: Mapping[str, Any],
        callbacks: Sequence[pl.Callback],
        loggers: Sequence[Logger],
    ) -> Experiment:
        """Connect the parts. Callbacks of the user's come after evaluation and mining."""
        evaluation = Evaluation(data.task)
        mining = Mining(miner, evaluation, data, module.loss, run)
        checkpoints = BestAndLast(run.path / "checkpoints", monitor)
        own = [evaluation, mining, EpochRecord(run)]
        lightning = make_trainer(trainer, run.path, [*own, *callbacks, checkpoints], loggers)
        return cls(module, data, evaluation, mining, checkpoints, lightning, run)

    def baseline(self, *, resume: bool) -> Vectors:
        """Embed everything with the untrained model, mine, and record epoch 0.

        A run that is resumed after its first epoch takes the embeddings it kept.
        """
        if resume and self.checkpoints.last.is_file():
            vectors = self._load("baseline")
        else:
            vectors = self._embed("baseline")
            scores = {name: self.evaluation.scores(name) for name in LIVE_SETS}
            flat = {f"{name}/{k}": v for name in LIVE_SETS for k, v in scores[name].items()}
            monitor = self.checkpoints.monitor
            if monitor not in flat:
                raise UserError(f"monitor={monitor}: choose one of {', '.join(sorted(flat))}")
            self.mining.mine(0)
            flat["val/loss"] = self.mining.val_loss()
            self.checkpoints.start(self.trainer, flat[monitor])
            self.run.update(baseline=scores, gallery_size=len(self.data.task.artworks))
            self.run.write_epoch(0, flat)
            for logger in self.trainer.loggers:
                logger.log_metrics({**flat, "epoch": 0}, step=0)
        return vectors

    def fit(self, *, resume: bool) -> None:
        """Train, from the last whole epoch if resumed."""
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
        best = torch.load(self.checkpoints.best, map_location="cpu", weights_only=True)
        self.module.load_state_dict(best["state_dict"])
        final = self._embed("final")
        results: dict[str, dict[str, dict[str, float]]] = {}
        tables, tie_rates, task = [], {}, self.data.task
        started = time.perf_counter()
        for model, vectors in (("baseline", baseline), ("final", final)):
            results[model] = {}
            for name in SETS:
                ranking = task.rank(task.queries[name], *vectors)
                results[model][name] = summarise(query_metrics(ranking))
                tie_rates[model, name] = ranking.tie_rate
                tables.append(ranks_table(task, name, ranking).assign(model=model))
        self.run.write_table("ranks.csv", pd.concat(tables, ignore_index=True))
        self.run.add_seconds(
            embed=self.evaluation.seconds["embed"],
            rank=self.evaluation.seconds["rank"] + time.perf_counter() - started,
        )
        self.run.update(
            **results,
            best_epoch=self.checkpoints.best_epoch,
            epochs=self.trainer.current_epoch,
            tie_rate=tie_rates["final", "test"],
        )

    def _embed(self, stage: str) -> Vectors:
        """Embed the gallery and every drawing, and keep the embeddings in the run folder."""
        self.trainer.test(self.module, datamodule=self.data, verbose=False)
        vectors = (self.evaluation.drawings, self.evaluation.artworks)
        if self.run.writes:
            made_by = self.module.backbone.describe(self.data.images.size)
            ids = (self.data.task.drawings, self.data.task.artworks)
            for kind, names, rows in zip(KINDS, ids, vectors, strict=True):
                Embeddings(names, rows).save(self._file(stage, kind), made_by)
        return vectors

    def _load(self, stage: str) -> Vectors:
        ids = (self.data.task.drawings, self.data.task.artworks)
        drawings, artworks = (
            load_embeddings(self._file(stage, kind)).of(names).vectors.clone()
            for kind, names in zip(KINDS, ids, strict=True)
        )
        return drawings, artworks

    def _file(self, stage: str, kind: str) -> Path:
        return kind_path(self.run.path / "embeddings" / stage, kind)
