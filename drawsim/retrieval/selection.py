"""The k greatest scores of each row, and where they are, without sorting the rest.

Scores lie in groups of GROUP, side by side. The k-th greatest of the groups' greatest scores is a
bound: k groups have a score that is no less, so that the k greatest of all are none of them below
it. Only groups that reach the bound are looked into, and only scores that do are put in order: of
100,000 scores and the best 400, about 480.
"""

from __future__ import annotations

import torch
from torch import Tensor

GROUP = 32
"""Scores of which the greatest is looked at first."""
_ROOM = 4
"""Groups that may reach the bound, as multiples of k a row: with more, most scores are equal, and
`topk` on all of them takes less memory."""


def padded(size: int) -> int:
    """The columns that rows of `size` scores need here: whole groups."""
    return -(-size // GROUP) * GROUP


def largest(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k greatest of each row and their columns, both (R, k), best first.

    scores: (R, W) floats, W of whole groups (see `padded`), k ≤ W. Rows with scores that are no
    numbers give lists that are not finite or in no order: the caller looks.
    """
    rows, width = scores.shape
    groups = width // GROUP
    if groups < 2 * k or not k:
        return _all(scores, k)
    greatest = scores.view(rows, groups, GROUP).amax(dim=2)
    bound = _bound(greatest, k)
    group = (greatest >= bound[:, None]).view(-1).nonzero()[:, 0]
    if not rows * k <= len(group) <= _ROOM * rows * k:
        return _all(scores, k)
    members = scores.view(-1, GROUP).index_select(0, group)
    row = group.div(groups, rounding_mode="floor")
    kept = (members >= bound[row, None]).view(-1).nonzero()[:, 0]
    at = kept.div(GROUP, rounding_mode="floor")
    row, column = row[at], (group * GROUP)[at] + kept % GROUP - row[at] * width
    # The few that are left of each row, side by side, in rows as long as the longest.
    count = torch.bincount(row, minlength=rows)
    longest = int(count.max())
    place = torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]
    place += row * longest
    few = scores.new_full((rows * longest,), -torch.inf)
    few[place] = members.view(-1)[kept]
    columns = torch.zeros(rows * longest, dtype=torch.int64, device=row.device)
    columns[place] = column
    best, index = few.view(rows, longest).topk(k, dim=1)
    return best, columns.view(rows, longest).gather(1, index)


def _all(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    best, column = scores.topk(k, dim=1)
    return best, column


def _bound(greatest: Tensor, k: int) -> Tensor:
    """A number of each row, (R,), that k of its scores reach: of pairs of scores, or of all.

    The greatest of two groups stands for both while there are many more than k of them.
    """
    while greatest.shape[1] >= 6 * k:
        half = greatest.shape[1] // 2
        greatest = torch.maximum(greatest[:, :half], greatest[:, half : 2 * half])
    return greatest.topk(k, dim=1, sorted=False).values.amin(dim=1)
