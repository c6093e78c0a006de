"""Exports as a web server hands them out: every address leads to a file that is what it says."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from drawsim.common.errors import UserError
from drawsim.preparing.iiif.canvases import read_canvases
from drawsim.preparing.iiif.documents import document_of
from drawsim.workflows.export.iiif import ExportSettings, export_iiif
from tests.commands import run
from tests.conftest import PAIRS

BASE = "http://127.0.0.1:8000/x"


def settings(collection: Path, out: Path, **more: Any) -> ExportSettings:
    values = {
        "format": "iiif",
        "collection": str(collection),
        "out": str(out),
        "base": f"{BASE}/",
        "source": None,
        "queries": None,
        "k": 20,
        "where": None,
        "columns": ["year"],
        "size": 2048,
        "workers": 1,
    }
    return ExportSettings.of(values | more)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(each)


def label(line: dict[str, Any]) -> str:
    found: str = line["label"]["en"][0]
    return found


def at(out: Path, address: str) -> bytes:
    assert address.startswith(f"{BASE}/"), address
    return (out / address.removeprefix(f"{BASE}/")).read_bytes()


def manifests(out: Path) -> list[dict[str, Any]]:
    start = json.loads((out / "collection.json").read_text())
    assert start["id"] == f"{BASE}/collection.json"
    return [json.loads(at(out, each["id"])) for each in start["items"]]


def check_images(out: Path, manifest: dict[str, Any]) -> None:
    """Every image is there, at the size that is said, and so is every size of its service."""
    for node in nodes(manifest):
        if node.get("type") != "Image":
            continue
        image = Image.open(io.BytesIO(at(out, node["id"])))
        assert image.size == (node["width"], node["height"])
        for service in node.get("service", []):
            info = json.loads(at(out, f"{service['id']}/info.json"))
            assert (info["id"], info["width"], info["height"]) == (service["id"], *image.size)
            at(out, f"{service['id']}/full/90,/0/default.jpg")  # of Universal Viewer
            for size in info.get("sizes", []):
                name = f"{service['id']}/full/{size['width']},{size['height']}/0/default.jpg"
                small = Image.open(io.BytesIO(at(out, name)))
                assert small.size == (size["width"], size["height"])


@pytest.fixture(scope="module")
def exported(collection_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("iiif")
    lines = export_iiif(settings(collection_root, out))
    assert lines == [
        "1 manifest, 8 canvases, 14 images, 0 annotations",
        f"→ {out / 'collection.json'}",
    ]
    return out


def test_pairs_are_a_manifest_whose_images_are_there(exported: Path) -> None:
    (manifest,) = manifests(exported)
    assert len(manifest["items"]) == 8  # the confirmed ones alone
    check_images(exported, manifest)
    ids = [
        node["id"]
        for node in nodes(manifest["items"])
        if node.get("type") != "Image" and "id" in node
    ]
    services = {node["id"] for node in nodes(manifest) if node.get("type") == "ImageService3"}
    own = [each for each in ids if each not in services]
    assert len(own) == len(set(own))


def test_our_own_reader_of_manifests_takes_them(exported: Path) -> None:
    (manifest,) = manifests(exported)
    document = document_of(manifest)
    found = [each for each in read_canvases(document, {"who": ["Drawing"]}, ["en"]) if each]
    assert len(found) == 8
    assert found[0].cells["who"] == "d0"
    assert found[0].picture.service is not None
    assert found[0].picture.service.level == 0


def test_what_an_earlier_export_wrote_goes(collection_root: Path, tmp_path: Path) -> None:
    root, out = tmp_path / "c", tmp_path / "out"
    shutil.copytree(collection_root, root)
    export_iiif(settings(root, out))
    (out / "mine.txt").write_text("kept")
    (root / "pairs.csv").write_text("drawing_id,artwork_id,pair\nd0,a0,true\n")
    export_iiif(settings(root, out))
    assert {each.name for each in (out / "images" / "drawings").glob("*/info.json")} == {
        "info.json"
    }
    assert len(list((out / "images" / "drawings").glob("*/info.json"))) == 1
    assert (out / "mine.txt").read_text() == "kept"


def test_pictures_that_are_missing_are_left_out_and_said(
    collection_root: Path, tmp_path: Path
) -> None:
    root, out = tmp_path / "c", tmp_path / "out"
    shutil.copytree(collection_root, root)
    (root / "artworks" / "a0.png").unlink()
    counts, told, _ = export_iiif(settings(root, out))
    assert counts == "1 manifest, 6 canvases, 13 images, 0 annotations"
    assert (
        told == "! 2 canvases left out, of pictures that cannot be read: artwork 'a0' is not there"
    )
    shutil.rmtree(root / "drawings")
    with pytest.raises(
        UserError, match="no picture of what is exported can be read: drawing 'd0' is"
    ):
        export_iiif(settings(root, out))


def test_ids_may_be_anything(tmp_path: Path, collection_root: Path) -> None:
    root, out = tmp_path / "c", tmp_path / "out"
    root.mkdir()
    odd = ["a/b", "../up", "é <b>x</b>", "A", "a", "x" * 200, "%2F", "."]
    shutil.copy(collection_root / "drawings" / "d0.png", root / "d.png")
    rows = "".join(f'"{name}",d.png\n' for name in odd)
    (root / "drawings.csv").write_text(f"id,path\n{rows}")
    (root / "artworks.csv").write_text(f"id,path\n{rows}")
    pairs = "".join(f'"{name}","{name}",true\n' for name in odd)
    (root / "pairs.csv").write_text(f"drawing_id,artwork_id,pair\n{pairs}")
    export_iiif(settings(root, out))
    (manifest,) = manifests(out)
    assert len({each["id"] for each in manifest["items"]}) == len(odd)
    check_images(out, manifest)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["c", "out"]


def test_boxes_of_annotators_become_annotations(collection_root: Path, tmp_path: Path) -> None:
    root, out = tmp_path / "c", tmp_path / "out"
    shutil.copytree(collection_root, root)
    (root / "pairs.csv").write_text(
        "drawing_id,artwork_id,pair,grade,annotator,note,drawing_box,artwork_box\n"
        'd0,a0,true,exact,ada,the tower,"0.5,0.5,0.2,0.5",\n'
        'd1,a0,true,exact,ada,,"0.5,2,0.25,0.5",nonsense\n'
    )
    export_iiif(settings(root, out))
    first, second = manifests(out)[0]["items"]
    (annotation,) = first["annotations"][0]["items"]
    # The first of two pictures of 50 x 40 pixels.
    assert annotation["target"] == f"{first['id']}#xywh=25,20,10,20"
    assert annotation["body"]["value"] == "the tower"
    assert "annotations" not in second
    told = {line["label"]["en"][0]: line["value"]["none"][0] for line in first["metadata"]}
    assert told["Grade"] == "exact"


@pytest.fixture
def licensed(collection_root: Path, tmp_path: Path) -> Path:
    """The collection; of every second artwork it is said that it is free."""
    root = tmp_path / "c"
    shutil.copytree(collection_root, root)
    head, *rows = (root / "artworks.csv").read_text().splitlines()
    free = ("https://creativecommons.org/publicdomain/zero/1.0/", "In copyright")
    told = [f"{row},{free[number % 2]},19{number:02}" for number, row in enumerate(rows)]
    (root / "artworks.csv").write_text("\n".join([f"{head},rights,year", *told]) + "\n")
    return root


@pytest.mark.parametrize(
    ("where", "passes"),
    [
        ("rights=CC0", lambda _, artwork: artwork % 2 == 0),
        ('rights!="In copyright",year>=1901', lambda _, artwork: artwork % 2 == 0 and artwork),
        ({"id": ["!=d1", "!=a0"]}, lambda drawing, artwork: drawing != 1 and artwork),
    ],
)
def test_of_a_canvas_every_picture_fulfils_the_filter(
    where: Any, passes: Callable[[int, int], bool], licensed: Path, tmp_path: Path
) -> None:
    pairs = [(int(d[1:]), int(a[1:])) for d, a, is_true in PAIRS if is_true]
    wanted = [f"d{d}/a{a}" for d, a in pairs if passes(d, a)]
    lines = export_iiif(settings(licensed, tmp_path / "out", where=where))
    assert lines[0].startswith(f"{len(pairs) - len(wanted)} canvas")
    assert "left out by where=" in lines[0]
    (manifest,) = manifests(tmp_path / "out")
    shown = [
        "/".join(line["value"]["none"][0] for line in each["metadata"] if ":" not in label(line))
        for each in manifest["items"]
    ]
    assert sorted(shown) == sorted(wanted)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("right=CC0", "no column 'right' in"),
        ("rights=CC1", "no rights is 'CC1'"),
        ("year>2000", "nothing in .* passes it"),
        ("rights=CC0,year=1901", "no canvas is left"),
    ],
)
def test_a_filter_that_leaves_nothing_is_a_line(
    where: str, said: str, licensed: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        export_iiif(settings(licensed, tmp_path / "out", where=where))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"base": "example.org/x"}, "base='example.org/x': must be the address"),
        *(
            ({"base": base}, "must be the address")
            for base in (
                *("http://h/x?y=1", "https://", "https://[::1", "https://h:99999/a", "https://h/%"),
                *("https://h/a\\b", "https://h/é", "https://h/../..", "https://u:p@h/"),
            )
        ),
        ({"format": "iif"}, "format=iif: did you mean iiif"),
        ({"size": 8}, "size=8: must be 64 to 20000 pixels"),
        ({"workers": 0}, "workers=0: must be 1 or more"),
    ],
)
def test_wrong_settings_are_a_line(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        settings(tmp_path, tmp_path / "out", **wrong)
    assert said in str(error.value)


def test_the_command(collection_root: Path, tmp_path: Path) -> None:
    own = [f"collection={collection_root}", "out=out", f"base={BASE}"]
    done = run("export", *own, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("→ out/collection.json\n")
