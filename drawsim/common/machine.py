"""What every command does to the machine before it works, and what it writes down about it."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import threading
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
PR_SET_PDEATHSIG = 1
PACKAGES = (
    *("drawsim", "torch", "torchvision", "pytorch-lightning", "timm", "torchmetrics"),
    *("albumentations", "opencv-python-headless", "pillow", "numpy", "pandas", "safetensors"),
    *("hydra-core", "omegaconf", "wandb"),
)
FLAGS = ("flags", "Features")
"""What lines of /proc/cpuinfo are called that say what instructions there are, of x86 and ARM."""
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def prepare() -> None:
    """Make large CPU batches fast and the libraries quiet. Call it before torch is imported."""
    keep_freed_memory()
    if not is_first_process():
        end_with_parent()
    # Torch's threads would wait for each other in busy loops, and so take the cores from the
    # processes that read images: a training step then lasts several times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Those of numpy's products do so too, for 2^26 ticks, and take them from torch's; 2^4 is least.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network at import
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    quiet_libraries()


def quiet_libraries() -> None:
    """Leave out what Lightning says of itself and of its own parts; in a notebook too."""
    for part in ("utilities.rank_zero", "trainer.connectors.signal_connector"):
        logging.getLogger(f"pytorch_lightning.{part}").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric|torchmetrics")
    warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
    warnings.filterwarnings("ignore", message="torch.distributed.nn.functional.all_gather")


def end_with_parent() -> None:
    """End this process, one of several of a job, when the one that started it ends, however.

    Else it would wait for the other for half an hour. Does nothing but on Linux.
    """
    if libc := _glibc():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks: handing them back makes big batches 2-3 times slower.

    Does nothing where the C library has no mallopt.
    """
    if libc := _glibc():
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)


def release_freed_memory() -> None:
    """Hand freed blocks back once: worker processes that are about to start would inherit them."""
    if libc := _glibc():
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library, where it is one that can be told how to deal with memory."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None


def give_way(by: int) -> None:
    """Let this thread, and those that it starts, run after others: by how many steps of niceness.

    Does nothing where threads have no priority of their own (Linux alone gives them one).
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        own = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(own + by, 19))


def cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def readers(wanted: int | None) -> int:
    """Processes that read images: as many as wanted, or (None) one a core, at most 8."""
    return min(cores(), 8) if wanted is None else wanted


def has_bf16(told: Path = Path("/proc/cpuinfo")) -> bool | None:
    """Whether the processor has instructions for bfloat16; None where it does not say.

    told: where Linux says what it has.
    """
    try:
        lines = told.read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return None
    said = [line.partition(":") for line in lines]
    flags = {word for key, _, words in said if key.strip() in FLAGS for word in words.split()}
    return bool(flags & BF16_FLAGS) if flags else None


def is_first_process() -> bool:
    """Whether this process is the one that writes."""
    return int(os.environ.get("LOCAL_RANK", "0")) == int(os.environ.get("NODE_RANK", "0")) == 0


def is_worker_of_joblib() -> bool:
    """Whether this is a process of joblib's, as of a sweep by its launcher."""
    return multiprocessing.current_process().name.startswith("LokyProcess")


def environment() -> dict[str, str]:
    """Versions, hardware and git commit, for `environment.txt`."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    facts = {
        "git commit": _git_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": f"{_processor()}, {cores()} cores, {torch.get_num_threads()} torch threads",
        "memory": f"{_memory_gib():.1f} GiB",
        "gpu": ", ".join(gpus) or "none",
    }
    return facts | {name: _version(name) for name in PACKAGES}


def _git_commit() -> str:
    """The commit of the code that runs, marked where the working tree differs from it."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "HEAD")
        return commit + (" (modified)" if _git(here, "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"


def _git(folder: Path, *arguments: str) -> str:
    run = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
