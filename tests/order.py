"""The files that take longest come first, so that several processes end together.

pytest-xdist by itself begins with the files of the most tests, which are quick ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = (
    "acceptance/test_train.py",
    "models/test_on_ray.py",
    "web/browser/test_accessibility.py",
    "acceptance/test_one_model.py",
    "runs/sweeps/test_ray.py",
    "common/test_launch.py",
    "acceptance/test_embed.py",
    "runs/sweeps/test_search.py",
    "acceptance/test_annotate_kill.py",
    "learning/training/test_ddp.py",
    "acceptance/test_prepare.py",
    "retrieval/analysis/test_projection.py",
    "runs/sweeps/test_launchers.py",
    "preparing/test_thesis.py",
    "collection/test_splits.py",
    "web/review/test_export.py",
    "models/backbones/test_backbones.py",
    "acceptance/test_evaluate.py",
    "acceptance/search/test_search.py",
    "retrieval/index/test_databases.py",
    "reporting/collection/test_report.py",
    "learning/training/test_resume.py",
    "web/browser/test_judging.py",
)
"""Files below tests/, those of more than ten seconds on two cores, the longest first."""


class LongFirst:
    """Sorts the files; within a file nothing moves."""

    def __init__(self, config: pytest.Config) -> None:
        self._places = {config.rootpath / "tests" / name: place for place, name in enumerate(LONG)}
        if hasattr(config.option, "loadscopereorder"):  # of pytest-xdist
            config.option.loadscopereorder = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self._place(item.path))

    def _place(self, path: Path) -> int:
        return self._places.get(path, len(LONG))
