"""Taking a model up: from a run, a checkpoint, an index or a backbone's name.

A run says in `config.yaml`, an index in `model.json`, what its model is made of. Both are read as
data: names of known factories and plain values, whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf
from torch import nn

from drawsim.common.building import build_stored, config_folder
from drawsim.common.errors import UserError, nearest
from drawsim.common.files import read_json, write_json
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.model import Model
from drawsim.models.weights import named_tensors, read_content
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS
from drawsim.pixels.reading import Method, Reading
from drawsim.retrieval.reranking.base import Reranker
from drawsim.runs.settings import read_settings

T = TypeVar("T")
BEST = Path("checkpoints", "best.ckpt")
"""The selected weights, in a run folder."""
SOURCE = "model.json"
"""What the model of an index is made of, in its folder."""
MOST_BYTES = 1 << 16
"""Of `model.json`: it holds some lines."""
LARGEST = 4096
"""Pixels of a side that a file may ask for."""
NOT_OF_ADAPTATION = ("name", "unlabelled")
"""Settings of the group `adapt` that are not of the adaptation itself."""
OF_A_CHECKPOINT, OF_A_BACKBONE = {"checkpoint"}, {"backbone", "image_size", "reading"}
RERANK = "rerank"
"""What `model.json` may say: the one or the other, and how lists are looked at again."""


def load_model(source: str | Path, trust: Sequence[str] = (), image_size: int = 224) -> Model:
    """The model of a run folder, a checkpoint in one, an index, or a backbone by name.

    trust: modules of the user's own that a run's settings may name. image_size: of a backbone by
    name. Raises UserError, with what is there to choose from, if it is none of these.
    """
    path = Path(source)
    if path.is_file():
        return model_of_checkpoint(path, trust)
    if (path / SOURCE).is_file():
        return model_of_source(load_source(path), path / SOURCE, trust)
    if path.is_dir():
        return model_of_checkpoint(best_checkpoint(path), trust)
    return model_of_source(backbone_source(str(source), image_size), config_folder(), trust)


def best_checkpoint(run: Path) -> Path:
    """The selected weights of a run. Raises UserError if there are none."""
    if not (run / BEST).is_file():
        raise UserError(f"run={run}: no {BEST.as_posix()} in it. Give run=runs/STUDY/NAME")
    return run / BEST


def run_of(checkpoint: Path) -> Path:
    """The run folder of a checkpoint. Raises UserError if the file is not there, or not in one."""
    run = checkpoint.resolve().parents[1]
    if not checkpoint.is_file() or not (run / "config.yaml").is_file():
        raise UserError(
            f"checkpoint={checkpoint}: no checkpoint of a run. Give one that lies in its run "
            "folder, e.g. runs/STUDY/NAME/checkpoints/last.ckpt"
        )
    return run


def model_of_checkpoint(checkpoint: Path, trust: Sequence[str] = ()) -> Model:
    """The model as the run of a checkpoint made it, with these weights, in evaluation mode.

    Raises UserError if it is not in a run folder, if what the run says is not what drawsim builds,
    and if the weights are of another network.
    """
    run = run_of(checkpoint)
    file = run / "config.yaml"
    settings = read_settings(run, trust)
    try:
        size, parts = _size(settings["image_size"], file), _parts(settings.get("layout"), file)
        flip = bool(settings["batch"].get("flip"))
        exact = bool(settings["aug"].get("exact"))  # runs of before say in aug how they read
        method: Method = settings.get("reading") or ("thesis" if exact else "areas")
        reading = Reading(size, method, int(settings["data"]["max_pixels"]))
        backbone_settings = _with_any_weights(settings["backbone"])
        adapt = {
            key: value
            for key, value in (settings.get("adapt") or {}).items()
            if key not in NOT_OF_ADAPTATION
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{file}: not the settings of a run ({error!r})") from error
    backbone = _backbone(backbone_settings, size, parts, file, trust)
    adaptation = None
    if adapt.get("_target_"):
        adaptation = _made(Adaptation, adapt, "adapt", file, trust, dimensions=backbone.dimensions)
    own: dict[str, nn.Module] = {"backbone": backbone}
    if adaptation is not None:
        own["adaptation"] = adaptation
    load_checkpoint(nn.ModuleDict(own), checkpoint)
    again = _reranker(settings.get(RERANK), file, trust)
    return Model(backbone.eval(), reading, flip, adaptation and adaptation.eval(), again)


def load_checkpoint(module: nn.Module, checkpoint: Path) -> None:
    """Load a checkpoint of a run into the module that its settings make: tensors, nothing else.

    Raises UserError if it cannot be read, or is of another network.
    """
    content = read_content(checkpoint)
    tensors = named_tensors(content, checkpoint)
    wrong = f"{checkpoint}: not of the network that its run's config.yaml names"
    said = content.get("backbone")
    own: Any = module["backbone"] if isinstance(module, nn.ModuleDict) else module
    if isinstance(said, Mapping) and isinstance(own, Backbone):
        known = own.identity()
        if any(said.get(key) != known[key] for key in ("model", "levels")):
            raise UserError(
                f"{wrong}: it says {said.get('model')!r} and levels {said.get('levels')}"
            )
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise UserError(wrong) from error


def backbone_source(name: str, image_size: int, reading: Method = "areas") -> dict[str, Any]:
    """What `model.json` says of a backbone of drawsim's own, as it is without training.

    Raises UserError for an unknown name, and for one whose options leave something open.
    """
    options = config_folder() / "backbone"
    file = options / f"{name}.yaml"
    if Path(name).name != name or not file.is_file():
        names = [path.stem for path in options.glob("*.yaml")]
        raise UserError(f"backbone={name}: {nearest(name, names)}")
    chosen: Any = OmegaConf.load(file)
    missing = [key for key in chosen.keys() if OmegaConf.is_missing(chosen, key)]  # noqa: SIM118
    if missing:
        raise UserError(f"backbone={name}: leaves backbone.{missing[0]} open; give run=DIR")
    settings: Any = OmegaConf.create({"image_size": image_size, "backbone": chosen})
    made: Any = OmegaConf.to_container(settings.backbone, resolve=True)
    return {"backbone": made, "image_size": image_size, "reading": reading}


def model_source(
    run: str | None,
    checkpoint: str | None,
    backbone: str | None,
    image_size: int,
    reading: Method = "areas",
) -> dict[str, Any] | None:
    """What `model.json` says of the model that settings name: one of them, or none.

    Raises UserError for several, for a checkpoint outside a run folder, and as `backbone_source`.
    """
    choices = {"run": run, "checkpoint": checkpoint, "backbone": backbone}
    given = [key for key, value in choices.items() if value]
    if len(given) > 1:
        raise UserError(f"{' and '.join(given)}: give one of them")
    if run or checkpoint:
        file = best_checkpoint(Path(run)) if run else Path(str(checkpoint))
        run_of(file)
        return {"checkpoint": str(file.resolve())}
    return backbone_source(backbone, image_size, reading) if backbone else None


def save_source(index: Path, source: Mapping[str, Any] | None) -> None:
    """Keep what a model is made of beside an index; nothing is known: forget what was kept."""
    if source is None:
        (index / SOURCE).unlink(missing_ok=True)
    else:
        write_json(index / SOURCE, dict(source))


def load_source(index: Path) -> dict[str, Any]:
    """What `save_source` kept. Raises UserError if there is nothing, or it is damaged."""
    file = index / SOURCE
    cure = "give run=DIR, checkpoint=FILE or backbone=NAME to look up image files"
    if not file.is_file():
        raise UserError(f"{index}: does not say how its model is made; {cure}")
    try:
        return read_json(file, MOST_BYTES)
    except UserError as error:
        raise UserError(f"{error}; {cure}") from error


def model_of_source(source: Mapping[str, Any], file: Path, trust: Sequence[str] = ()) -> Model:
    """The model of what `model.json` says: `checkpoint`, or `backbone` settings and how it reads.

    file: where it was read, for messages. Raises UserError where it says anything else, where the
    checkpoint is gone or is none, and where the backbone cannot be built.
    """
    keys = OF_A_CHECKPOINT if "checkpoint" in source else OF_A_BACKBONE
    if strange := sorted(set(source) - keys - {RERANK}):
        raise UserError(
            f"{file}: says {strange[0]!r}, which is not read; it holds "
            f"{' or '.join([*OF_A_CHECKPOINT, ', '.join(sorted(OF_A_BACKBONE))])}"
        )
    if "checkpoint" in source:
        model = model_of_checkpoint(Path(str(source["checkpoint"])), trust)
        own = source.get(RERANK)
        return model if own is None else replace(model, rerank=_reranker(own, file, trust))
    if not isinstance(source.get("backbone"), Mapping):
        raise UserError(f"{file}: does not say how its model is made; build the index again")
    size = _size(source.get("image_size"), file)
    backbone = _backbone(source["backbone"], size, None, file, trust)
    reading = Reading(size, source.get("reading", "areas"), DEFAULT_MAX_PIXELS)
    return Model(backbone.eval(), reading, rerank=_reranker(source.get(RERANK), file, trust))


def rerank_settings(choice: str | Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a way of re-ranking: of a name, or a mapping with a `name` and what differs.

    Raises UserError for an unknown name or setting.
    """
    changes = {"name": choice} if isinstance(choice, str) else dict(choice)
    options = {path.stem: path for path in (config_folder() / RERANK).glob("*.yaml")}
    name = str(changes.pop("name", ""))
    if name not in options:
        raise UserError(f"rerank={name}: {nearest(name, options)}")
    known: Any = OmegaConf.to_container(OmegaConf.load(options[name]))
    for key in changes:
        if key not in known or key.startswith("_"):
            raise UserError(f"rerank.{key}: {name} has no such setting, {nearest(key, known)}")
    return {**known, **changes}


def with_rerank(model: Model, choice: str | Mapping[str, Any] | None) -> Model:
    """A model that looks at lists again as chosen; None: as it does by itself."""
    if choice is None:
        return model
    return replace(model, rerank=_reranker(rerank_settings(choice), config_folder(), ()))


def asks_for_rerank(source: Mapping[str, Any], trust: Sequence[str] = ()) -> bool:
    """Whether the model of a source looks at lists again; a run that is gone does not."""
    settings = source.get(RERANK)
    checkpoint = Path(str(source.get("checkpoint", "")))
    if settings is None and checkpoint.is_file():
        settings = read_settings(run_of(checkpoint), trust).get(RERANK)
    return isinstance(settings, Mapping) and settings.get("_target_") is not None


def _reranker(
    settings: Mapping[str, Any] | None, file: Path, trust: Sequence[str]
) -> Reranker | None:
    """The way of re-ranking that settings in a file name; None if they name none."""
    if not settings or settings.get("_target_") is None:
        return None
    made = _built(dict(settings), RERANK, file, trust)
    if not isinstance(made, Reranker):
        raise UserError(f"{file}: rerank makes a {type(made).__name__}, no way of re-ranking")
    return made


def _backbone(
    settings: Mapping[str, Any],
    image_size: int,
    parts: Sequence[Sequence[int]] | None,
    file: Path,
    trust: Sequence[str],
) -> Backbone:
    """The network that settings in a file name. parts: of its layout, if any."""
    name = str(settings.get("name"))
    backbone = _made(Backbone, settings, "backbone", file, trust, name=name)
    if parts:
        backbone.read_layout(parts, image_size)
    return backbone


def _made(
    kind: type[T],
    settings: Mapping[str, Any],
    group: str,
    file: Path,
    trust: Sequence[str],
    **values: Any,
) -> T:
    """What settings in a file name, if it is of this kind. Raises UserError, else."""
    made = _built(settings, group, file, trust, **values)
    if not isinstance(made, kind):
        raise UserError(f"{file}: {group} makes a {type(made).__name__}, no {kind.__name__}")
    return made


def _built(
    settings: Mapping[str, Any], group: str, file: Path, trust: Sequence[str], **values: Any
) -> Any:
    """What settings in a file name. Raises UserError, for values of wrong types too."""
    try:
        return build_stored(settings, group, file, trust, **values)
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        what = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{file}: {group} cannot be built as it says: {what}") from error


def _size(value: object, file: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST:
        raise UserError(f"{file}: image_size={value!r}: from 1 to {LARGEST}")
    return value


def _parts(layout: Any, file: Path) -> list[list[int]] | None:
    parts = (layout or {}).get("parts")
    if parts is None:
        return None
    if not all(
        isinstance(part, list) and len(part) == 2 and all(type(each) is int for each in part)
        for part in parts
    ):
        raise UserError(f"{file}: layout.parts={parts!r}: pairs of whole numbers")
    return [list(part) for part in parts]


def _with_any_weights(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the same network with what weights there are: those of the checkpoint follow."""
    if "substitute" in settings:  # a Replica network, which a file tells the architecture of
        return dict(settings)
    free = {"pretrained": False, "weights": None}
    return {**settings, **{key: value for key, value in free.items() if key in settings}}
