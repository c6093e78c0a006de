"""The grades as browsers need them: rules of a style sheet, names and keys for scripts."""

from __future__ import annotations

import functools
import json

from drawsim.collection.grades import MATCH, MEANINGS


def rules() -> str:
    """What gives everything with a data-grade the variable --grade, its colour in the palette.

    --picture: how much is left of the picture of what people rejected.
    """
    lines = []
    for each in MEANINGS:
        faint = " --picture: .45;" if each.training == "negative" else ""
        lines.append(f'[data-grade="{each.name}"] {{ --grade: var(--{each.colour});{faint} }}')
    return "\n".join(lines)


@functools.cache
def for_scripts() -> str:
    """A list in JSON: `grade`, `key`, `label` and `means` of each, and `match`, of one of them."""
    return json.dumps(
        [
            {
                "grade": each.name,
                "key": each.key,
                "label": each.label,
                "means": each.means,
                "match": each.name == MATCH,
            }
            for each in MEANINGS
        ]
    )
