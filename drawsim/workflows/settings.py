"""The settings of a training run as typed values; numbers that cannot be are refused here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from drawsim.common.building import build, check_types
from drawsim.common.errors import UserError, nearest
from drawsim.common.typed import shown

T = TypeVar("T")
LARGEST_SEED = 2**32 - 1
LARGEST_IMAGE = 4096
"""Pixels of a side: what is read from a run's file goes no further either."""
LEAST = {
    "seed": 0,
    "image_size": 1,
    "batch.size": 1,
    "batch.embed": 1,
    "freeze_below": 0,
    "pairs.passes": 0,
    "pairs.views": 0,
    "pairs.share": 0,
    "pairs.first": 0,
    "workers": 0,
    "data.max_pixels": 1,
    "trainer.max_epochs": 0,
    "trainer.accumulate_grad_batches": 1,
    "trainer.log_every_n_steps": 1,
    "optim.optimizer.lr": 0,
    "optim.optimizer.weight_decay": 0,
    "optim.optimizer.momentum": 0,
    "adapt.unlabelled": 0,
    "miner.negatives": 0,
    "init.strength": 0,
    "loss.distill": 0,
    "optim.head_lr": 0,
}
"""The least that a number may be."""
MOST = {
    "seed": LARGEST_SEED,
    "image_size": LARGEST_IMAGE,
    "optim.optimizer.momentum": 1,
    "init.strength": 1,
}
"""The most that a number may be."""
NEEDED = ("out", "optim.optimizer.lr", "trainer.max_epochs", "adapt.unlabelled", "loss.distill")
"""Settings that may not be null where they are there, which no type of drawsim's own says."""
CHOICES = {
    "keep": ("auto", "best", "last", "on_improvement"),
    "protocol": ("drawsim", "thesis"),
    "decide": ("validation", "none"),
    "reading": ("areas", "thesis"),
    "frames": ("none", "crop"),
    "precision": ("auto", "bf16"),
    "val_loss": ("plain", "augmented"),
    "pairs.queries": ("annotated", "simulated"),
    "data.on_missing": ("error", "skip"),
}


@dataclass(frozen=True)
class DataSettings:
    """Which collection (`conf/data`): a folder, or a demo that is made on first use."""

    name: str
    on_missing: Literal["error", "skip"] = "error"
    max_pixels: int = 178956970
    root: str | None = None
    demo: Mapping[str, Any] | None = None

    def folder(self) -> Path:
        """The collection's folder; the demo is painted if it is not there."""
        if self.demo is not None:
            made: Path = build(self.demo)
            return made
        if self.root is None:
            raise UserError("data.root must be given: data.root=…")
        return Path(self.root)


@dataclass(frozen=True)
class SplitSettings:
    """Which split (`conf/split`), and whether one that had to be made is kept."""

    name: str
    write: bool = False


@dataclass(frozen=True)
class PairsSettings:
    """What is trained on and whose ranks are measured (`conf/pairs`)."""

    name: str = "annotated"
    passes: int = 1
    views: int = 0
    view: Mapping[str, Any] | None = None
    share: float | None = None
    first: int = 0
    queries: Literal["annotated", "simulated"] = "annotated"


@dataclass(frozen=True)
class BatchSettings:
    """What goes through the network together; see `conf/commands/train.yaml`."""

    size: int = 8
    grouped: bool = True
    in_batch_negatives: bool = True
    cross_batch_memory: bool = False
    flip: bool = False
    embed: int = 32


@dataclass(frozen=True)
class InitSettings:
    """What training begins with of another model; see `conf/commands/train.yaml`."""

    model: str | None = None
    network: bool = True
    adaptation: bool = True
    strength: float = 1.0
    trust: str | list[str] | None = None


@dataclass(frozen=True)
class EmbedSettings:
    """What a run embeds at the end beside the drawings of its split."""

    unpaired: bool = True


@dataclass(frozen=True)
class TrainSettings:
    """All settings of a training run, by the names that `conf/commands/train.yaml` has.

    Groups that name a factory stay mappings, for `building.build`. values: everything as plain
    values, which is what `config.yaml` and loggers get.
    """

    study: str
    name: str
    data: DataSettings
    split: SplitSettings
    pairs: PairsSettings
    batch: BatchSettings
    embed: EmbedSettings
    init: InitSettings
    backbone: Mapping[str, Any]
    aug: Mapping[str, Any]
    loss: Mapping[str, Any]
    miner: Mapping[str, Any]
    layout: Mapping[str, Any]
    adapt: Mapping[str, Any]
    rerank: Mapping[str, Any]
    optim: Mapping[str, Any]
    trainer: Mapping[str, Any]
    logger: Mapping[str, Any]
    callbacks: Mapping[str, Any]
    values: Mapping[str, Any]
    seed: int
    image_size: int
    reading: Literal["areas", "thesis"]
    freeze: Literal["auto"] | bool
    freeze_below: int
    monitor: str
    keep: Literal["auto", "best", "last", "on_improvement"]
    val_loss: Literal["plain", "augmented"]
    protocol: Literal["drawsim", "thesis"]
    frames: Literal["none", "crop"] = "none"
    decide: Literal["validation", "none"] = "validation"
    precision: Literal["auto", "bf16"] = "auto"
    adapter: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False
    again: bool = False
    dry_run: bool = False
    image_cache: Path | None = None
    workers: int | None = None

    def learns_from(self, confirmed: int) -> int:
        """How many pairs training may look at, of so many confirmed ones and of simulated ones."""
        return (confirmed if self.pairs.passes else 0) + self.pairs.views

    def too_few(self, confirmed: int) -> bool:
        """Whether so many confirmed training pairs leave the network as it is."""
        return self.freeze == "auto" and self.learns_from(confirmed) < self.freeze_below

    def trains(self, confirmed: int) -> bool:
        """Whether anything is trained with so many confirmed training pairs."""
        head = self.adapt.get("learn") not in (None, "none")
        return self.trainer["max_epochs"] > 0 and (head or not self.too_few(confirmed))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> TrainSettings:
        """From plain values, resolved. Raises UserError that lists what cannot be."""
        check_numbers(values)
        check_choices(values)
        check_init(values.get("init", {}))
        cache = values.get("image_cache")
        parts: dict[str, Any] = {
            "data": filled(DataSettings, values["data"], "data."),
            "split": filled(SplitSettings, values["split"], "split."),
            "pairs": filled(PairsSettings, values["pairs"], "pairs."),
            "batch": filled(BatchSettings, values["batch"], "batch."),
            "init": filled(InitSettings, values.get("init", {}), "init."),
            "embed": filled(EmbedSettings, values.get("embed", {}), "embed."),
            "callbacks": values.get("callbacks") or {},
            "image_cache": Path(cache) if cache else None,
            "values": values,
        }
        return filled(cls, {**values, **parts})


def filled(kind: type[T], values: Mapping[str, Any], prefix: str = "") -> T:
    """A dataclass from the values that have its fields' names, below `prefix` in the settings.

    A number where a text is needed is taken as it is written. Raises UserError for values of other
    types than those of the fields.
    """
    own = {
        one.name: _as_written(values[one.name], one.type)
        for one in fields(kind)  # type: ignore[arg-type]
        if one.name in values
    }
    check_types(kind, own, prefix)
    return kind(**own)


def _as_written(value: Any, hint: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number and str(hint) in ("str", "str | None") else value


def check_numbers(values: Mapping[str, Any]) -> None:
    """Raise UserError for numbers and names that no run can have, and for null where one is needed.

    A study and a run are folders below `out`: their names must not lead elsewhere.
    """
    wrong = [f"{key}=null: give a value" for key in NEEDED if _is_null(values, key)]
    wrong += [
        f"{key}={text}: is the name of one folder; give letters, digits, - and _"
        for key in ("study", "name")
        if (text := values.get(key)) is not None and not is_folder_name(str(text))
    ]
    for key, least in LEAST.items():
        value = _value(values, key)
        if isinstance(value, int | float) and not value >= least:
            wrong.append(f"{key}={value}: must be {least} or more")
    for key, most in MOST.items():
        value = _value(values, key)
        if isinstance(value, int | float) and value > most:
            wrong.append(f"{key}={value}: must be at most {most}")
    parts = _value(values, "layout.parts")
    if parts is not None and not _are_pairs(parts):
        wrong.append(f"layout.parts={parts}: must be pairs of a map and its cells, [[-2, 4], …]")
    decay = _value(values, "optim.layer_decay")
    if isinstance(decay, int | float) and not 0 < decay <= 1:
        wrong.append(f"optim.layer_decay={decay}: must be above 0 and at most 1")
    average = _value(values, "optim.average")
    if average is not None and not (isinstance(average, float) and 0 < average < 1):
        wrong.append(f"optim.average={shown(average)}: must be above 0 and below 1, or null")
    if wrong:
        raise UserError("; ".join(wrong))


def _are_pairs(parts: Any) -> bool:
    """Whether a value is a list of two whole numbers each."""
    return isinstance(parts, list) and all(
        isinstance(pair, list) and [type(number) for number in pair] == [int, int] for pair in parts
    )


def is_folder_name(text: str) -> bool:
    """Whether a text is one part of a path that leads down."""
    return text.strip() not in ("", ".", "..") and not set(text) & set("/\\\0")


def check_choices(values: Mapping[str, Any]) -> None:
    """Raise UserError for words that are not among those that a setting may be."""
    for key, known in CHOICES.items():
        value = _value(values, key)
        if value is not None and value not in known:
            raise UserError(f"{key}={value}: {nearest(str(value), known)}")
    for name, callback in (values.get("callbacks") or {}).items():
        if not isinstance(callback, Mapping):
            raise UserError(f"callbacks.{name}={shown(callback)}: must be settings with a _target_")
    pairs = values["pairs"]
    if pairs["views"] and pairs.get("view") is None:
        raise UserError("pairs.views needs pairs.view: choose pairs=photographs or pairs=drawings")
    if not pairs["views"] and not pairs["passes"]:
        raise UserError("pairs.passes=0 and pairs.views=0: there is nothing to train on")
    check_mixture(pairs)


def check_mixture(pairs: Mapping[str, Any]) -> None:
    """Raise UserError for simulated views before or among confirmed pairs without one of both."""
    first, share = pairs.get("first") or 0, pairs.get("share")
    asked = f"pairs.first={first}" if first else f"pairs.share={shown(share)}"
    if not first and share is None:
        return
    if not pairs["views"] or not pairs["passes"]:
        raise UserError(
            f"{asked}: needs simulated views and confirmed pairs; choose pairs=both, or set "
            "pairs.views and pairs.passes"
        )
    if share is not None and share >= 1:
        raise UserError(f"pairs.share={shown(share)}: must be below 1, pairs have the rest")


def check_init(values: Mapping[str, Any]) -> None:
    """Raise UserError for parts of a model to begin with where none is named, and for no part."""
    if values.get("model") is None:
        defaults = InitSettings()
        for key, value in values.items():
            if value != getattr(defaults, key, value):
                raise UserError(f"init.{key}={shown(value)}: of which run? Name it too: init=RUN")
    elif not (values.get("network", True) or values.get("adaptation", True)):
        raise UserError("init.network=false and init.adaptation=false leave nothing to begin with")


def _is_null(values: Any, key: str) -> bool:
    *above, name = key.split(".")
    group = _value(values, ".".join(above)) if above else values
    return isinstance(group, Mapping) and name in group and group[name] is None


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values
