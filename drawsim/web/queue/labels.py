"""The tags and names that drawings and groups have now, in memory.

What is said of a group holds for its drawings too, but for those that were removed from it.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from drawsim.collection.ids import normal
from drawsim.common.errors import UserError
from drawsim.retrieval.index.filters import Condition, offer
from drawsim.web.events.drafts import LABELLING, OF_MEMBERS, Action
from drawsim.web.events.store import EventStore
from drawsim.web.queue.groups import Groups
from drawsim.web.queue.items import folded
from drawsim.web.queue.sheet import Mask

COLUMN = "tag"
"""What a filter calls the tags."""
SUGGESTED = 20
CHANGING: tuple[Action, ...] = (*LABELLING, *OF_MEMBERS, "undo")
"""After which something else may be said."""


@dataclass(frozen=True)
class Said:
    """What is said of drawings and groups, by id.

    own: tags of drawings, without those of their groups. tags: with them. names: of drawings.
    group_tags, group_names: by the group's key. removed: by key, the drawings that do not belong.
    counts: for each tag, the drawings that have it. All tags are in order of the alphabet.
    """

    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    group_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    group_names: Mapping[str, str] = field(default_factory=dict)
    removed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    searched: Sequence[tuple[str, str]] = ()

    def suggested(self, text: str, limit: int = SUGGESTED) -> list[str]:
        """Tags for what is being typed: those that begin so, then those with a word that does, then
        those that hold it, each the most used first; whatever the capitals and accents."""
        typed = folded(text.strip())
        found = []
        for own, tag in self.searched:
            place = own.find(typed)
            if place >= 0:
                how = 0 if place == 0 else 1 if f" {typed}" in own else 2
                found.append((how, -self.counts[tag], own, tag))
        return [tag for *_, tag in sorted(found)[:limit]]

    def having(self, tag: str) -> list[str]:
        """The drawings with a tag, in no order."""
        return [drawing for drawing, tags in self.tags.items() if tag in tags]

    def groups_having(self, tag: str) -> list[str]:
        """The keys of groups with a tag."""
        return [key for key, tags in self.group_tags.items() if tag in tags]

    def ordered(self, drawings: Sequence[str]) -> list[int]:
        """Places of drawings by their first tag, then id; those without a tag last."""

        def key(place: int) -> tuple[bool, str, str]:
            tags = self.tags.get(drawings[place], ())
            return not tags, folded(tags[0]) if tags else "", drawings[place]

        return sorted(range(len(drawings)), key=key)

    def passing(self, conditions: Sequence[Condition], drawings: Sequence[str]) -> Mask:
        """Which drawings fulfil all conditions on their tags, (N,).

        `tag=boat|ship`: it has one of them; `tag=`: it has none at all; `tag!=boat`: it has none of
        those named. Raises UserError for other conditions and for a tag that nothing has.
        """
        mask = np.ones(len(drawings), dtype=bool)
        for condition in conditions:
            if condition.operator not in ("=", "!="):
                raise UserError(f"filter {condition}: tags have no order; write tag=… or tag!=…")
            wanted = {normal(value) for value in condition.values}
            for value in sorted(wanted - set(self.counts) - {""}):
                if condition.operator == "=":
                    hint = offer(value, self.counts) if self.counts else "there are no tags yet"
                    raise UserError(f"filter {condition}: no tag is {value!r}, {hint}")
            has = [bool(wanted.intersection(self.tags.get(name, ("",)))) for name in drawings]
            mask &= np.array(has, dtype=bool) == (condition.operator == "=")
        return mask


class Labels:
    """Reads what is said, and again once something more was; may be used by several threads.

    groups: those that the app was opened with; None: what is said of groups says nothing of
    drawings.
    """

    def __init__(self, store: EventStore, groups: Groups | None = None) -> None:
        self._store = store
        self._groups = groups
        self._said = Said()
        self._seen = 0
        self._reading = threading.Lock()

    def now(self) -> Said:
        """What is said now; the same object as long as that is the same."""
        with self._reading:
            newest = self._store.newest(CHANGING)
            if newest != self._seen:
                self._said, self._seen = said_now(self._store, self._groups), newest
            return self._said


def said_now(store: EventStore, groups: Groups | None) -> Said:
    """What a store says of drawings and groups."""
    own: defaultdict[str, set[str]] = defaultdict(set)
    of_groups: defaultdict[str, set[str]] = defaultdict(set)
    for drawing, group, tag in store.tags()[["drawing_id", "group_id", "label"]].to_numpy():
        if group is None:
            own[drawing].add(tag)
        else:
            of_groups[group].add(tag)
    removed: defaultdict[str, set[str]] = defaultdict(set)
    for group, drawing in store.removed()[["group_id", "drawing_id"]].to_numpy():
        removed[group].add(drawing)
    every = {drawing: set(tags) for drawing, tags in own.items()}
    for key, tags in of_groups.items():
        group = None if groups is None else groups.by_key.get(key)
        for drawing in () if group is None else group.members:
            if drawing not in removed[key]:
                every.setdefault(drawing, set()).update(tags)
    names = store.names()[["drawing_id", "group_id", "label"]].to_numpy().tolist()
    counts = Counter(tag for tags in every.values() for tag in tags)
    counts.update(dict.fromkeys({tag for tags in of_groups.values() for tag in tags}, 0))
    return Said(
        own=_sorted(own),
        tags=_sorted(every),
        names={drawing: name for drawing, group, name in names if group is None},
        group_tags=_sorted(of_groups),
        group_names={group: name for _, group, name in names if group is not None},
        removed={key: frozenset(drawings) for key, drawings in removed.items()},
        counts=dict(counts),
        searched=[(folded(tag), tag) for tag in counts],
    )


def _sorted(sets: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(sorted(some, key=lambda tag: (folded(tag), tag))) for name, some in sets.items()
    }
