"""Write the cards of docs/metrics.md from the metric registry.

    python scripts/metrics_doc.py [--check]

What stands between the two marks of the file is replaced; --check changes nothing, and fails if the
file is not as it would be written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drawsim.common.files import write_text
from drawsim.retrieval.metrics.metric import FAMILIES, Metric
from drawsim.retrieval.metrics.registry import all_metrics

DOC = Path(__file__).parents[1] / "docs" / "metrics.md"
BEGIN, END = "<!-- metrics: written by scripts/metrics_doc.py -->", "<!-- /metrics -->"
RANGES = {
    "share": "0..1",
    "rank": "1..N",
    "position": "a rank counted from 0",
    "percent": "0..100",
    "number": "a number",
}


def card(metric: Metric) -> str:
    """What a metric is, for people."""
    names = list(metric.names)
    heading = f"{metric.name}{metric.joint}k" if metric.cutoffs else metric.name
    direction = "higher" if metric.higher_is_better else "lower"
    ks = f" for k = {', '.join(map(str, sorted(metric.cutoffs)))}" if metric.cutoffs else ""
    facts = [f"{metric.label}{ks}; {RANGES[metric.unit]}, {direction} is better."]
    if metric.formula:
        over = f"{metric.over_queries} over queries"
        facts.append(f"Per query `{metric.formula}`; {over}.")
    if metric.source:
        facts.append(f"Source: {metric.source}.")
    if metric.headline:
        shown = ", ".join(f"`{name}`" for name in metric.headline)
        facts.append("Shown first." if names == list(metric.headline) else f"Shown first: {shown}.")
    return f"#### {heading}\n{metric.description}\n\n" + "\n".join(f"- {fact}" for fact in facts)


def cards() -> str:
    """The cards of all metrics, family by family."""
    parts = []
    for family, title in FAMILIES.items():
        own = [card(metric) for metric in all_metrics() if metric.family == family]
        if own:
            parts.append("\n\n".join([f"### {title}", *own]))
    return "\n\n".join(parts)


def written(text: str) -> str:
    """The document with the cards as the registry has them."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{cards()}\n\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail if outdated")
    text = DOC.read_text(encoding="utf-8")
    new = written(text)
    if parser.parse_args().check:
        sys.exit(0 if new == text else f"{DOC} is outdated: run scripts/metrics_doc.py")
    write_text(DOC, new)


if __name__ == "__main__":
    main()
