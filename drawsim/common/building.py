"""Objects built from plain settings, through a table of what may be built.

Settings name a factory in `_target_`. On a user's own command line that may be any importable name.
What a file says that somebody else may have written (a run, an index, a checkpoint) is data: only
the factories that the options of drawsim's own `conf/` name are built, each in its own group, and
nothing in such a file is ever resolved, imported or called to find out.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from drawsim.common.errors import UserError
from drawsim.common.typed import mistyped, shown

TARGET, PARTIAL, LABEL = "_target_", "_partial_", "name"
MOST_VALUES = 20_000
"""Values in one group of a file's settings, at most: more is an attempt to fill memory."""
DEEPEST = 16
"""Levels of settings in a file, at most; drawsim's own have four."""
OPTIMIZERS = frozenset(
    f"torch.optim.{name}"
    for name in (
        *("ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"),
        *("RMSprop", "Rprop", "SGD"),
    )
)
"""Optimisers that a run may name besides those that have an option."""
TRANSFORMS = frozenset(
    f"albumentations.{name}"
    for name in (
        *("AdditiveNoise", "AdvancedBlur", "Affine", "AutoContrast", "Blur", "CLAHE"),
        *("CenterCrop", "ChannelDropout", "ChannelShuffle", "ChromaticAberration"),
        *("CoarseDropout", "ColorJitter", "Crop", "CropAndPad", "D4", "Defocus", "Downscale"),
        *("ElasticTransform", "Emboss", "Equalize", "Erasing", "FancyPCA", "GaussNoise"),
        *("GaussianBlur", "GlassBlur", "GridDistortion", "GridDropout", "GridElasticDeform"),
        *("HorizontalFlip", "HueSaturationValue", "ISONoise", "Illumination"),
        *("ImageCompression", "InvertImg", "LongestMaxSize", "MedianBlur", "Morphological"),
        *("MotionBlur", "MultiplicativeNoise", "NoOp", "OneOf", "OneOrOther"),
        *("OpticalDistortion", "Pad", "PadIfNeeded", "Perspective", "PiecewiseAffine"),
        *("PixelDropout", "PlanckianJitter", "PlasmaBrightnessContrast", "PlasmaShadow"),
        *("Posterize", "RGBShift", "RandomBrightnessContrast", "RandomCrop"),
        *("RandomCropFromBorders", "RandomFog", "RandomGamma", "RandomGravel"),
        *("RandomGridShuffle", "RandomOrder", "RandomRain", "RandomResizedCrop"),
        *("RandomRotate90", "RandomScale", "RandomShadow", "RandomSizedCrop", "RandomSnow"),
        *("RandomSunFlare", "RandomToneCurve", "Resize", "RingingOvershoot", "Rotate"),
        *("SafeRotate", "SaltAndPepper", "Sequential", "Sharpen", "ShiftScaleRotate"),
        *("ShotNoise", "SmallestMaxSize", "Solarize", "SomeOf", "Spatter", "SquareSymmetry"),
        *("Superpixels", "ThinPlateSpline", "ToGray", "ToSepia", "Transpose", "UnsharpMask"),
        *("VerticalFlip", "XYMasking", "ZoomBlur"),
    )
) | {"drawsim.pixels.transforms.StyleEffect"}
"""Transforms that a run may name inside of `aug`: those that look at nothing but the image."""
SIDE_BY_SIDE = ("backbone", "drawsim.models.backbones.several.Several")
"""The group of which several can be chosen, and the factory that holds them."""
NETWORKS, FEWEST_NETWORKS, MOST_NETWORKS = "networks", 2, 8
"""The argument in which it holds them, by name, and how many: what a file asks for is bounded."""
_OF_NETWORKS = f"{SIDE_BY_SIDE[1]}.{NETWORKS}"
_TARGET_LINE = re.compile(rf"^\s*{TARGET}:\s*(\S+)\s*$", re.MULTILINE)


def config_folder() -> Path:
    """The folder `conf`: inside an installed package, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


@functools.cache
def factories(group: str) -> frozenset[str]:
    """The factories that a file may name in a group such as `loss`: those of its shipped options.

    Empty for what is no group.
    """
    found = {
        target
        for file in config_folder().rglob("*.yaml")
        if file.parent.name == group
        for target in _TARGET_LINE.findall(file.read_text(encoding="utf-8"))
    }
    return frozenset(found | OPTIMIZERS if group == "optim" else found)


def build(settings: Mapping[str, Any], **values: Any) -> Any:
    """The object that settings of the user's own command line name; `name` is only a label.

    values: further arguments, which win over the settings. With `_partial_: true` it is the factory
    with these arguments. Nested settings with a `_target_` are built first. Raises UserError for a
    factory that cannot be imported, for parameters that it does not take, for missing ones, and for
    values of other types than it is annotated with.
    """
    own = {key: value for key, value in settings.items() if key != LABEL}
    return _built(own, values)


def build_stored(
    settings: Mapping[str, Any], group: str, source: Path, trust: Sequence[str] = (), **values: Any
) -> Any:
    """The object that settings in a file name, if its factory is one of the group's.

    source: the file, for the message. trust: modules of the user's own that he says may be used.
    Raises UserError, with nothing imported or called, as `check_stored` does; then as `build` does.
    """
    checked = check_stored(settings, group, source, trust)
    try:
        return build(checked, **values)
    except UserError as error:
        raise UserError(f"{source}: {group}: {error}") from error


def check_stored(settings: Any, group: str, source: Path, trust: Sequence[str] = ()) -> Any:
    """Settings of a group, from a file, with the names that factories have today.

    Raises UserError if they are more than names of allowed factories and plain values. Refused are
    factories that are not in the group's table, factories inside the arguments of others, keys with
    which Hydra would do more than build (`_args_`, `_recursive_`, ...), interpolations, objects.
    """
    return _Checked(group, source, trust).value(settings, group, 0)


def own_modules(settings: Mapping[str, Any]) -> list[str]:
    """Modules of the user's own in a run's settings: whoever opens the run has to trust them."""
    foreign = {
        target.split(".", 1)[0]
        for group, value in settings.items()
        for target in _targets(value)
        if target not in factories(group) | _within(group, "")
    }
    return sorted(foreign)


def _within(group: str, owner: str) -> frozenset[str]:
    """The factories that a file may name among the arguments of another.

    owner: that other, or the one argument of it that may hold any. Networks stand side by side in
    one, which holds no other of its kind.
    """
    if (group, owner) == (SIDE_BY_SIDE[0], _OF_NETWORKS):
        return factories(group) - {SIDE_BY_SIDE[1]}
    return TRANSFORMS if group == "aug" else frozenset()


def check_types(factory: Any, settings: Mapping[str, Any], prefix: str = "") -> None:
    """Raise UserError for settings of other types than the factory's parameters are annotated with.

    prefix: of the settings' names, for the message; else it names the factory.
    """
    types = _annotations(factory)
    of = "" if prefix else f" ({getattr(factory, '__qualname__', factory)})"
    wrong = [
        f"{prefix}{name}={shown(value)}: {said}{of}"
        for name, value in settings.items()
        if (said := mistyped(value, types.get(name, Any)))
    ]
    if wrong:
        raise UserError("; ".join(wrong))


def _annotations(factory: Any) -> dict[str, Any]:
    """The types of a factory's parameters, as far as they are told at run time."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # of C
        return {}
    found = {}
    for name, parameter in parameters.items():
        hint = parameter.annotation
        for owner in getattr(factory, "__mro__", (factory,)):  # a base may be of another module
            names = vars(sys.modules[owner.__module__])
            with contextlib.suppress(NameError, AttributeError, TypeError):
                found[name] = eval(hint, names) if isinstance(hint, str) else hint
                break
        if found.get(name) is inspect.Parameter.empty:
            del found[name]
    return found


def locate(target: str) -> Any:
    """The object of a dotted name. Raises UserError where there is none."""
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UserError(
            f"{TARGET}={target}: there is no such factory ({error}); check the name, and that its "
            "module can be imported (python -m drawsim.… also looks in the current folder)"
        ) from error


class _Checked:
    """One reading of settings that a stranger may have written."""

    def __init__(self, group: str, source: Path, trust: Sequence[str]) -> None:
        self.group = group
        self.source = source
        self.trust = trust
        self.left = MOST_VALUES

    def value(self, value: Any, place: str, depth: int, owner: str | None = None) -> Any:
        """A value with all that is in it. owner: the factory among whose arguments it is."""
        self.left -= 1
        if self.left < 0:
            raise UserError(f"{self.source}: {self.group} has more than {MOST_VALUES} values")
        if depth > DEEPEST:
            raise UserError(f"{self.source}: {self.group} is more than {DEEPEST} levels deep")
        if isinstance(value, Mapping):
            return self._mapping(value, place, depth, owner)
        if isinstance(value, list | tuple):
            return [
                self.value(one, f"{place}[{number}]", depth + 1, owner)
                for number, one in enumerate(value)
            ]
        if isinstance(value, str) and "${" in value:
            raise UserError(
                f"{self.source}: {place}={value} refers to something else; files are read as plain "
                "values, write the value itself"
            )
        if value is None or isinstance(value, str | bool | int | float):
            return value
        raise UserError(f"{self.source}: {place} is a {type(value).__name__}, not a plain value")

    def _mapping(
        self, settings: Mapping[Any, Any], place: str, depth: int, owner: str | None
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        own = owner
        if TARGET in settings:
            own = found[TARGET] = self._factory(settings[TARGET], place, owner)
        for key, value in settings.items():
            self._check_key(key, value, place)
            if key == TARGET:
                continue
            inside = f"{place}.{key}"
            if (self.group, own, key) == (*SIDE_BY_SIDE, NETWORKS) and owner is None:
                self._check_networks(value, inside)
                found[key] = self.value(value, inside, depth + 1, _OF_NETWORKS)
            else:
                found[key] = self.value(value, inside, depth + 1, own)
        return found

    def _check_networks(self, networks: Any, place: str) -> None:
        """Raise UserError unless they are settings of networks by name, not too many."""
        if not isinstance(networks, Mapping) or not all(
            isinstance(one, Mapping) and TARGET in one for one in networks.values()
        ):
            raise UserError(f"{self.source}: {place} must be settings of networks by their names")
        if not FEWEST_NETWORKS <= len(networks) <= MOST_NETWORKS:
            raise UserError(
                f"{self.source}: {place} has {len(networks)} networks; {FEWEST_NETWORKS} to "
                f"{MOST_NETWORKS} stand side by side"
            )

    def _check_key(self, key: Any, value: Any, place: str) -> None:
        if not isinstance(key, str) or "${" in key:
            raise UserError(f"{self.source}: {place} has the key {key!r}, which is no name")
        if key == PARTIAL and not isinstance(value, bool):
            raise UserError(f"{self.source}: {place}.{PARTIAL} must be true or false")
        if key.startswith("_") and key not in (TARGET, PARTIAL):
            raise UserError(f"{self.source}: {place}.{key} is not read from files; take it out")

    def _factory(self, target: Any, place: str, owner: str | None) -> str:
        allowed = factories(self.group) if owner is None else _within(self.group, owner)
        if isinstance(target, str):
            if any(target.startswith(f"{module}.") for module in self.trust):
                return target
            if known := _name_of_today(target, allowed):
                return known
        module = str(target).split(".", 1)[0]
        own = f", or say that you trust it: trust={module}" if module.isidentifier() else ""
        choice = "nothing" if owner is not None or not allowed else ", ".join(sorted(allowed))
        raise UserError(
            f"{self.source}: {place} asks for {target!r}, which drawsim does not build from a file "
            f"(there it builds {choice}). Nothing of it was run. Do not use files from people you "
            f"do not know{own}"
        )


def _name_of_today(target: str, allowed: frozenset[str]) -> str | None:
    """The allowed factory that a file means: files name it after where it was when they were made.

    Factories move between modules of drawsim; their own names stay.
    """
    if target in allowed:
        return target
    package, _, name = target.rpartition(".")
    same = [known for known in allowed if known.rpartition(".")[2] == name]
    return same[0] if len(same) == 1 and package.startswith("drawsim.") else None


def _targets(value: Any) -> Iterator[str]:
    """All factories that settings name, at any depth."""
    if isinstance(value, Mapping):
        if TARGET in value:
            yield str(value[TARGET])
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _targets(one)


def _built(settings: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(settings, Sequence) and not isinstance(settings, str | bytes):
        return [_built(each, {}) for each in settings]
    if not isinstance(settings, Mapping):
        return settings
    inner = {k: _built(v, {}) for k, v in settings.items() if k not in (TARGET, PARTIAL)}
    if TARGET not in settings:
        return {**inner, **values}
    target = str(settings[TARGET])
    factory = locate(target)
    arguments = {**inner, **values}
    partial = bool(settings.get(PARTIAL, False))
    _check_arguments(factory, target, arguments, partial=partial)
    check_types(factory, {key: value for key, value in inner.items() if key not in values})
    return functools.partial(factory, **arguments) if partial else factory(**arguments)


def _check_arguments(
    factory: Any, target: str, arguments: Mapping[str, Any], *, partial: bool
) -> None:
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # of C; it checks for itself
        return
    if not any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values()):
        for name in arguments:
            if name not in signature.parameters:
                raise UserError(f"{name}: {target} has no such parameter, take it out")
    try:
        (signature.bind_partial if partial else signature.bind)(**arguments)
    except TypeError as error:
        raise UserError(f"{target} cannot be built: {error}") from error
