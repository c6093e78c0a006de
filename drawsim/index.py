"""Build an index or change it: `python -m drawsim.index run=runs/demo/NAME out=INDEX`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.arguments import as_texts, listed
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.collection.kinds import Kind
    from drawsim.retrieval.index.base import Settings
    from drawsim.retrieval.index.folder import Index
    from drawsim.retrieval.index.gallery import Gallery

KINDS = ("drawing", "artwork")
TEXTS = (
    *("out", "run", "drawings", "artworks", "collection", "checkpoint", "backbone"),
    *("ann", "remove", "from"),
)


def index(config: DictConfig) -> None:
    """Build, add or remove, and say what the index holds."""
    _check(config)
    from drawsim.common.machine import prepare

    prepare()
    from drawsim.retrieval.index.folder import open_index

    folder = Path(config.out)
    if config.remove is not None:
        made = _remove(open_index(folder), listed(config.remove), config["from"])
    elif config.add:
        made = _add(open_index(folder), config)
    else:
        made = _build(folder, config)
    _print(made)


def _build(folder: Path, config: DictConfig) -> Index:
    from drawsim.models.loading import BEST, model_source, save_source
    from drawsim.retrieval.index.folder import build_index

    source = model_source(
        config.run if config.run and (Path(config.run) / BEST).is_file() else None,
        config.checkpoint,
        config.backbone,
        config.image_size,
    )
    root = _collection(config)
    galleries = _galleries(config, root)
    save_source(folder, None)  # what it says must never be of an index that was there before
    made = build_index(folder, galleries, root, _ann(config.ann))
    save_source(folder, source)
    return made


def _add(old: Index, config: DictConfig) -> Index:
    from drawsim.reporting.kit.figures import counted

    new = old
    for kind, gallery in _galleries(config, _collection(config) or old.collection).items():
        new, changes = new.add(kind, gallery)
        print(
            f"{counted(changes.added, kind)} added, {changes.replaced:,} replaced, "
            f"{changes.unchanged:,} as before"
        )
    return new


def _remove(old: Index, ids: list[str], kind: str | None) -> Index:
    """Take out ids of one kind, or of both where each says by itself what it is."""
    from drawsim.retrieval.index.filters import offer

    gone: dict[str, list[str]] = {}
    for name in ids:
        kinds = [k for k in old.parts if k in (kind or k) and name in old.parts[k].embeddings.rows]
        if not kinds:
            known = [
                n for k, part in old.parts.items() if k in (kind or k) for n in part.names[:-1]
            ]
            raise UserError(f"remove: no {kind or 'image'} {name!r}, {offer(name, known)}")
        if len(kinds) > 1:
            raise UserError(f"remove: {name!r} is a drawing and an artwork; say which with from=…")
        gone.setdefault(kinds[0], []).append(name)
    for each, names in gone.items():
        old = old.remove(each, names)
        print(f"{len(names):,} {each}s removed")
    return old


def _galleries(config: DictConfig, root: Path | None) -> dict[str, Gallery]:
    """What is to be indexed, by kind, with the collection's tables."""
    from drawsim.collection.tables import Collection, tables_of
    from drawsim.retrieval.embeddings import kind_path
    from drawsim.retrieval.index.gallery import gallery_from_file, gallery_of_collection

    if config.run:
        files = {kind: kind_path(Path(config.run, "embeddings", "final"), kind) for kind in KINDS}
        if not files["artwork"].is_file():
            raise UserError(f"run={config.run}: no final embeddings in it; is the run finished?")
    else:
        files = {kind: Path(config[f"{kind}s"]) for kind in KINDS if config[f"{kind}s"]}
    galleries = {}
    for kind, file in files.items():
        if root is None:
            galleries[kind] = gallery_from_file(file)
            continue
        own: Kind = "drawing" if kind == "drawing" else "artwork"
        collection = Collection.open(root, tables=tables_of(root, own))
        galleries[kind], copies = gallery_of_collection(file, collection, own)
        if copies:
            print(f"{file}: {copies:,} style copies are no drawings and are left out")
    return galleries


def _collection(config: DictConfig) -> Path | None:
    from drawsim.retrieval.analysis.inputs import run_data

    if config.collection:
        root = Path(config.collection)
        if not root.is_dir():
            raise UserError(f"collection={root}: no such folder")
        return root.resolve()
    own = run_data(Path(config.run)) if config.run else None
    return None if own is None else own.resolve()


def _ann(value: Any) -> Settings | None:
    """The settings of approximate search: none, a name, or a mapping with its `kind`."""
    from drawsim.retrieval.index.backends import ann_settings

    if value is None:
        return None
    settings = {"kind": value} if isinstance(value, str) else dict(value)
    return ann_settings(str(settings.pop("kind", "")), settings)


def _print(made: Index) -> None:
    from drawsim.reporting.kit.figures import counted

    print(f"model: {made.model}")
    for kind, part in made.parts.items():
        how = "exact search"
        if part.measured is not None:
            record = part.measured.record()
            how = (
                f"{record['type']}, recall@10 {part.measured.recall:.4f} of exact search "
                f"(on {counted(part.measured.sample, kind)})"
            )
        print(f"{counted(len(part.embeddings.ids), kind)}: {how}")
    print(f"→ {made.folder}")


def _check(config: DictConfig) -> None:
    if config["from"] is not None and config["from"] not in KINDS:
        raise UserError(f"from={config['from']}: {nearest(str(config['from']), KINDS)}")
    sources = [key for key in ("run", "drawings", "artworks") if config[key]]
    if config.remove is not None:
        if sources or config.add:
            raise UserError(f"remove: leave {(sources or ['add'])[0]} out, one change at a time")
        return
    if not sources:
        raise UserError(
            "run, drawings or artworks must be given "
            "(python -m drawsim.index --help shows examples)"
        )
    if config.run and len(sources) > 1:
        raise UserError(f"{sources[1]}: leave it out where run is given, or leave out run")
    if config.add and config.ann is not None:
        raise UserError("ann: an index keeps the search it was built for; leave it out with add")


if __name__ == "__main__":
    sys.argv[1:] = as_texts(sys.argv[1:], TEXTS)
    launch("index", index)
