"""What a search and a motif folder say becomes manifests; another collection's does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from drawsim.common.errors import UserError
from drawsim.common.files import write_json
from drawsim.retrieval.motifs.files import Motif, Motifs, write_motifs
from drawsim.workflows.export.iiif import export_iiif
from tests.reporting.iiif.test_export import check_images, manifests, settings


def hits(**more: Any) -> dict[str, Any]:
    result = {"rank": 1, "id": "a1", "kind": "artwork", "score": 0.5, "path": "/etc/passwd"}
    regions = {"query_box": "0,0,0.5,0.5", "hit_box": "0.5,0.5,0.5,0.5"}
    asked = [{"name": "d2", "kind": "drawing", "id": "d2"}]
    query = {"query": "d2", "asked": asked, "hits": [result | regions, {**result, "id": "a3"}]}
    return {"queries": [query | more]}


def test_results_of_a_search_stand_beside_the_query(collection_root: Path, tmp_path: Path) -> None:
    found, out = tmp_path / "found", tmp_path / "out"
    write_json(found / "hits.json", hits())
    lines = export_iiif(settings(collection_root, out, source=str(found), k=1))
    assert lines[0] == "1 manifest, 1 canvas, 2 images, 2 annotations"
    (manifest,) = manifests(out)
    check_images(out, manifest)
    (canvas,) = manifest["items"]
    assert canvas["label"] == {"none": ["1. a1"]}
    first, second = canvas["annotations"][0]["items"]
    assert first["target"].endswith("#xywh=0,0,25,20")
    assert second["target"].endswith("#xywh=76,20,25,20")
    assert "passwd" not in json.dumps(manifest)


def test_image_files_that_were_looked_for_lie_where_the_user_says(
    collection_root: Path, tmp_path: Path
) -> None:
    found, out, scans = tmp_path / "found", tmp_path / "out", tmp_path / "scans"
    asked = [{"name": "/home/somebody/scan.png", "kind": "drawing", "id": None}]
    write_json(found / "hits.json", hits(asked=asked))
    with pytest.raises(UserError, match=r"scan\.png' is no picture of the collection; .*queries="):
        export_iiif(settings(collection_root, out, source=str(found)))
    scans.mkdir()
    shutil.copy(collection_root / "drawings" / "d0.png", scans / "scan.png")
    made = settings(collection_root, out, source=str(found), queries=str(scans))
    assert export_iiif(made)[0].startswith("1 manifest, 2 canvases, 3 images")


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ({"queries": []}, "damaged"),
        ({"queries": [{"hits": "x"}]}, "damaged"),
        (hits(asked=[]), "not of one picture, or of an earlier version"),
        (
            hits(hits=[{"kind": "artwork", "id": "other"}]),
            "'other' is not in .* another collection",
        ),
        (hits(hits=[{"id": "a1", "kind": "../x"}]), "damaged"),
        (hits(asked=[{"kind": "drawing", "id": "none"}]), "'none' is not in"),
    ],
)
def test_anothers_search_is_a_line(
    says: dict[str, Any], told: str, collection_root: Path, tmp_path: Path
) -> None:
    write_json(tmp_path / "hits.json", says)
    with pytest.raises(UserError, match=told):
        export_iiif(settings(collection_root, tmp_path / "out", source=str(tmp_path)))
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_a_line(collection_root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"neither hits\.json .* nor motifs\.json"):
        export_iiif(settings(collection_root, tmp_path / "out", source=str(tmp_path)))
    with pytest.raises(UserError, match="queries: is of a search"):
        export_iiif(settings(collection_root, tmp_path / "out", queries=str(tmp_path)))


def test_groups_are_manifests(collection_root: Path, tmp_path: Path) -> None:
    group = Motif("1", ("d3", "d1"), "d3", 0.8)
    write_motifs(Motifs((group,), 8, 0, "small", "model", "0" * 64), tmp_path)
    out = tmp_path / "out"
    lines = export_iiif(settings(collection_root, out, source=str(tmp_path)))
    assert lines[0] == "1 manifest, 2 canvases, 2 images, 0 annotations"
    (manifest,) = manifests(out)
    check_images(out, manifest)
    assert [each["label"]["none"] for each in manifest["items"]] == [["d3"], ["d1"]]
    assert len(manifest["items"][0]["items"][0]["items"]) == 1  # one picture: no row of it
    assert manifest["summary"] == {"en": ["2 drawings that share a motif, stability 0.80"]}
    other = Motif("1", ("d3", "x1"), "d3", 0.8)
    write_motifs(Motifs((other,), 8, 0, "small", "model", "0" * 64), tmp_path)
    with pytest.raises(UserError, match="motifs of another collection"):
        export_iiif(settings(collection_root, out, source=str(tmp_path)))
