"""Build an index or change it: `python -m drawsim.index run=runs/demo/NAME out=INDEX`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.collection.kinds import KINDS
from drawsim.common.arguments import listed
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch, to_plain
from drawsim.common.there import check_folders

if TYPE_CHECKING:
    from omegaconf import DictConfig

TEXTS = ("out", "database", "run", "drawings", "artworks", "collection", "checkpoint", "from")
LISTS = ("backbone", "ann", "remove", "trust", "rerank")


def index(config: DictConfig) -> None:
    """Build, add or remove, and say what the index holds."""
    values = to_plain(config)
    _check(values)
    check_folders(values, "run", "collection")
    from drawsim.workflows import index as workflow

    folder, trust = Path(values["out"]), listed(values["trust"])
    database = values["database"]
    files: Any = {kind: Path(values[f"{kind}s"]) for kind in KINDS if values[f"{kind}s"]}
    sources = workflow.Sources(_path(values, "run"), files, _path(values, "collection"))
    lines: list[str] = []
    if values["remove"] is not None:
        made, lines = workflow.remove(folder, listed(values["remove"]), values["from"], database)
    elif values["add"]:
        made, lines = workflow.add(folder, sources, trust, database)
    elif not sources.files and sources.run is None:
        from drawsim.workflows.gallery import index_collection

        model = workflow.ModelChoice.of(values)
        print("\n".join(index_collection(folder, sources, model, values["ann"], database)))
        return
    else:
        model = workflow.ModelChoice.of(values)
        made, lines = workflow.build(folder, sources, model, values["ann"], database)
    for line in [*lines, *workflow.said_of(made)]:
        print(line)


def _path(values: dict[str, Any], key: str) -> Path | None:
    return Path(values[key]) if values[key] else None


def _check(values: dict[str, Any]) -> None:
    if values["from"] is not None and values["from"] not in KINDS:
        raise UserError(f"from={values['from']}: {nearest(str(values['from']), KINDS)}")
    sources = [key for key in ("run", "drawings", "artworks") if values[key]]
    if values["remove"] is not None:
        if sources or values["add"]:
            raise UserError(f"remove: leave {(sources or ['add'])[0]} out, one change at a time")
        return
    if not sources and (values["add"] or not values["collection"]):
        raise UserError(
            "run, drawings or artworks must be given, or collection and backbone "
            "(python -m drawsim.index --help shows examples)"
        )
    if values["run"] and len(sources) > 1:
        raise UserError(f"{sources[1]}: leave it out where run is given, or leave out run")
    if values["add"] and values["ann"] is not None:
        raise UserError("ann: an index keeps the search it was built for; leave it out with add")


if __name__ == "__main__":
    launch("index", index, texts=TEXTS, lists=LISTS)
