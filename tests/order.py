"""The files that take longest come first, so that several processes end together.

pytest-xdist by itself begins with the files of the most tests, which are quick ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = (
    "docs/test_tutorials.py",
    "acceptance/test_train.py",
    "models/test_on_ray.py",
    "web/browser/test_accessibility.py",
    "common/test_launch.py",
    "acceptance/test_one_model.py",
    "runs/sweeps/test_ray.py",
    "learning/training/test_ddp.py",
    "acceptance/test_rerank.py",
    "web/api/test_schema.py",
    "common/test_options.py",
    "web/browser/test_judging.py",
    "acceptance/test_annotate_kill.py",
    "learning/training/test_experiment.py",
    "web/browser/test_two_annotators.py",
    "acceptance/test_loop.py",
    "runs/sweeps/test_search.py",
    "retrieval/index/test_databases.py",
    "acceptance/test_prepare.py",
    "acceptance/test_embed.py",
    "web/security/test_hostile.py",
    "learning/training/test_resume.py",
    "models/backbones/test_backbones.py",
    "web/events/test_store.py",
    "collection/test_folds.py",
    "web/browser/test_connection.py",
    "preparing/test_thesis.py",
    "acceptance/search/test_search.py",
    "web/browser/test_offline.py",
    "collection/test_demo.py",
    "web/pages/test_pages.py",
    "web/queue/test_queue.py",
    "test_wandb_copies.py",
    "collection/test_splits.py",
    "reporting/comparison/test_page.py",
    "reporting/collection/test_report.py",
    "acceptance/test_annotate_loop_in_browser.py",
    "acceptance/test_evaluate.py",
    "acceptance/test_python.py",
    "acceptance/test_annotate.py",
    "web/browser/test_find_page.py",
    "acceptance/test_own_factory.py",
    "reporting/comparison/test_searches.py",
    "web/browser/test_review_pages.py",
    "acceptance/search/test_explore.py",
    "models/backbones/test_hub.py",
    "acceptance/test_annotate_loop.py",
    "workflows/test_no_pairs.py",
)
"""Files below tests/ of more than five seconds of a processor, the longest first."""


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
