"""The pictures of a run for re-ranking, and where their local features lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from drawsim.learning.training.data import TripletData
from drawsim.models.local_features import KeptPictures
from drawsim.models.model import Model


@contextmanager
def features_of_run(run: Path, alone: bool) -> Iterator[Path | None]:
    """The folder of the store that local features are kept in; None: the user's.

    alone: the run alone has such weights, so that nothing would ever be looked up again: hundreds
    of megabytes, of which only the figures stay. Those of a network as loaded serve other runs.
    """
    if not alone:
        yield None
        return
    with TemporaryDirectory(dir=run, prefix=".local_features_") as folder:
        yield Path(folder)


def pictures_of_task(model: Model, data: TripletData, store: Path | None) -> KeptPictures | None:
    """The pictures of a task; None for a model whose re-ranking, if any, does not look at them.

    A network that is looked through is put into evaluation mode.
    """
    if model.rerank is None or not model.rerank.looks:
        return None
    model.backbone.eval()
    files = [Path(path) for path in data.images.paths]
    return KeptPictures(model, files[data.task.gallery :], files[: data.task.gallery], store)
