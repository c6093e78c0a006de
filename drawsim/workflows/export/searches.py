"""Results of a search: a manifest a query, on each canvas the query beside one of its results.

Ids alone are taken from such a folder, and looked up in the collection: its paths may be anybody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drawsim.collection.iiif.documents import Region
from drawsim.collection.iiif.names import file_name
from drawsim.collection.kinds import KINDS
from drawsim.common.errors import UserError, brief
from drawsim.common.files import read_json
from drawsim.pixels.folders import images_below
from drawsim.reporting.iiif.export import Entry, Group
from drawsim.reporting.iiif.pictures import Picture
from drawsim.workflows.export.catalogue import Catalogue
from drawsim.workflows.export.pairs import part_in

HITS = "hits.json"
FOUND = "both have one layout, the model finds"


def searches_of(catalogue: Catalogue, folder: Path, k: int, queries: Path | None) -> list[Group]:
    """The queries of a folder that `search` wrote, with the first k results of each.

    queries: where image files that were looked for lie, which are no pictures of the collection.
    Raises UserError for a damaged file, and for ids that the collection does not have.
    """
    file = folder / HITS
    says = read_json(file)
    listed = says.get("queries")
    if not isinstance(listed, list) or not listed:
        raise UserError(f"{file}: damaged (no queries); search again with out={folder}")
    files = {each.name: each for _, each in images_below(queries)[0]} if queries else {}
    groups = []
    for number, query in enumerate(listed, 1):
        if not isinstance(query, dict) or not isinstance(query.get("hits"), list):
            raise UserError(f"{file}: damaged (query {number}); search again with out={folder}")
        asked = _asked(catalogue, query, files, file)
        label = catalogue.label(asked)
        entries = [_entry(catalogue, asked, hit, file) for hit in query["hits"][:k]]
        if entries:
            groups.append(Group(f"{number}-{asked.id}", f"Found for {label}", entries))
    return groups


def _asked(
    catalogue: Catalogue, query: Mapping[str, Any], files: Mapping[str, Path], file: Path
) -> Picture:
    """The picture that was looked for."""
    asked = query.get("asked")
    one = asked[0] if isinstance(asked, list) and len(asked) == 1 else None
    if not isinstance(one, dict):
        name = brief(query.get("query", ""))
        raise UserError(f"{file}: query {name} is not of one picture, or of an earlier version")
    kind = one.get("kind") if one.get("kind") in KINDS else "drawing"
    name = str(one.get("id") or one.get("name") or "")
    if one.get("id"):
        return _picture(catalogue, kind, name, file)
    if Path(name).name not in files:
        raise UserError(
            f"{file}: query {brief(name)} is no picture of the collection; say in which folder it "
            "lies, queries=FOLDER"
        )
    return Picture("drawing" if kind == "drawing" else "artwork", name, files[Path(name).name], {})


def _entry(catalogue: Catalogue, asked: Picture, hit: Any, file: Path) -> Entry:
    if not isinstance(hit, dict) or hit.get("kind") not in KINDS:
        raise UserError(f"{file}: damaged (a result without id or kind)")
    found = _picture(catalogue, hit["kind"], str(hit.get("id", "")), file)
    facts = [
        (name.capitalize(), f"{hit[name]:.4g}")
        for name in ("rank", "score")
        if _is_number(hit, name)
    ]
    if hit.get("known") is True:
        facts.append(("Known", "a confirmed pair"))
    parts = part_in(str(hit.get("query_box", ""))), part_in(str(hit.get("hit_box", "")))
    regions = [] if parts == (None, None) else [Region("layout", parts, FOUND)]
    label = f"{hit.get('rank', '')}. {catalogue.label(found)}"
    return Entry(file_name(found.kind, found.id), label, (asked, found), facts, regions)


def _is_number(hit: Mapping[str, Any], name: str) -> bool:
    return isinstance(hit.get(name), int | float) and not isinstance(hit[name], bool)


def _picture(catalogue: Catalogue, kind: Any, name: str, file: Path) -> Picture:
    found = catalogue.picture(kind, name)
    if found is None:
        raise UserError(
            f"{file}: {kind} {brief(name)} is not in {catalogue.collection.root}; it is the search "
            "of another collection, or the collection has changed: search again"
        )
    return found
