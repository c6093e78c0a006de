"""The three stages of a run: measure the untrained model, fit, measure the selected one."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger

from drawsim.common.errors import UserError
from drawsim.common.machine import release_freed_memory
from drawsim.learning.miners.base import Miner
from drawsim.learning.training.callbacks.checkpoints import BestAndLast, Keep, settled
from drawsim.learning.training.callbacks.evaluation import LIVE_SETS, DivergedError, Evaluation
from drawsim.learning.training.callbacks.mining import Mining
from drawsim.learning.training.callbacks.record import EpochRecord, Taken
from drawsim.learning.training.cross_validation import settle_head
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.decisions import Decide, Judge
from drawsim.learning.training.features_of_run import features_of_run, pictures_of_task
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.results import (
    BySet,
    Results,
    SecondLook,
    Vectors,
    measure,
    measure_stages,
)
from drawsim.learning.training.run_embeddings import NOT_OF_THIS_RUN, RunEmbeddings
from drawsim.learning.training.shared_rows import shared_rows
from drawsim.models.initial import Initial
from drawsim.models.loading import load_checkpoint
from drawsim.models.local_features import KeptPictures
from drawsim.models.trainer import make_trainer
from drawsim.retrieval.reranking.base import Reranker
from drawsim.retrieval.reranking.chain import Chain, chain_of
from drawsim.runs.folder import Protocol, RunFolder
from drawsim.runs.stages import (
    ADAPTED,
    BASELINE,
    LAYOUT,
    LEARNT,
    PLAIN,
    PUBLISHED,
    UNADAPTED,
    UNTRAINED,
    embeddings_of_stages,
)

log = logging.getLogger(__name__)


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
    judge: Judge
    untrained: Vectors | None = None
    """As the untrained network embeds, before adaptation."""
    local_features: Path | None = None
    plain: Vectors | None = None
    """As it embeds without its layout, if it reads one."""
    published: Vectors | None = None
    """As it ranks before it is given what another model has learnt, if it is."""

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
        decide: Decide,
        trainer: Mapping[str, Any],
        callbacks: Sequence[pl.Callback],
        loggers: Sequence[Logger],
    ) -> Experiment:
        """Connect the parts. Callbacks of the user's come after evaluation and mining."""
        judge = Judge(data.task, decide)
        evaluation = Evaluation(data.task)
        data.known = evaluation.known
        mining = Mining(miner, evaluation, data, module, run)
        folder = run.path / "checkpoints"
        kept, why = settled(keep, len(data.task.queries["val"]))
        if module.learns_nothing:
            log.info("nothing is trained: %s, fewer than freeze_below", module.pairs_in_words)
        elif why:
            log.info("the last epoch is kept (keep=auto): %s", why)
        if kept != "best" and not module.learns_nothing:
            run.update(keep=kept, kept_because=why or None)
        checkpoints = BestAndLast(
            folder, monitor, kept, lambda: mining.improved, judged=judge.active and judge.enough
        )
        own = [evaluation, mining, EpochRecord(run), Taken()]
        if data.first:  # such epochs have another number of batches than those that follow
            trainer = {**trainer, "reload_dataloaders_every_n_epochs": 1}
        lightning = make_trainer(trainer, run.path, [*own, *callbacks, checkpoints], loggers)
        return cls(module, data, evaluation, mining, checkpoints, lightning, run, protocol, judge)

    def baseline(self, *, resume: bool) -> Vectors:
        """Embed everything with the model as it begins, mine, and record epoch 0.

        A run that is resumed after its first epoch takes the embeddings it kept.
        """
        if resume and self.checkpoints.to_go_on_from():
            self.judge.resume(self.run.record.get("decisions"))
            self.module.leave_out(self.judge.left_out)
            vectors = self.kept.load("baseline")
            dimensions = self.module.backbone.dimensions
            self.untrained = self.kept.load_if_kept(UNADAPTED, dimensions)
            self.plain = self.kept.load_if_kept(PLAIN)
            self.published = self.kept.load_if_kept(PUBLISHED)
            self.mining.start((self.untrained or self.published or vectors)[1])
            return vectors
        if resume:
            log.info("no epoch of this run is whole: it begins anew")
        self.data.at_the_end = False
        self.module.plain_too = bool(self.module.backbone.parts)
        initial = self.module.initial
        vectors = self._embed("baseline" if initial is None else PUBLISHED)
        self.module.plain_too = False
        vectors = self._decide_layout(vectors)
        self.untrained, self.plain = self.evaluation.raw, self.evaluation.plain
        self.mining.start(self.evaluation.gallery)
        self._keep_untrained()
        if initial is not None:
            self.published = vectors
            vectors = self._begin_with(initial)
        vectors = self._decide_before(vectors)
        self.data.at_the_end = True
        self._record_untrained()
        return vectors

    def _decide_layout(self, vectors: Vectors) -> Vectors:
        """Leave out the layout where it loses, each way as it is adapted, or plainly if better.

        vectors: of the published model. Returns them as it ranks from here on. What the model
        begins with may have been learnt of its layout, which then stays.
        """
        ways = self.evaluation.without_layout(self.module)
        if not ways or not self.judge.active or self.module.initial is not None:
            return vectors
        before, after = (self.judge.best(each) for each in (ways, [self.evaluation.raw, vectors]))
        plainly = SecondLook()
        if self.judge.keeps(LAYOUT, (before, plainly), (after, plainly), trained=False):
            return vectors
        self.module.leave_out([LAYOUT])
        self.evaluation.drop_layout(self.module)
        vectors = self.evaluation.drawings, self.evaluation.artworks
        if self.run.writes:
            self.kept.save(BASELINE, vectors, self.module.model)
        return vectors

    def _decide_before(self, vectors: Vectors) -> Vectors:
        """Leave out the adaptation where it loses, and, if that is judged now, ways of re-ranking.

        vectors: of the model as it begins. Returns them as it ranks from here on.
        """
        if not self.judge.active:
            return vectors
        raw, plainly = self.evaluation.raw, SecondLook()
        if self.module.adaptation is not None and not self.judge.keeps(
            ADAPTED, (raw, plainly), (vectors, plainly), trained=False
        ):
            self.module.leave_out([ADAPTED])
            self.evaluation.drawings, self.evaluation.artworks = vectors = raw
            if self.run.writes:
                self.kept.save(BASELINE, vectors, self.module.model)
        if not self.judge.enough:
            self._decide_links(vectors, trained=False)
        self.run.update(decisions=self.judge.decisions or None)
        return vectors

    def _decide_links(self, vectors: Vectors, *, trained: bool) -> None:
        """Leave out the ways of re-ranking that lose, each compared with those kept before it."""
        chain = self.module.model.rerank
        if chain is None:
            return
        mode = self.module.training
        look, kept = SecondLook(None, self._pictures()), tuple[Reranker, ...]()
        for link in chain.links:
            before = replace(look, reranker=chain_of(kept))
            after = replace(look, reranker=Chain((*kept, link)))
            ways = (vectors, before), (vectors, after)
            if self.judge.keeps(link.name, *ways, trained=trained):
                kept = (*kept, link)
            else:
                self.module.leave_out([link.name])
        self.module.train(mode)

    def _decide_after(self, baseline: Vectors, final: Vectors, judged: bool) -> Vectors:
        """Leave out what was learnt where it loses, and ways of re-ranking.

        judged: whether it is decided already about what was learnt. Returns how the model embeds
        then, and notes in its checkpoint what it leaves out.
        """
        if not self.judge.active:
            return final
        plainly = SecondLook()
        learnt = self.checkpoints.best_epoch > 0 and not judged
        ways = (baseline, plainly), (final, plainly)
        if learnt and not self.judge.keeps_learnt(LEARNT, *ways):
            self.checkpoints.take_untrained()
            self._select()
            final = self._embed("final")
        if self.judge.enough:
            self._decide_links(final, trained=True)
        self.run.update(decisions=self.judge.decisions or None)
        self.checkpoints.note(self.module.left_out)
        return final

    def _begin_with(self, initial: Initial) -> Vectors:
        """Give the model what it begins with; how it embeds then."""
        initial.give(self.module.model)
        self.evaluation.known.fill_(False)
        return self._embed("baseline")

    def _record_untrained(self) -> None:
        """Epoch 0: the model as it begins is a candidate like the others."""
        scores = {name: self.evaluation.scores(name) for name in LIVE_SETS}
        flat = {f"{name}/{key}": value for name in LIVE_SETS for key, value in scores[name].items()}
        self.mining.mine(0)
        flat["val/loss"] = self.mining.val_loss()
        # Where nothing is trained, there may be no pair that the monitored value is of.
        self.checkpoints.start(self.trainer, flat.get(self.checkpoints.monitor, math.nan))
        few = self.module.too_few
        self.run.update(
            baseline=scores, gallery_size=len(self.data.task.artworks), too_few_pairs=few
        )
        self.run.write_epoch(0, flat)
        for logger in self.trainer.loggers:
            logger.log_metrics({**flat, "epoch": 0}, step=0)

    def fit(self, *, resume: bool) -> None:
        """Train, from the last whole epoch if resumed; ends early where training diverges."""
        if self.trainer.max_epochs == 0 or self.module.learns_nothing:
            return
        last = self.checkpoints.to_go_on_from() if resume else None
        started = time.perf_counter()
        if self.module.adapter is not None:
            self.module.adapter.put_into(self.module.backbone, self.data.seed)
        release_freed_memory()  # of the baseline: the processes that are about to start copy it
        try:
            self.trainer.fit(
                self.module,
                datamodule=self.data,
                ckpt_path=str(last) if last else None,
                weights_only=True,
            )
        except DivergedError as error:
            log.warning("%s", error)
            self.run.update(message=str(error))
        except Exception as error:  # readers of damaged files raise whatever they meet
            if last and not self._taken_up and not isinstance(error, UserError):
                raise UserError(f"{last}: {NOT_OF_THIS_RUN} ({type(error).__name__})") from error
            raise
        finally:
            self.run.add_seconds(fit=time.perf_counter() - started, **self.evaluation.spent())

    @property
    def kept(self) -> RunEmbeddings:
        """The embeddings in the run folder."""
        return RunEmbeddings(self.run.path, self.data, str(self.trainer.precision))

    @property
    def _taken_up(self) -> bool:
        callbacks: Any = self.trainer.callbacks  # type: ignore[attr-defined]
        return any(one.up for one in callbacks if isinstance(one, Taken))

    def final(self, baseline: Vectors) -> None:
        """Load the selected weights; now, and only now, look at the test set.

        Writes both models' metrics for all sets, `ranks.csv`, and the final embeddings.
        """
        self._select()
        judged = self._settle_head()
        alone = self.checkpoints.best_epoch > 0 and not self.module.backbone.frozen
        with features_of_run(self.run.path, alone) as self.local_features:
            self._measure(baseline, self._decide_after(baseline, self._embed("final"), judged))

    def _measure(self, baseline: Vectors, final: Vectors) -> None:
        models = {"baseline": baseline, "final": final}
        started = time.perf_counter()
        again = SecondLook(self.module.model.rerank, self._pictures())
        results = measure(self.data.task, models, self.protocol, {"final": again})
        stages, tables = self._stages(models, results, again)
        ranked = time.perf_counter() - started
        self.run.write_table("ranks.csv", pd.concat([results.ranks, *tables], ignore_index=True))
        spent = self.evaluation.spent()
        self.run.add_seconds(embed=spent["embed"], rank=spent["rank"] + ranked)
        self.run.update(
            **results.metrics,
            **({"stages": stages} if stages else {}),
            diagnostics=results.diagnostics,
            best_epoch=self.checkpoints.best_epoch,
            epochs=self.trainer.current_epoch,
            tie_rate=results.tie_rates["final", "test"],
        )

    def _stages(
        self, models: Mapping[str, Vectors], results: Results, again: SecondLook
    ) -> tuple[dict[str, BySet], list[pd.DataFrame]]:
        """Metrics of each stage that leads from the plain backbone to the final model.

        Each stage has what those before it have. Empty for a model that is trained and no more: its
        two figures are baseline and final. And the parts of `ranks.csv` of stages that are neither.
        """
        model, plainly = self.module.model, SecondLook()
        kept = {PLAIN: self.plain, UNADAPTED: self.untrained, PUBLISHED: self.published, **models}
        vectors = {name: own for name, own in kept.items() if own is not None}
        found = embeddings_of_stages(
            vectors, adapted=model.adaptation is not None, learnt=self.checkpoints.best_epoch > 0
        )
        order = {stage: (vectors[own], plainly) for stage, own in found.items()}
        before = next(stage for stage, own in found.items() if own == BASELINE)
        links = () if model.rerank is None else model.rerank.links
        for number, link in enumerate(links, 1):
            order[link.name] = models["final"], replace(again, reranker=Chain(links[:number]))
        if set(order) <= {UNTRAINED, LEARNT}:
            return {}, []
        last = list(order)[-1]
        known = {last: results.metrics["final"], before: results.metrics["baseline"]}
        others = {stage: own for stage, own in order.items() if stage not in known}
        measured, tables = measure_stages(self.data.task, others)
        return {stage: known.get(stage) or measured[stage] for stage in order}, tables

    def _pictures(self) -> KeptPictures | None:
        """The pictures of the task, for a model whose re-ranking looks at them."""
        return pictures_of_task(self.module.model, self.data, self.local_features)

    def _select(self) -> None:
        """Load the selected weights, as whoever loads the run's model does."""
        if self.module.adapter is not None:
            self.module.adapter.take_out(self.module.backbone)
        load_checkpoint(self.module, self.checkpoints.best, self.module.adapter)
        # The pass that closed the last epoch has embedded most images, if that is the one selected.
        if self.evaluation.epoch != self.checkpoints.best_epoch:
            self.evaluation.changed(self.module)

    def _settle_head(self) -> bool:
        """Keep as much of what few pairs taught a head as cross-validation says; whether it did."""
        few = self.judge.active and not self.judge.enough and self.trainer.world_size == 1
        epochs = self.checkpoints.best_epoch
        held_out = settle_head(self.module, self.data, self.untrained, epochs) if few else None
        if held_out is None:
            return False
        self.judge.decisions.append(held_out.decision(LEARNT).record())
        if not held_out.strength:
            self.checkpoints.best_epoch = 0
        self.checkpoints.keep_now(self.trainer)
        return True

    def _embed(self, stage: str) -> Vectors:
        """Embed the gallery and the drawings, and keep what is no style copy in the run folder.

        What networks give that were loaded, and not trained since, is shared by all runs.
        """
        trained = stage == "final" and self.checkpoints.best_epoch > 0
        shared = self.module.backbone.frozen or not trained
        # Of several processes, each would have to know the same rows as the others.
        alone = self.trainer.world_size == 1
        precision = str(self.trainer.precision)
        with shared_rows(self.module, self.data, self.evaluation, precision, shared and alone):
            self.trainer.test(self.module, datamodule=self.data, verbose=False)
        vectors = (self.evaluation.drawings, self.evaluation.artworks)
        if self.run.writes:
            self.kept.save(stage, vectors, self.module.model)
        return vectors

    def _keep_untrained(self) -> None:
        """Keep embeddings before adaptation and without the layout, for a resumed run."""
        if not self.run.writes:
            return
        if self.module.adaptation is not None:
            self.kept.save(UNADAPTED, self.evaluation.raw, self.module.model.unadapted)
        if self.plain is not None:
            self.kept.save(PLAIN, self.plain, self.module.model.unadapted, layout=False)
