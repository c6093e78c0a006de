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

from drawsim.collection.splits import SETS, Set
from drawsim.common.errors import UserError
from drawsim.common.machine import release_freed_memory
from drawsim.learning.miners.base import Miner
from drawsim.learning.training.callbacks.checkpoints import BestAndLast, Keep
from drawsim.learning.training.callbacks.evaluation import LIVE_SETS, Evaluation
from drawsim.learning.training.callbacks.mining import Mining
from drawsim.learning.training.callbacks.record import EpochRecord
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.module import Matcher
from drawsim.models.trainer import make_trainer
from drawsim.retrieval.analysis.diagnostics import hubness, memorisation
from drawsim.retrieval.embeddings import Embeddings, kind_path, load_embeddings
from drawsim.retrieval.metrics.functions import query_metrics, summarise
from drawsim.retrieval.metrics.thesis_protocol import ThesisRanking
from drawsim.retrieval.ranking import Ranking
from drawsim.retrieval.task import ranks_table
from drawsim.runs.folder import Protocol, RunFolder

Vectors = tuple[Tensor, Tensor]
"""Unit rows of all drawings and all artworks of the task."""
UNADAPTED = "unadapted"
"""Names the untrained gallery before adaptation: it tells which artworks are the same picture."""


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
        else:
            self.data.at_the_end = False
            vectors = self._embed("baseline")
            self.data.at_the_end = True
            self.mining.start(self.evaluation.gallery)
            if self.module.adaptation is not None and self.run.writes:
                gallery = Embeddings(self.data.task.artworks, self.evaluation.gallery)
                made_by = self.module.model.unadapted.describe(str(self.trainer.precision))
                gallery.save(self._file(UNADAPTED, "artwork"), made_by)
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
        best = torch.load(self.checkpoints.best, map_location="cpu", weights_only=True)
        self.module.load_state_dict(best["state_dict"])
        # The pass that closed the last epoch has embedded most images, if that is the one selected.
        if self.evaluation.epoch != self.checkpoints.best_epoch:
            self.evaluation.changed(self.module)
        final = self._embed("final")
        results: dict[str, dict[str, dict[str, float]]] = {}
        looks: dict[str, dict[str, dict[str, float]]] = {}
        tables, tie_rates, task = [], {}, self.data.task
        started = time.perf_counter()
        for model, vectors in (("baseline", baseline), ("final", final)):
            results[model], looks[model] = {}, {}
            for name in SETS:
                ranking = task.rank(task.queries[name], *vectors)
                results[model][name] = summarise(query_metrics(ranking))
                if self.protocol == "thesis":
                    results[model][name] |= self._thesis_scores(name, vectors)
                looks[model][name] = self._diagnose(ranking)
                tie_rates[model, name] = ranking.tie_rate
                tables.append(ranks_table(task, name, ranking).assign(model=model))
        self.run.write_table("ranks.csv", pd.concat(tables, ignore_index=True))
        self.run.add_seconds(
            embed=self.evaluation.seconds["embed"],
            rank=self.evaluation.seconds["rank"] + time.perf_counter() - started,
        )
        self.run.update(
            **results,
            diagnostics=looks,
            best_epoch=self.checkpoints.best_epoch,
            epochs=self.trainer.current_epoch,
            tie_rate=tie_rates["final", "test"],
        )

    def _diagnose(self, ranking: Ranking) -> dict[str, float]:
        """How far training artworks and hubs crowd the top 10 (`retrieval.analysis`)."""
        if not len(ranking.top_index):
            return {}
        trained = torch.unique(self.data.task.train_pairs[:, 1])
        by_heart = memorisation(ranking.top_index, trained, ranking.gallery_size)
        hubs = hubness(ranking.top_index, ranking.gallery_size)
        return {"memorisation": by_heart.factor, "hubness_skew": hubs.skew}

    def _thesis_scores(self, name: Set, vectors: Vectors) -> dict[str, float]:
        """The scores of a set by the thesis's rules, under `thesis/<name>`; none if it is empty."""
        task = self.data.task
        drawings = task.pairs_of(name)[:, 0]
        if not len(drawings):
            return {}
        relevant = torch.bincount(task.positives.query, minlength=len(task.drawings))
        ranking = ThesisRanking.of(*vectors, task.positives, relevant)
        scores = ranking.scores(drawings)
        return {f"thesis/{key}": value for key, value in scores.items()}

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
