"""What a test run finds around it: the same for every user, and gone afterwards.

A home folder of its own takes what libraries write into one (fonts, compiled code, sessions), and
holds neither settings nor keys. Processes that tests start inherit it, those of pytest-xdist too.
"""

from __future__ import annotations

import atexit
import os
import shutil
import site
import tempfile
from pathlib import Path

MARK = "DRAWSIM_TESTS_HOME"
"""Set by the process that made the folder."""
CACHES = {
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "MPLCONFIGDIR": "matplotlib",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
}
"""Folders below the home, made or not."""
LOST = (
    *("WANDB_", "HF_", "HUGGINGFACE_", "TORCH_HOME", "HYDRA_", "PG", "DRAWSIM_", "NETRC"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),  # tests talk to servers of their own only
    *("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "CLICOLOR"),
    *("SLURM_", "RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_", "MKL_", "OMP_"),
)
"""How variables begin, in capitals, that carry the settings of a user or a cluster into tests."""


def enter() -> None:
    """Set up the environment, once for all processes; it is left when this one ends.

    Libraries read their variables when they are imported: call this before.
    """
    if MARK in os.environ:  # a process of pytest-xdist, or one that a test started
        if "PYTEST_XDIST_WORKER" in os.environ:  # the cores are shared already
            os.environ.setdefault("OMP_NUM_THREADS", "1")
            os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
        return
    for name in [name for name in os.environ if name.upper().startswith(LOST)]:
        del os.environ[name]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("PLAYWRIGHT_BROWSERS_PATH", str(cache / "ms-playwright"))
    os.environ.setdefault("PYTHONUSERBASE", site.getuserbase())  # packages installed by the user
    home = Path(tempfile.mkdtemp(prefix="drawsim-tests-"))
    os.environ |= {name: str(home / folder) for name, folder in CACHES.items()}
    os.environ |= {MARK: str(home), "HOME": str(home), "HF_HUB_OFFLINE": "1"}
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # threads that wait leave the core to others
    os.environ["NUMBA_DISABLE_JIT"] = "1"  # umap takes far longer to compile than to run as it is
    atexit.register(_leave, home, os.getpid())


def _leave(home: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a fork of it
        shutil.rmtree(home, ignore_errors=True)
