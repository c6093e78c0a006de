"""The files that take longest come first, so that several processes end together.

pytest-xdist by itself begins with the files of the most tests, which are quick ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = (
    "models/test_on_ray.py",
    "acceptance/test_train.py",
    "docs/test_tutorials.py",
    "web/browser/test_accessibility.py",
    "runs/sweeps/test_ray.py",
    "acceptance/test_loop.py",
    "common/test_launch.py",
    "acceptance/test_embed.py",
    "learning/training/test_ddp.py",
    "acceptance/test_annotate_kill.py",
    "runs/sweeps/test_search.py",
    "web/browser/test_judging.py",
    "web/api/test_schema.py",
    "acceptance/test_one_model.py",
    "retrieval/index/test_databases.py",
    "acceptance/test_prepare.py",
    "web/queue/test_queue.py",
    "acceptance/test_evaluate.py",
    "reporting/comparison/test_searches.py",
    "acceptance/test_annotate_loop_in_browser.py",
    "web/browser/test_connection.py",
    "web/security/test_hostile.py",
    "acceptance/test_annotate_loop.py",
    "web/events/test_store.py",
    "workflows/test_no_pairs.py",
    "retrieval/analysis/test_projection.py",
    "reporting/collection/test_report.py",
    "acceptance/test_annotate.py",
    "common/test_options.py",
    "test_wandb_copies.py",
    "web/browser/test_two_annotators.py",
    "web/browser/test_review_pages.py",
    "models/backbones/test_backbones.py",
    "reporting/comparison/test_page.py",
    "acceptance/test_own_factory.py",
    "web/pages/test_pages.py",
    "acceptance/search/test_search.py",
    "web/browser/test_offline.py",
    "preparing/test_thesis.py",
    "acceptance/test_python.py",
    "web/browser/test_find_page.py",
    "learning/training/test_resume.py",
    "acceptance/test_rerank.py",
    "models/backbones/test_hub.py",
    "learning/training/test_experiment.py",
    "collection/test_folds.py",
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
