"""What a pass over a network as loaded embeds: taken from the store first, given to it after."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drawsim.learning.training.callbacks.evaluation import Evaluation
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.kept_rows import KeptRows
from drawsim.learning.training.module import Matcher

log = logging.getLogger(__name__)


@contextmanager
def shared_rows(
    module: Matcher, data: TripletData, evaluation: Evaluation, precision: str, share: bool
) -> Iterator[None]:
    """A pass of test within embeds what the store lacks; without `share`, whatever it would.

    The store only saves time: where it cannot be read or written, that is said, and all goes on.
    """
    if not share:
        yield
        return
    kept = None
    try:
        kept = KeptRows(
            module.model,
            [Path(path) for path in data.images.paths],
            precision,
            plain=module.plain_too,
            workers=max(1, data.workers),
        )
        evaluation.take(kept.take(data.to_embed()))
    except OSError as error:
        _warn(error)
    made = data.to_embed()
    yield
    try:
        if kept is not None:
            kept.keep(evaluation.made(made))
    except OSError as error:
        _warn(error)


def _warn(error: OSError) -> None:
    log.warning("embeddings are not shared with other runs (%s); this run goes on", error)
