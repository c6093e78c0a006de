"""What all pages have in common: where templates lie, their colours, the words of numbers."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from drawsim.common.palette import style_sheet
from drawsim.reporting.kit.stages import Stage
from drawsim.retrieval.metrics import registry


def environment() -> jinja2.Environment:
    """Templates of this package, what they show escaped, with the filters below."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("drawsim.reporting", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "rank": format_rank,
        "percent": percent,
        "metric": registry.written,
        "label": registry.label,
        "in_a_sentence": registry.in_a_sentence,
        "short_label": registry.short_label,
        "best_of": best_of,
        "script_hash": script_hash,
        "duration": format_duration,
        "breakable": breakable,
        "unbroken": unbroken,
    }
    templates.globals["palette"] = lambda: Markup(style_sheet())
    return templates


def script_hash(script: str) -> str:
    """What a Content-Security-Policy calls a script that may run, so that no other may.

    >>> script_hash("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def as_script(data: Mapping[str, Any]) -> Markup:
    """JSON that may stand in a script element, whatever its texts hold.

    >>> as_script({"id": "</script>"})
    Markup('{"id":"\\\\u003c/script>"}')
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def address(file: Path | None, folder: Path) -> str:
    """Where a page in `folder` finds a file; empty for none."""
    if file is None:
        return ""
    return quote(Path(os.path.relpath(file, folder)).as_posix())


def best_of(stages: Sequence[Stage], metric: str, name: str) -> float | None:
    """The best figure of a metric on a set, None if all stages have the same."""
    own = [stage.scores.get(name, {}) for stage in stages]
    figures = [scores[metric] for scores in own if metric in scores]
    return registry.best(metric, figures) if len(set(figures)) > 1 else None


def breakable(name: str) -> Markup:
    """An id that a browser may break after underscores.

    >>> breakable("a_<b>")
    Markup('a_<wbr>&lt;b&gt;')
    """
    return escape(name).replace("_", Markup("_<wbr>"))


def unbroken(text: str) -> Markup:
    """A text in which a browser breaks no line at the | by which museums join names.

    >>> unbroken("Ada B|C. Doe")
    Markup('Ada <span class="whole">B|C.</span> Doe')
    """
    words = (
        Markup('<span class="whole">{}</span>').format(word) if "|" in word else escape(word)
        for word in text.split(" ")
    )
    return Markup(" ").join(words)


def format_rank(rank: float | None) -> str:
    """A rank or a count, with a decimal only where it has one.

    >>> format_rank(1234.0), format_rank(2.5), format_rank(None)
    ('1,234', '2.5', '–')
    """
    if rank is None:
        return "–"
    return f"{rank:,.0f}" if rank == int(rank) else f"{rank:,.1f}"


def percent(share: float) -> str:
    """A share in whole per cent; 100 and 0 only where it is all or nothing.

    >>> percent(0.931), percent(0.9975), percent(1.0), percent(0.002)
    ('93 %', '99 %', '100 %', '1 %')
    """
    whole = round(100 * share)
    return f"{whole if share in (0, 1) else min(max(whole, 1), 99)} %"


def format_duration(seconds: float) -> str:
    """Seconds in the units that people use.

    >>> format_duration(3.2), format_duration(252), format_duration(7325)
    ('3.2 s', '4 min 12 s', '2 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"
