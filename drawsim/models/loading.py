"""Taking a model up from a run: what its `config.yaml` says, with the weights of a checkpoint.

It is read as data: names of known factories and plain values, whoever wrote them. Of its weights
the checkpoint alone is opened, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from drawsim.common.building import TARGET, build_stored, check_stored, config_folder
from drawsim.common.configuration import option
from drawsim.common.errors import UserError, nearest
from drawsim.common.renamed import ways
from drawsim.common.typed import shown
from drawsim.models.adaptation import Adaptation
from drawsim.models.adapters import Lora
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.model import Model
from drawsim.models.precision import stored_precision
from drawsim.models.weights import check_finite, named_tensors, read_content
from drawsim.pixels.frames import Frames
from drawsim.pixels.reading import Method, Reading
from drawsim.retrieval.reranking.base import Reranker
from drawsim.retrieval.reranking.chain import Chain, chain_of
from drawsim.runs.settings import read_settings
from drawsim.runs.stages import ADAPTED, LAYOUT

T = TypeVar("T")
Rerank = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]
"""A way of re-ranking by name, or a mapping with its `name` and what differs, or several."""
BEST = Path("checkpoints", "best.ckpt")
"""The selected weights, in a run folder."""
LARGEST = 4096
"""Pixels of a side that a file may ask for."""
NOT_OF_ADAPTATION = ("name", "unlabelled")
"""Settings of the group `adapt` that are not of the adaptation itself."""
LEFT_OUT = "left_out"
"""Key of a checkpoint: the stages that its run decided to rank without."""
ADAPTER = "adapter"
"""The group of settings of what was trained beside the weights of a network."""
RERANK = "rerank"
"""The group of settings, and key of a run or an index, that says how lists are looked at again."""


def best_checkpoint(run: Path) -> Path:
    """The selected weights of a run. Raises UserError if there are none."""
    if not (run / BEST).is_file():
        raise UserError(f"run={run}: no {BEST.as_posix()} in it. Give run=runs/STUDY/NAME")
    if not (run / BEST).resolve().is_relative_to(run.resolve()):
        raise UserError(f"run={run}: its {BEST.as_posix()} is a link to elsewhere, not opened")
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
        size, parts = (
            checked_size(settings["image_size"], file),
            checked_parts(settings.get("layout"), file),
        )
        flip = bool(settings["batch"].get("flip"))
        exact = bool(settings["aug"].get("exact"))  # runs of before say in aug how they read
        method: Method = settings.get("reading") or ("thesis" if exact else "areas")
        frames: Frames = settings.get("frames") or "none"
        most = checked_pixels(settings["data"]["max_pixels"], file)
        reading = Reading(size, method, most, frames=frames)
        backbone_settings = _with_weights(settings["backbone"], checkpoint)
        adapt = {
            key: value
            for key, value in (settings.get("adapt") or {}).items()
            if key not in NOT_OF_ADAPTATION
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{file}: not the settings of a run ({error!r})") from error
    left_out = stages_left_out(checkpoint)
    parts = None if LAYOUT in left_out else parts
    backbone = make_backbone(backbone_settings, size, parts, file, trust)
    adaptation = None
    if adapt.get("_target_") and ADAPTED not in left_out:
        sizes = {"dimensions": backbone.dimensions, "parts": backbone.channels}
        adaptation = _made(Adaptation, adapt, "adapt", file, trust, **sizes)
    own: dict[str, nn.Module] = {"backbone": backbone}
    if adaptation is not None:
        own["adaptation"] = adaptation
    adapter = make_adapter(settings.get(ADAPTER), file, trust)
    load_checkpoint(nn.ModuleDict(own), checkpoint, adapter)
    again = make_reranker(settings.get(RERANK), file, trust)
    precision = stored_precision(settings.get("precision"), file)
    adapted = adaptation and adaptation.eval()
    whole = Model(backbone.eval(), reading, flip, adapted, again, precision)
    return whole.without(left_out)


def stages_left_out(checkpoint: Path) -> list[str]:
    """The stages that a checkpoint's run decided to rank without: names, nothing else.

    Raises UserError where they are anything else.
    """
    content = read_content(checkpoint)
    found = content.get(LEFT_OUT) or [] if isinstance(content, Mapping) else []
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise UserError(f"{checkpoint}: {LEFT_OUT} must be names of stages, and is no such thing")
    return found


def load_checkpoint(module: nn.Module, checkpoint: Path, adapter: Lora | None = None) -> None:
    """Load a checkpoint of a run into the module that its settings make: tensors, nothing else.

    adapter: what the run trained beside the network's weights, which takes it up. Raises UserError
    if it cannot be read, is of another network, or holds weights that are no numbers.
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
        module.load_state_dict(tensors if adapter is None else adapter.folded(tensors))
    except (RuntimeError, ValueError) as error:
        raise UserError(wrong) from error
    check_finite(module, checkpoint)


def rerank_settings(choice: Rerank) -> dict[str, dict[str, Any]]:
    """The settings of ways of re-ranking by their names, in order; empty for none.

    Raises UserError for an unknown name or setting, and for a way that comes twice.
    """
    found: dict[str, dict[str, Any]] = {}
    for way in [choice] if isinstance(choice, str | Mapping) else choice:
        changes = dict(way) if isinstance(way, Mapping) else {"name": way}
        name = str(changes.pop("name", ""))
        known = option(RERANK, name)
        for key in changes:
            if key not in known or key.startswith("_"):
                raise UserError(f"rerank.{key}: {name} has no such setting, {nearest(key, known)}")
        if name in found:
            raise UserError(f"rerank={shown(choice)}: {name} comes twice; name it once")
        if known:
            found[name] = {**known, **changes}
    return found


def with_rerank(model: Model, choice: Rerank | None) -> Model:
    """A model that looks at lists again as chosen; None: as it does by itself."""
    if choice is None:
        return model
    return replace(model, rerank=make_reranker(rerank_settings(choice), config_folder(), ()))


def make_reranker(settings: object, file: Path, trust: Sequence[str]) -> Chain | None:
    """The ways of re-ranking that settings in a file name, in order; None if they name none.

    Raises UserError for what are no settings of such.
    """
    if settings is not None and not isinstance(settings, Mapping):
        raise UserError(f"{file}: rerank must be settings, key: value, and is no such thing")
    links, seen = [], set()
    for name, own in ways(settings or {}).items():
        if not isinstance(own, Mapping) or TARGET not in own:
            raise UserError(f"{file}: rerank.{name} must be settings of a way of re-ranking")
        factory = check_stored(own, RERANK, file, trust)[TARGET]
        if factory in seen:
            raise UserError(f"{file}: rerank.{name} comes twice; name each way once")
        seen.add(factory)
        made = _built(dict(own), RERANK, file, trust)
        if not isinstance(made, Reranker):
            raise UserError(f"{file}: rerank makes a {type(made).__name__}, no way of re-ranking")
        links.append(made)
    return chain_of(links)


def make_adapter(settings: object, file: Path, trust: Sequence[str]) -> Lora | None:
    """The adapter that settings in a file name; None if they name none."""
    if settings is not None and not isinstance(settings, Mapping):
        raise UserError(f"{file}: {ADAPTER} must be settings, key: value, and is no such thing")
    if not settings or settings.get("name") == "none":
        return None
    return _made(Lora, settings, ADAPTER, file, trust)


def make_backbone(
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
    if TARGET not in settings:
        raise UserError(f"{file}: {group} names no factory in {TARGET}")
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


def checked_size(value: object, file: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST:
        raise UserError(f"{file}: image_size={value!r}: from 1 to {LARGEST}")
    return value


def checked_pixels(value: Any, file: Path) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = 0
    if number < 1:
        raise UserError(f"{file}: data.max_pixels={value!r}: a whole number from 1 on")
    return number


def checked_parts(layout: Any, file: Path) -> list[list[int]] | None:
    parts = layout.get("parts") if isinstance(layout, Mapping) else layout
    if parts is None:
        return None
    if not isinstance(parts, list) or not all(
        isinstance(part, list) and len(part) == 2 and all(type(each) is int for each in part)
        for part in parts
    ):
        raise UserError(f"{file}: layout.parts={parts!r}: pairs of whole numbers")
    return [list(part) for part in parts]


def _with_weights(settings: Mapping[str, Any], checkpoint: Path) -> dict[str, Any]:
    """Settings of the same network that open no other file: the checkpoint's weights follow.

    Of a Replica network the file of weights tells the architecture, as the checkpoint does too.
    """
    free = {"pretrained": False, "weights": None}
    own = {**settings, **{key: value for key, value in free.items() if key in settings}}
    if isinstance(members := settings.get("networks"), Mapping):
        own["networks"] = {
            name: _with_weights({**each, "name": name}, checkpoint)
            for name, each in members.items()
        }
    return {**own, "weights": str(checkpoint)} if "substitute" in settings else own
