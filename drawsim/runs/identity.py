"""Which run it is: what it is called, which settings make it another one, and in what they differ.

Settings count unless they are listed here as unable to change a result.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

NEUTRAL = {
    "again": "asks for the same run anew",
    "callbacks.progress": "draws a bar",
    "data.demo.cache": "is where the same pictures are kept",
    "dry_run": "does nothing",
    "init.trust": "says whom to believe",
    "image_cache": "keeps the same pixels in another place",
    "logger": "sends the same numbers elsewhere too",
    "name": "is what the run is called, not what it is",
    "out": "is where it is kept",
    "resume": "goes on with the same run",
    "split.write": "keeps the same split as a file",
    "study": "is where it is kept",
    "trainer.enable_progress_bar": "draws a bar",
    "trainer.log_every_n_steps": "says the same less often",
    "workers": "read the same images in another number of processes",
}
"""Settings that cannot change a result, with all that is below them, and why."""
ADDED = {
    "adapt.axes": "own",
    "adapt.decorrelate": 0.0,
    "adapt.learn": "none",
    "adapt.name": "none",
    "adapt.rank": 16,
    "adapt.shrink": 0.0,
    "adapter.name": "none",
    "batch.cross_batch_memory": False,
    "batch.flip": False,
    "decide": "none",
    "embed.unpaired": False,
    "frames": "none",
    "freeze": False,
    "freeze_below": 50,
    "init.adaptation": True,
    "init.network": True,
    "init.strength": 1.0,
    "keep": "best",
    "layout.name": "none",
    "loss.distill": 0.0,
    "optim.layer_decay": 1.0,
    "pairs.first": 0,
    "precision": "auto",
    "protocol": "drawsim",
    "reading": "areas",
    "val_loss": "plain",
}
"""Settings that came later, where they are not null, as they were before there was a choice."""
CAME_FROM = {"backbone.image_size": "image_size"}
"""Settings that came later, and the one that says the same where they are null or not there."""
GROWS = "trainer.max_epochs"
"""May grow when a run is resumed."""
FOLLOWS = frozenset(("miner.epochs",))
"""Settings that grow with it where they are told nothing else (`miner=mixed`)."""
ORDERED = frozenset(("rerank",))
"""Settings whose parts follow each other: in another order they are others."""
IN_FRONT = frozenset(
    ("seed", "backbone.name", "backbone.model", "aug.name", "split.name", "data.name", "data.root")
)
"""Settings that a run's folder says already: at the front of its name, or in its study."""
PLACES = {"init.model": "init"}
"""Settings that are the path of a run, and what they are called in names."""
LONGEST_VALUE = 24
LONGEST = 96
"""Characters of a value and of a name; what is longer is told by a digest."""
_PLAIN = re.compile(r"[\w.+@-]+")


def make_name(
    base: Sequence[str],
    options: Sequence[str],
    settings: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> str:
    """A run's name: what was chosen, then the settings in which it differs from such choices.

    base: what every name begins with: backbone, augmentation, split and seed. options: further ones
    that were chosen. settings, defaults: not resolved, so that what follows from another setting
    does not count as another difference.

    >>> rates = {"optim": {"lr": 3e-4}, "batch": {"flip": False}}
    >>> changed = {"optim": {"lr": 1e-3}, "batch": {"flip": True}}
    >>> make_name(["lite", "seed0"], ["infonce"], changed, rates)
    'lite-seed0-infonce-flip-lr0.001'
    """
    new, old = flat(settings), flat(defaults)
    changed = {
        key: new.get(key)
        for key in sorted(new.keys() | old.keys())
        if key not in IN_FRONT and counts(key) and not _same(new.get(key), old.get(key))
    }
    front = [*base, *options]
    parts = [_said(key, value, new) for key, value in changed.items()]
    name = "-".join(_safe(part) for part in (*front, *parts))
    if len(name) > LONGEST:
        name = "-".join(_safe(part) for part in (*base, digest([*options, changed])))
    return name


def counts(key: str) -> bool:
    """Whether a setting, by its dotted name, can change what a run comes to."""
    return not any(key == neutral or key.startswith(f"{neutral}.") for neutral in NEUTRAL)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings that make two runs different ones: dotted name, then the old and the new value.

    Resolved settings.
    """
    before, after = whole(old), whole(new)
    return {
        key: (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if counts(key) and not _same(before.get(key), after.get(key))
    }


def whole(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their dotted names, with those that came after the run, as it behaved."""
    found = ADDED | flat(settings)
    for key, before in CAME_FROM.items():
        if before in found and found.get(key) is None:
            found[key] = found[before]
    if "reading" not in settings and found.get("aug.exact"):
        found["reading"] = "thesis"  # runs of before say in aug how they read
    return found


def told(different: Mapping[str, tuple[Any, Any]], most: int = 3) -> str:
    """The first of some differences in words.

    >>> told({"seed": (0, 1), "freeze": (False, True)})
    'seed 0 → 1, freeze false → true'
    """
    first = [f"{key} {word(a)} → {word(b)}" for key, (a, b) in list(different.items())[:most]]
    more = len(different) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def only_more_epochs(different: Mapping[str, tuple[Any, Any]]) -> bool:
    """Whether two runs differ in nothing but more epochs in the new one."""
    if GROWS not in different or not set(different) <= {GROWS, *FOLLOWS}:
        return False
    before, after = different[GROWS]
    if any(pair != (before, after) for pair in different.values()):
        return False
    return isinstance(before, int) and isinstance(after, int) and before < after


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their dotted names.

    >>> flat({"seed": 0, "optim": {"lr": 1e-3}, "aug": {}})
    {'seed': 0, 'optim.lr': 0.001}
    >>> flat({"rerank": {"b": {}, "a": {}}})
    {'rerank': ['b', 'a']}
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
            if f"{prefix}{key}" in ORDERED and len(value) > 1:
                found[f"{prefix}{key}"] = list(value)
        else:
            found[f"{prefix}{key}"] = value
    return found


def digest(value: Any) -> str:
    """Eight characters that stand for a value."""
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _same(one: Any, other: Any) -> bool:
    """Equal, where 1 and 1.0 are, and 1 and true are not."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _said(key: str, value: Any, every: Iterable[str]) -> str:
    """A setting in a name, by as much of its key as no other setting ends with."""
    if key in PLACES and isinstance(value, str):
        return f"{PLACES[key]}-{_place(value)}"
    short = _shortest(key, every)
    if value is True:
        return short
    if value is False or value is None:
        return f"no-{short}"
    if isinstance(value, int | float):
        return f"{short}{value}"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and len(value) <= LONGEST_VALUE:
        return f"{short}-{value}"
    return f"{short}-{digest(value)}"


def _place(path: str) -> str:
    """A run in a name: its study, which says of what it has learnt, and a digest of the whole.

    >>> _place("runs/sketchy/lite-light-v0-seed0")
    'sketchy-dfa0265f'
    """
    above = PurePath(path).parts[-2:-1]
    study = above[0] if above and _PLAIN.fullmatch(above[0]) else "run"
    return f"{study[:LONGEST_VALUE]}-{digest(path)}"


def _shortest(key: str, every: Iterable[str]) -> str:
    others = [f".{other}" for other in every if other != key]
    parts = key.split(".")
    for number in range(1, len(parts)):
        short = ".".join(parts[-number:])
        if not any(other.endswith(f".{short}") for other in others):
            return short
    return key


def _safe(text: str) -> str:
    """The text as a part of a folder's name."""
    return re.sub(r"[^\w.+@=-]", "_", text).lstrip(".") or digest(text)


def word(value: Any) -> str:
    """A value of a setting, as it is typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)
