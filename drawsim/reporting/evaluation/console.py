"""An evaluation in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.markup import escape

from drawsim.reporting.kit.console import Line, metrics_table, wide_console


def print_metrics(metrics: Mapping[str, Mapping[str, Mapping[str, float]]], out: Path) -> None:
    """Print the metrics of an evaluation, model -> set -> metric, and where the rest lies."""
    sets = dict.fromkeys(name for sets in metrics.values() for name in sets)
    lines = [
        Line((name, model), scores[name])
        for name in sets
        for model, scores in metrics.items()
        if scores.get(name)
    ]
    console = wide_console()
    console.print(metrics_table(("set", "model"), lines))
    console.print(escape(f"→ {out}"), soft_wrap=True)
