"""Where the local features of a run's pictures lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


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
