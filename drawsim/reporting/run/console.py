"""A finished run in the terminal."""

from __future__ import annotations

from pathlib import Path

from drawsim.common.words import counted
from drawsim.reporting.kit.console import Line, metrics_table, wide_console
from drawsim.reporting.kit.decisions import decisions
from drawsim.reporting.kit.stages import learnt_nothing, stages
from drawsim.runs.folder import in_starts, read_record


def print_results(run: Path) -> None:
    """Print the metrics of val and test, stage by stage, and how the weights were chosen."""
    record = read_record(run)
    lines = [
        Line(
            (name, stage.label, str(record["counts"].get(name, {"queries": 0})["queries"])),
            stage.scores[name],
        )
        for name in ("val", "test")
        for stage in stages(record)
        if name in stage.scores
    ]
    title = f"{record['study']} / {record['name']}"
    console = wide_console()
    console.print(metrics_table(("set", "model", "n"), lines, numbers=1, title=title))
    how = f"best epoch {record['best_epoch']} by {record['monitor']}"
    if record.get("epochs") == 0:
        how = "nothing trained"
    elif "keep" in record:
        why = f": {record['kept_because']}" if "kept_because" in record else ""
        how = f"epoch {record['best_epoch']} kept (keep={record['keep']}{why})"
    spent = dict(record["seconds"])
    spent["in all"] = spent.pop("total")
    seconds = ", ".join(f"{what} {time:.0f} s" for what, time in spent.items())
    seconds += in_starts(record)
    console.print(f"gallery of {counted(record['gallery_size'], 'artwork')}, {how}, {seconds}")
    for one in decisions(record):
        console.print(one.line, highlight=False, markup=False)
    if "message" in record:
        console.print(record["message"], highlight=False, markup=False, soft_wrap=True)
    if said := learnt_nothing(record):
        console.print(*said)
