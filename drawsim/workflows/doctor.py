"""What is on this machine of what drawsim needs, or can use, and how to get the rest."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from drawsim.common.configuration import SEVERAL, option, options
from drawsim.common.errors import UserError
from drawsim.common.files import user_cache
from drawsim.common.machine import environment

if TYPE_CHECKING:
    from packaging.requirements import Requirement

State = Literal["ok", "missing", "wrong"]
ROOM = 2 << 30
"""Bytes that a run on a few thousand pictures needs at least: embeddings, checkpoints, pages."""
EXTRAS = {
    "ann": "approximate search in millions of embeddings",
    "cloud": "images and shards behind s3:// and https://",
    "heic": "HEIC pictures, what telephones write",
    "jxl": "JPEG XL pictures",
    "lora": "adapter=lora, for vision transformers",
    "map": "explore view=map by UMAP",
    "milvus": "an index in a Milvus file or cluster",
    "optuna": "searches of settings, hydra/sweeper=optuna",
    "parquet": "embed export=parquet",
    "pgvector": "an index in PostgreSQL",
    "postgresql": "annotations in PostgreSQL",
    "ray": "sweeps and embedding on a Ray cluster",
    "slurm": "jobs on Slurm",
    "text": "search text=…",
}
"""What each extra of the package is for."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. said: what it is, or how to get it."""

    area: str
    name: str
    state: State
    said: str


def look(*, ask_hub: bool = False) -> list[Finding]:
    """Everything, area by area. ask_hub: also whether the hub of weights answers."""
    return [*_machine(), *_packages(), *_extras(), *_weights(ask_hub=ask_hub), *_folders()]


def _machine() -> Iterator[Finding]:
    import torch

    from drawsim import __version__
    from drawsim.models.precision import SLOWER, is_slower

    facts = environment()
    yield Finding("machine", "drawsim", "ok", f"{__version__}, Python {facts['python']}")
    yield Finding("machine", "processor", "ok", f"{facts['processor']}, {facts['memory']}")
    yield Finding("machine", "torch", "ok", facts["torch"])
    if torch.cuda.is_available():
        yield Finding("machine", "GPU", "ok", f"{facts['gpu']}; training in mixed precision")
    else:
        built = torch.version.cuda
        why = (
            f"torch is built for CUDA {built}, no driver answers" if built else "torch is CPU-only"
        )
        yield Finding("machine", "GPU", "missing", f"{why}; everything runs on the processor")
    said = SLOWER if is_slower() else "precision=bf16 embeds faster, and changes some ranks"
    yield Finding("machine", "bf16", "missing" if is_slower() else "ok", said)


def _required() -> list[Requirement] | None:
    """What the installed package asks for; None where it is not installed."""
    from packaging.requirements import Requirement

    try:
        return [Requirement(text) for text in requires("drawsim") or ()]
    except PackageNotFoundError:
        return None


def _packages() -> Iterator[Finding]:
    """Packages that everything needs: one line where all are there."""
    required = _required()
    if required is None:
        how = "drawsim is run from its folder and not installed: pip install -e ."
        yield Finding("packages", "needed", "missing", how)
        return
    needed = [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [(one, said) for one in needed if (said := _lacking(one)) is not None]
    for one, said in wrong:
        how = f"{said}; pip install '{one.name}{one.specifier}'"
        yield Finding("packages", one.name, "wrong", how)
    if not wrong:
        yield Finding("packages", "needed", "ok", f"all {len(needed)} are there")


def _extras() -> Iterator[Finding]:
    """The extras of the package: whole, or with what is missing of them."""
    required = _required()
    if required is None:
        return
    offered = metadata("drawsim").get_all("Provides-Extra") or []
    for name in sorted(set(offered) & set(EXTRAS)):
        lacking = [one.name for one in _of_extra(required, name) if _lacking(one) is not None]
        if lacking:
            how = f"{EXTRAS[name]}: pip install 'drawsim[{name}]' ({', '.join(lacking)})"
            yield Finding("extras", name, "missing", how)
        else:
            yield Finding("extras", name, "ok", EXTRAS[name])


def _of_extra(required: list[Requirement], extra: str) -> list[Requirement]:
    """What an extra asks for; extras of drawsim in it are followed."""
    found: list[Requirement] = []
    for one in required:
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            continue
        if not one.marker.evaluate({"extra": extra}):
            continue
        if one.name == "drawsim":
            found += [each for other in one.extras for each in _of_extra(required, other)]
        else:
            found.append(one)
    return found


def _lacking(required: Requirement) -> str | None:
    """What is wrong with an installed package; None if nothing is."""
    try:
        held = version(required.name)
    except PackageNotFoundError:
        return "not installed"
    fits = required.specifier.contains(held, prereleases=True)
    return None if fits else f"{held} is not {required.specifier}"


def _weights(*, ask_hub: bool) -> Iterator[Finding]:
    """Of each backbone whether its weights are at hand."""
    from drawsim.models.backbones.hub import hub_answers

    hub = "not asked: hub=true"
    if ask_hub:
        answers = hub_answers()
        hub = "answers" if answers else "does not answer; what was fetched before is used"
        yield Finding("weights", "hub", "ok" if answers else "missing", hub)
    for name in options("backbone"):
        with contextlib.suppress(UserError):  # one that leaves the model to the user
            settings = option("backbone", name, image_size=224)
            if name != SEVERAL:
                yield Finding("weights", name, *_weights_of(name, settings))


def _weights_of(name: str, settings: Mapping[str, Any]) -> tuple[State, str]:
    """Whether the weights of an option are at hand, and where they are or come from."""
    if "substitute" in settings:
        from drawsim.models.backbones.replica import find_weights

        try:
            return "ok", str(find_weights(name, Path(settings["substitute"])))
        except UserError as error:
            return "missing", str(error).removeprefix(f"backbone={name}: no weights. ")
    if "model" not in settings:
        return "ok", "in a package that drawsim needs"
    from drawsim.models.backbones.hub import kept_weights

    file = kept_weights(str(settings["model"]))
    if file is not None:
        return "ok", f"{settings['model']}, fetched before"
    return "missing", f"{settings['model']}, fetched from the hub when it is first used"


def _folders() -> Iterator[Finding]:
    """Folders that are written into: whether they can be, and what room there is."""
    import platformdirs

    named = {
        "working folder": Path.cwd(),
        "caches": user_cache(),
        "settings": platformdirs.user_config_path("drawsim"),
    }
    for name, folder in named.items():
        there = next(one for one in (folder, *folder.parents) if one.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            yield Finding("folders", name, "wrong", f"{there} cannot be written into")
            continue
        room = shutil.disk_usage(there).free
        said = f"{folder}, {room / (1 << 30):,.1f} GiB free"
        if room < ROOM:
            yield Finding("folders", name, "wrong", f"{said}; a run needs {ROOM >> 30} GiB")
        else:
            yield Finding("folders", name, "ok", said)
