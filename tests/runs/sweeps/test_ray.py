"""Jobs on a Ray cluster of two machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import run
from tests.runs.sweeps.on_a_cluster import WENT_ON

CODE = "from tests.runs.sweeps.on_a_cluster import main; main()"


def test_on_a_cluster_that_loses_a_job_and_a_machine(tmp_path: Path) -> None:
    """In a process of its own, which Ray ends when a daemon of its own dies or is slow to start."""
    pytest.importorskip("ray", reason="ray is not installed")
    for number in range(3):
        (root := tmp_path / str(number)).mkdir()
        done = run("-c", CODE, str(root))
        if done.returncode == 0 or "AssertionError" in done.stderr:
            break
    assert done.stdout.endswith(f"{WENT_ON}\n"), done
