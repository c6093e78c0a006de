"""Where a model comes from: a run, a checkpoint, an index, or a backbone's name.

An index says in `model.json` what its model is made of: a checkpoint that lies beside it, or a
backbone without training. It is read as data, whoever wrote it: nothing outside of the index's
folder is opened, and nothing fetched, because the file says so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drawsim.common.building import config_folder
from drawsim.common.configuration import backbone_option, option
from drawsim.common.errors import UserError
from drawsim.common.files import atomic, read_json, write_json
from drawsim.common.opening import path_in_file
from drawsim.common.renamed import ways
from drawsim.models.backbones.hub import nothing_fetched
from drawsim.models.loading import (
    RERANK,
    best_checkpoint,
    checked_parts,
    checked_size,
    make_backbone,
    make_reranker,
    model_of_checkpoint,
    run_of,
)
from drawsim.models.model import Model
from drawsim.models.precision import stored_precision
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS
from drawsim.pixels.frames import Frames
from drawsim.pixels.reading import Method, Reading
from drawsim.runs.results import CALIBRATION, results_folder
from drawsim.runs.settings import CONFIG, read_settings

SOURCE = "model.json"
"""What the model of an index is made of, in its folder."""
KEPT = "model"
"""The folder, in that of an index, of a checkpoint and the settings of its run."""
MOST_BYTES = 1 << 16
"""Of `model.json`: it holds some lines."""
OF_A_CHECKPOINT = {"checkpoint"}
OF_A_BACKBONE = {"backbone", "image_size", "reading", "frames", "flip", "crops", "parts"}
"""What `model.json` may say: the one or the other."""
ADDED = {RERANK, "precision"}
"""And how lists are looked at again, and in which numbers, where that is not as the run has it."""
CURE = (
    "give run=DIR, checkpoint=FILE or backbone=NAME (with image_size=PIXELS, unless 224) to look "
    "up image files"
)


@dataclass(frozen=True)
class Untrained:
    """A backbone as it is without training, and how it sees pictures, as `embed` has it.

    name: an option of `backbone`, or several of them, side by side. layout: an option of that
    group. Raises UserError for an unknown name, for one whose options leave something open, and for
    numbers out of bounds.
    """

    name: str | Sequence[str]
    image_size: int = 224
    reading: Method = "areas"
    frames: Frames = "none"
    flip: bool = False
    crops: int = 0
    layout: str = "none"

    def source(self) -> dict[str, Any]:
        """What `model.json` says of it."""
        checked_size(self.image_size, config_folder())
        Reading(self.image_size, self.reading, crops=self.crops, frames=self.frames)
        return {
            "backbone": backbone_option(self.name, self.image_size),
            "image_size": self.image_size,
            "reading": self.reading,
            "frames": self.frames,
            "flip": self.flip,
            "crops": self.crops,
            "parts": option("layout", self.layout)["parts"],
        }


def load_model(
    source: str | Path | Sequence[str], trust: Sequence[str] = (), image_size: int = 224
) -> Model:
    """The model of a run folder, a checkpoint in one, an index, or a backbone by name.

    Several backbones by their names stand side by side.
    trust: modules of the user's own that a run's settings may name. image_size: of a backbone by
    name. Raises UserError, with what is there to choose from, if it is none of these.
    """
    if not isinstance(source, str | Path):
        own = Untrained(source, image_size).source()
        return model_of_source(own, config_folder(), trust)
    path = Path(source)
    if path.is_file():
        return model_of_checkpoint(path, trust)
    if (path / SOURCE).is_file():
        return model_of_index(path, trust)
    if path.is_dir():
        return model_of_checkpoint(best_checkpoint(path), trust)
    return model_of_source(Untrained(str(source), image_size).source(), config_folder(), trust)


def checkpoint_source(run: Path | None, checkpoint: Path | None) -> dict[str, Any] | None:
    """What `model.json` says of the model of a run or a checkpoint; None if neither is given.

    Raises UserError for a checkpoint outside of a run folder.
    """
    file = checkpoint if run is None else best_checkpoint(run)
    if file is None:
        return None
    run_of(file)
    return {"checkpoint": str(file.resolve())}


def save_source(index: Path, source: Mapping[str, Any] | None) -> None:
    """Keep what a model is made of in an index; nothing is known: forget what was kept.

    A checkpoint comes along with the settings of its run and its calibration, if there is one, as
    other names of the same files where the disk can do that.
    """
    (index / SOURCE).unlink(missing_ok=True)
    kept = dict(source or {})
    if "checkpoint" in kept:
        kept["checkpoint"] = _keep(Path(str(kept["checkpoint"])), index / KEPT)
    else:
        shutil.rmtree(index / KEPT, ignore_errors=True)
    if source is not None:
        write_json(index / SOURCE, kept)


def load_source(index: Path) -> dict[str, Any]:
    """What `save_source` kept, a checkpoint by its whole path.

    Raises UserError if there is nothing, if it is damaged, and if its checkpoint is outside of the
    index.
    """
    file = index / SOURCE
    if not file.is_file():
        raise UserError(f"{index}: does not say how its model is made; {CURE}")
    try:
        found = read_json(file, MOST_BYTES)
    except UserError as error:
        raise UserError(f"{error}; {CURE}") from error
    if "checkpoint" in found:
        try:
            checkpoint = index / path_in_file(found["checkpoint"])
        except ValueError as error:
            raise UserError(f"{file}: checkpoint is {error}; {CURE}") from error
        if not checkpoint.resolve().is_relative_to(index.resolve()):
            raise UserError(
                f"{file}: names a checkpoint outside of the index, {checkpoint}, which is not "
                f"opened; build the index again, or {CURE}"
            )
        found["checkpoint"] = str(checkpoint)
    return found


def model_of_index(index: Path, trust: Sequence[str] = ()) -> Model:
    """The model that an index says it was made with; nothing is fetched for it.

    Raises UserError as `load_source` and `model_of_source` do.
    """
    file, source = index / SOURCE, load_source(index)
    if isinstance(settings := source.get("backbone"), Mapping):
        _check_weights(settings, file)
    with nothing_fetched():
        return model_of_source(source, file, trust)


def model_of_source(source: Mapping[str, Any], file: Path, trust: Sequence[str] = ()) -> Model:
    """The model of what `model.json` says: `checkpoint`, or `backbone` settings and how it reads.

    file: where it was read, for messages. Raises UserError where it says anything else, where the
    checkpoint is gone or is none, and where the backbone cannot be built.
    """
    keys = OF_A_CHECKPOINT if "checkpoint" in source else OF_A_BACKBONE
    if strange := sorted(set(source) - keys - ADDED):
        raise UserError(
            f"{file}: says {strange[0]!r}, which is not read; it holds "
            f"{' or '.join([*OF_A_CHECKPOINT, ', '.join(sorted(OF_A_BACKBONE))])}"
        )
    if "checkpoint" in source:
        model = model_of_checkpoint(Path(str(source["checkpoint"])), trust)
        if (own := source.get(RERANK)) is not None:
            model = replace(model, rerank=make_reranker(own, file, trust))
        if (precision := source.get("precision")) is not None:
            model = replace(model, precision=stored_precision(precision, file))
        return model
    if not isinstance(source.get("backbone"), Mapping):
        raise UserError(f"{file}: does not say how its model is made; build the index again")
    size = checked_size(source.get("image_size"), file)
    crops = source.get("crops", 0)
    if type(crops) is not int:
        raise UserError(f"{file}: crops={crops!r}: a whole number")
    parts = checked_parts(source, file)
    backbone = make_backbone(source["backbone"], size, parts, file, trust)
    frames = source.get("frames", "none")
    reading = Reading(size, source.get("reading", "areas"), DEFAULT_MAX_PIXELS, crops, frames)
    again = make_reranker(source.get(RERANK), file, trust)
    precision = stored_precision(source.get("precision"), file)
    flip = bool(source.get("flip"))
    return Model(backbone.eval(), reading, flip, rerank=again, precision=precision)


def asks_for_rerank(source: Mapping[str, Any], trust: Sequence[str] = ()) -> bool:
    """Whether the model of a source looks at lists again; a run that is gone does not."""
    settings = source.get(RERANK)
    checkpoint = Path(str(source.get("checkpoint", "")))
    if settings is None and checkpoint.is_file():
        settings = read_settings(run_of(checkpoint), trust).get(RERANK)
    return isinstance(settings, Mapping) and bool(ways(settings))


def _keep(checkpoint: Path, folder: Path) -> str:
    """Keep a checkpoint and what its run says in a folder of an index; its path from there."""
    run = run_of(checkpoint)
    kept = {CONFIG: run / CONFIG, f"checkpoints/{checkpoint.name}": checkpoint.resolve()}
    (folder / CALIBRATION).unlink(missing_ok=True)
    if (calibration := results_folder(run) / CALIBRATION).is_file():
        kept[CALIBRATION] = calibration
    for name, file in kept.items():
        place = folder / name
        with atomic(place) as temporary:
            with contextlib.suppress(OSError):  # another disk, or one that has no such names
                os.link(file, temporary)
            if not temporary.exists():
                shutil.copyfile(file, temporary)
    return f"{folder.name}/checkpoints/{checkpoint.name}"


def _check_weights(settings: Mapping[str, Any], file: Path) -> None:
    """Raise UserError if an index names a file of weights that its backbone's option does not."""
    if settings.get("weights") is not None:
        raise UserError(
            f"{file}: names a file of weights, {settings['weights']!r}, which is not opened; {CURE}"
        )
    if isinstance(members := settings.get("networks"), Mapping):
        for each in members.values():
            if isinstance(each, Mapping):
                _check_weights(each, file)
    if "substitute" in settings:
        shipped = option("backbone", str(settings.get("name")), image_size=1)
        if settings["substitute"] != shipped.get("substitute"):
            raise UserError(
                f"{file}: names a file of weights, {settings['substitute']!r}, which is not "
                f"opened; {CURE}"
            )
