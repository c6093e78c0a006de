"""How much of a head that few pairs made is kept: decided by pairs that it did not see.

With few validation drawings, nothing on the validation set tells whether a head learnt anything.
The pairs of train and val together do, each judged by a head that was made without it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from drawsim.collection.splits import components
from drawsim.common.words import counted
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.decisions import Decision
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.results import Vectors
from drawsim.learning.training.samples import (
    TripletBatches,
    Triplets,
    TripletSpec,
    without_views,
)
from drawsim.retrieval.analysis.statistics import PairedTest, paired_test
from drawsim.retrieval.metrics.functions import query_metrics

FOLDS = 5
STRENGTHS = (0.0, 0.5, 1.0)
"""Of a head, as `Head.scale` has it; 0 is the untrained model."""
LEVEL = 0.1
"""Of a two-sided test: one head in twenty that learnt nothing is taken for one that did."""


@dataclass(frozen=True)
class HeldOut:
    """MRR of drawings by heads that were made without them, (D,) for each of STRENGTHS.

    group: (D,) int64, which component of the pairs a drawing is of: two of them share neither a
    drawing nor an artwork.
    """

    mrr: dict[float, Tensor]
    group: Tensor

    @property
    def groups(self) -> int:
        """How many components there are."""
        return len(torch.unique(self.group))

    @property
    def best(self) -> float:
        """The strength other than 0 that ranks best."""
        return max(STRENGTHS[1:], key=lambda strength: float(self.mrr[strength].mean()))

    @property
    def test(self) -> PairedTest:
        """Of the best strength against strength 0, over groups."""
        return paired_test((self.mrr[self.best] - self.mrr[0.0]).numpy(), self.group.numpy())

    @property
    def strength(self) -> float:
        """The best strength, if its gain is hardly luck (p < LEVEL, permutation test): else 0."""
        test = self.test
        return self.best if test.difference > 0 and test.p_permutation < LEVEL else 0.0

    def decision(self, stage: str) -> Decision:
        """The same as what a run decides about a stage."""
        test, kept = self.test, self.strength > 0
        groups = counted(self.groups, "group")
        among = f"cross-validated over {groups} of pairs, p {test.p_permutation:.2g}"
        few = "so few pairs teach nothing that is surely better"
        return Decision(
            stage,
            kept,
            "training and validation",
            test.pairs,
            before=False,
            without=float(self.mrr[0.0].mean()),
            with_it=float(self.mrr[self.best].mean()),
            low=test.low,
            high=test.high,
            why=f"at strength {self.best:g}, {among}" if kept else f"{few}: {among}",
        )


def settle_head(
    module: Matcher, data: TripletData, untrained: Vectors | None, epochs: int
) -> HeldOut | None:
    """Give the head of a frozen network the strength that cross-validation says it deserves.

    None where there is no such head, it did not begin as the identity, nothing was trained, or
    there are too few groups of pairs: then it stays as it is. untrained: see `cross_validate`.
    """
    adaptation = module.adaptation
    if untrained is None or adaptation is None or adaptation.head is None or not epochs:
        return None
    if module.initial is not None or not module.backbone.frozen:
        return None
    held_out = cross_validate(module, data, untrained, epochs)
    if held_out is not None:
        adaptation.head.scale(held_out.strength)
        adaptation.fit(untrained[0][data.task.known()], untrained[1])
    return held_out


def cross_validate(
    module: Matcher, data: TripletData, untrained: Vectors, epochs: int
) -> HeldOut | None:
    """Judge heads on the pairs of train and val; None where there are too few groups of them.

    module: of a frozen network, whose own head and fit are as they were afterwards. untrained:
    (D, d) and (N, d) rows before adaptation.
    """
    task, adaptation = data.task, module.adaptation
    assert adaptation is not None, "only an adaptation has a head"
    assert adaptation.head is not None, "there is no head"
    untrained = untrained[0].clone(), untrained[1].clone()  # of a pass that knew no gradients
    drawings = torch.cat([task.queries["train"], task.queries["val"]])
    pairs = torch.cat([task.pairs_of("train"), task.pairs_of("val")])
    group = torch.from_numpy(components(*pairs.T.numpy()))
    count = int(group.max()) + 1 if len(group) else 0
    if count < 2 * FOLDS:
        return None
    fold = torch.from_numpy(np.random.default_rng(data.seed).permutation(count) % FOLDS)[group]
    group_of = torch.zeros(len(task.drawings), dtype=torch.int64)
    group_of[pairs[:, 0]] = group
    order: list[Tensor] = []
    found: dict[float, list[Tensor]] = {strength: [] for strength in STRENGTHS}
    own, memory = adaptation.head, module.cross_batch_memory
    for number in range(FOLDS):
        torch.manual_seed(data.seed)
        adaptation.head = copy.deepcopy(own)
        adaptation.head.forget()
        if memory is not None:
            module.cross_batch_memory = untrained[1].clone()
        _learn(module, data, untrained, pairs[fold != number], epochs)
        learnt = adaptation.head
        asked = drawings[torch.isin(drawings, pairs[fold == number, 0])]
        order.append(group_of[asked])
        for strength in STRENGTHS:
            adaptation.head = copy.deepcopy(learnt)
            adaptation.head.scale(strength)
            adaptation.fit(untrained[0][task.known()], untrained[1])
            rows = untrained[0].new_zeros(len(task.drawings), untrained[0].shape[1])
            rows[asked] = untrained[0][asked]
            ranking = task.rank(asked, *module.adapt(rows, untrained[1]))
            found[strength].append(query_metrics(ranking)["mrr"])
    adaptation.head, module.cross_batch_memory = own, memory
    adaptation.fit(untrained[0][task.known()], untrained[1])
    mrr = {strength: torch.cat(parts) for strength, parts in found.items()}
    return HeldOut(mrr, torch.cat(order))


def _learn(
    module: Matcher, data: TripletData, untrained: Vectors, pairs: Tensor, epochs: int
) -> None:
    """Train the head on pairs as the run does, from embeddings that are there already."""
    batches = TripletBatches(
        pairs,
        lambda: without_views(data.choice),
        lambda: epoch,
        batch_size=data.batch_size,
        grouped=data.grouped,
        passes=data.passes,
        copies=(),
        seed=data.seed,
        rank=0,
        world=1,
    )
    module.look_at_untrained()
    optimizer = module.configure_optimizers()
    rates = [group["lr"] for group in optimizer.param_groups]
    for epoch in range(epochs):
        for number, specs in enumerate(batches):
            done, step = epoch + number / len(batches), 1 / len(batches)
            factor = module.schedule(done, step, epochs)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            batch = _batch(specs)
            rows = batch.artworks.clamp(min=0)
            anchors = [spec.drawing for spec in specs]
            vectors = torch.cat([untrained[0][anchors][:, None], untrained[1][rows]], dim=1)
            loss = module.objective(module.terms(vectors, batch), vectors, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def _batch(specs: Sequence[TripletSpec]) -> Triplets:
    """The numbers of samples, without their images."""
    return Triplets(
        images=torch.empty(len(specs), 0),
        artworks=_rows([spec.positive, *spec.negatives] for spec in specs),
        own=_rows(spec.own for spec in specs),
        undecided=_rows(spec.undecided for spec in specs),
        weight=torch.tensor([spec.weight for spec in specs]),
    )


def _rows(table: Iterable[Sequence[int]]) -> Tensor:
    """(B, n) rows of artworks; n may be 0."""
    return torch.tensor([list(each) for each in table], dtype=torch.int64)
