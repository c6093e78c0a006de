"""Look up images: `python -m drawsim.search index=INDEX image=scan.jpg out=DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.collection.kinds import KINDS
from drawsim.common.arguments import listed
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch, to_plain
from drawsim.common.there import check_folders
from drawsim.common.typed import mistyped

if TYPE_CHECKING:
    from omegaconf import DictConfig

TEXTS = ("box", "from", "combine", "in", "calibration", "run", "checkpoint", "database", "out")
LISTS = ("backbone", "index", "id", "image", "text", "unlike", "where", "trust", "rerank")


def search(config: DictConfig) -> None:
    """Find, print, and write the page and the tables if they are asked for."""
    values = to_plain(config)
    _check(values)
    check_folders(values, "index", "run")
    from drawsim.reporting.search.console import print_sheets
    from drawsim.retrieval.index.folder import open_index
    from drawsim.workflows import search as workflow
    from drawsim.workflows.asking import ask
    from drawsim.workflows.index import ModelChoice

    indexes = [open_index(Path(folder), values["database"]) for folder in listed(values["index"])]
    asking = ask(
        indexes[0],
        ids=listed(values["id"]),
        images=[Path(path) for path in listed(values["image"])],
        texts=listed(values["text"]),
        box=None if values["box"] is None else ",".join(listed(values["box"])),
        kind=values["from"],
        unlike=listed(values["unlike"]),
        combine=values["combine"] is not None,
    )
    calibration = Path(values["calibration"]) if values["calibration"] else None
    settings = workflow.SearchSettings(
        searched=values["in"] and values["in"].removesuffix("s"),
        k=values["k"],
        where=values["where"],
        ann=values["ann"],
        weights=values["weights"],
        calibration=calibration,
        model=ModelChoice.of(values),
    )
    answer = workflow.search(indexes, asking, settings)
    print_sheets(answer.sheets, answer.above, answer.calibrated)
    if values["out"]:
        print(f"→ {workflow.write(answer, Path(values['out']), values['where'])}")


def _check(values: dict[str, Any]) -> None:
    choices = {"from": KINDS, "in": ("artworks", "drawings"), "combine": ("mean",)}
    for key, known in choices.items():
        if values[key] is not None and values[key] not in known:
            raise UserError(f"{key}={values[key]}: {nearest(str(values[key]), known)}")
    if not (values["id"] or values["image"] or values["text"]):
        raise UserError("id, image or text must be given (python -m drawsim.search --help)")
    if said := mistyped(values["weights"], list[float] | None):
        raise UserError(f"weights={values['weights']}: {said}")
    if values["k"] < 1:
        raise UserError(f"k={values['k']}: must be at least 1")
    several = len(listed(values["index"])) > 1
    one_index = ("weights",) if not several else ("run", "checkpoint", "backbone", "calibration")
    for key in one_index:
        if values[key] is not None:
            what = "one index" if several else "several indexes"
            raise UserError(f"{key}: goes with {what}; leave it out")
    if values["calibration"] and any(values[key] for key in ("where", "combine", "unlike")):
        raise UserError(
            "calibration: holds for one drawing and all artworks; leave where, combine "
            "and unlike out"
        )


if __name__ == "__main__":
    launch("search", search, texts=TEXTS, lists=LISTS)
