"""The stages that lead from the plain backbone to a run's model, and the embeddings of each."""

from __future__ import annotations

from collections.abc import Collection

UNTRAINED, LAYOUT, ADAPTED = "untrained", "layout", "adapted"
TRANSFERRED, LEARNT = "transferred", "learnt"
"""The plain backbone; the same, reading what is where; after adaptation; with what another run had
learnt; and with what training changed. Ways of re-ranking follow, each by its own name."""
PLAIN, UNADAPTED, PUBLISHED = "plain", "unadapted", "published"
BASELINE, FINAL = "baseline", "final"
"""What a run calls its embeddings: of the plain network, where it reads a layout; before
adaptation, where it adapts; without what another has learnt, where it begins with that; of the
model as it begins; and of the model that was selected."""
KEPT = (PLAIN, UNADAPTED, PUBLISHED, BASELINE, FINAL)


def embeddings_of_stages(there: Collection[str], *, adapted: bool, learnt: bool) -> dict[str, str]:
    """Stage -> the embeddings that a run has of it, in the order in which each builds on the last.

    there: the embeddings that it has, of `KEPT`. adapted: whether its model is adapted, which it
    may have decided against. learnt: whether training changed it.

    >>> embeddings_of_stages(["plain", "unadapted", "baseline"], adapted=True, learnt=False)
    {'untrained': 'plain', 'layout': 'unadapted', 'adapted': 'baseline'}
    """
    order: dict[str, str] = {}
    if PLAIN in there:
        order[UNTRAINED] = PLAIN
    if adapted and UNADAPTED in there:
        order[LAYOUT if order else UNTRAINED] = UNADAPTED
    begins = ADAPTED if adapted else LAYOUT if order else UNTRAINED
    if PUBLISHED in there:
        # What the run decided against is in what was published, too.
        order[begins] = UNADAPTED if UNADAPTED in there and not adapted else PUBLISHED
        begins = TRANSFERRED
    order[begins] = BASELINE
    if learnt:
        order[LEARNT] = FINAL
    return order
