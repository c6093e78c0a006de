"""What all pages have in common: where templates lie, and the words of numbers."""

from __future__ import annotations

import jinja2
from markupsafe import Markup, escape

from drawsim.retrieval.metrics import registry


def environment() -> jinja2.Environment:
    """Templates of this package, what they show escaped, with the filters below."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("drawsim.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "rank": format_rank,
        "metric": registry.written,
        "label": registry.label,
        "in_a_sentence": registry.in_a_sentence,
        "short_label": registry.short_label,
        "duration": format_duration,
        "breakable": breakable,
    }
    return templates


def breakable(name: str) -> Markup:
    """An id that a browser may break after underscores.

    >>> breakable("a_<b>")
    Markup('a_<wbr>&lt;b&gt;')
    """
    return escape(name).replace("_", Markup("_<wbr>"))


def format_rank(rank: float | None) -> str:
    """A rank or a count, with a decimal only where it has one.

    >>> format_rank(1234.0), format_rank(2.5), format_rank(None)
    ('1,234', '2.5', '–')
    """
    if rank is None:
        return "–"
    return f"{rank:,.0f}" if rank == int(rank) else f"{rank:,.1f}"


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
