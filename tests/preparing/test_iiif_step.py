"""The step `iiif`, from a museum on this machine to rows and pictures."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.pixels.decode import read_image
from drawsim.preparing.iiif.step import prepare_iiif
from tests.checkout import ROOT
from tests.preparing.archive_files import table
from tests.preparing.museum_server import Museum, Odd, canvas, described, museum, painted

PAIRS = [
    {"label": {"en": ["Creator"]}, "value": {"none": ["Ada_Example"]}},
    {"label": {"de": ["Datierung"]}, "value": {"none": ["1912–13"]}},
    {"label": {"en": ["Mood"]}, "value": {"none": ["calm"]}},
]


def run(source: str | Path, out: Path, **settings: Any) -> Summary:
    """The step with the settings of conf, but for a museum on this machine and without patience."""
    own = yaml.safe_load((ROOT / "conf" / "step" / "iiif.yaml").read_text("utf-8"))
    own = {key: own[key] for key in own if key not in ("name", "_target_", "addresses")}
    manners = {"allow_private": True, "rate": 100.0, "attempts": 1, "timeout": 20.0}
    own |= {"size": 64, "fetch": manners | settings.pop("fetch", {})}
    return prepare_iiif(str(source), out, 2, **{**own, **settings})


def rows(out: Path, kind: str = "artworks") -> dict[str, dict[str, str]]:
    return table(out / f"{kind}.csv")


def two_books(place: Museum) -> str:
    """A collection within a collection, of two manifests with three canvases."""
    book = place.manifest(
        "book",
        [place.picture("a", 200, 100), place.picture("b", 50, 40, level=0)],
        metadata=PAIRS,
        rights="http://creativecommons.org/publicdomain/zero/1.0/",
    )
    card = place.manifest("card", [place.picture("c", 300, 400, version=2, level=2)])
    inner = {"id": f"{place.url}/inner", "type": "Collection", "label": {"en": ["Inner"]}}
    place.documents["/inner"] = inner | {"items": [{"id": card, "type": "Manifest"}]}
    place.documents["/top"] = {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": f"{place.url}/top",
        "type": "Collection",
        "items": [{"id": book, "type": "Manifest"}, inner, {"id": book, "type": "Manifest"}],
    }
    return f"{place.url}/top"


def test_from_a_nested_collection_to_a_gallery(tmp_path: Path) -> None:
    with museum() as place:
        summary = run(two_books(place), tmp_path)
        found = rows(tmp_path)
        assert list(found) == ["book-1", "book-2", "card-1"]
        assert found["book-1"] == {
            "id": "book-1",
            "path": "artworks/book-1.jpg",
            "title": "Book – leaf 1",
            "artist": "Ada_Example",
            "artist_name": "Ada Example",
            "year": "1912",
            "year_to": "1913",
            "label": "Book – leaf 1",
            "date": "1912–13",
            "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
            "manifest": f"{place.url}/book/manifest",
            "canvas": f"{place.url}/book/canvas/1",
            "canvas_box": "0,0,1000,1000",
            "image_service": f"{place.url}/images/a",
            "image_profile": "ImageService3 level1",
            "canvas_label": "leaf 1",
        }
        assert found["card-1"]["artist"] == found["card-1"]["rights"] == ""
        shapes = {name: read_image(tmp_path / row["path"]).shape[:2] for name, row in found.items()}
        assert shapes == {"book-1": (32, 64), "book-2": (40, 50), "card-1": (64, 48)}
        assert summary.read == {"collections": 2, "manifests": 2, "canvases": 3}
        assert "listed more than once, and read once: 1" in summary.notes
        assert any("labels that no column takes: Mood" in note for note in summary.notes)

        place.asked.clear()
        again = run(two_books(place), tmp_path)
        assert not place.asked, "everything is there: nothing is asked"
        assert again.made == {"artworks, all as they were": 3, "images fetched": 0}


def test_what_could_not_be_had_is_listed_and_tried_again(tmp_path: Path) -> None:
    with museum() as place:
        source = two_books(place)
        place.odd["/images/b/info.json"] = Odd(404)
        place.odd["/images/b/full/max/0/default.jpg"] = Odd(
            body=b"<html>log in", headers={"Content-Type": "text/html"}, times=1
        )
        place.odd["/card/manifest"] = Odd(500, times=1)
        summary = run(source, tmp_path)
        assert list(rows(tmp_path)) == ["book-1"]
        failed = pd.read_csv(tmp_path / "not_fetched.csv").fillna("")
        assert list(failed["id"]) == ["", "book-2"]
        assert list(failed["reason"].str.contains("500|HTML")) == [True, True]
        assert summary.skipped["images that cannot be had"] == 1
        run(source, tmp_path)
        assert list(rows(tmp_path)) == ["book-1", "book-2", "card-1"]
        assert not (tmp_path / "not_fetched.csv").exists()
        assert place.asked["/images/a/info.json"] == 1


def test_a_run_that_is_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five kills between six pictures: each is fetched once."""
    from drawsim.preparing.iiif import pictures

    real = pictures._fetch
    with museum() as place:
        source = place.manifest("book", [place.picture(f"p{n}", 40, 30) for n in range(6)])
        for _ in range(5):
            done: list[str] = []

            def fetch(wanted: pictures.Wanted, *rest: Any, done: list[str] = done) -> str:
                if done:
                    raise KeyboardInterrupt
                done.append(wanted.name)
                return real(wanted, *rest)

            monkeypatch.setattr(pictures, "_fetch", fetch)
            with pytest.raises(KeyboardInterrupt):
                run(source, tmp_path)
            assert not (tmp_path / "artworks.csv").exists()
        monkeypatch.setattr(pictures, "_fetch", real)
        summary = run(source, tmp_path)
        assert len(rows(tmp_path)) == 6
        assert summary.skipped["images fetched before"] == 5
        assert set(place.asked.values()) == {1}
        assert not list((tmp_path / "artworks").glob(".*"))


def test_rows_of_other_sources_and_what_people_changed_stay(tmp_path: Path) -> None:
    with museum() as place:
        one = place.manifest("one", [place.picture("a", 40, 30), place.picture("b", 40, 30)])
        two = place.manifest("two", [place.picture("c", 40, 30)], metadata=PAIRS)
        run(one, tmp_path)
        run(two, tmp_path)
        assert list(rows(tmp_path)) == ["two-1", "one-1", "one-2"]
        assert rows(tmp_path)["two-1"]["artist"] == "Ada_Example"
        path = tmp_path / "artworks.csv"
        edited = pd.read_csv(path, dtype=str).fillna("")
        edited = edited[edited["id"] != "one-2"]
        edited.loc[edited["id"] == "one-1", "title"] = "The boat"
        edited.to_csv(path, index=False)
        run(one, tmp_path)
        assert set(rows(tmp_path)) == {"one-1", "two-1"}
        assert rows(tmp_path)["one-1"]["title"] == "The boat"


def test_drawings_can_come_from_manifests(tmp_path: Path) -> None:
    with museum() as place:
        pairs = [{"label": {"en": ["Country"]}, "value": {"none": ["Japan"]}}]
        source = place.manifest("class", [place.picture("a", 40, 30)], metadata=pairs)
        run(source, tmp_path, kind="drawing")
        assert rows(tmp_path, "drawings")["class-1"]["country"] == "Japan"
        assert rows(tmp_path, "drawings")["class-1"]["path"] == "drawings/class-1.jpg"


def test_a_list_of_addresses_and_a_file(tmp_path: Path) -> None:
    with museum() as place:
        one = place.manifest("one", [place.picture("a", 40, 30)])
        two = place.manifest("two", [place.picture("b", 40, 30)])
        (tmp_path / "list.txt").write_text(f"# mine\n{one}\n\n{two}\n{place.url}/gone\n")
        summary = run(tmp_path / "list.txt", tmp_path / "a")
        assert list(rows(tmp_path / "a")) == ["one-1", "two-1"]
        assert summary.skipped["documents that cannot be had or read"] == 1
        import json

        (tmp_path / "own.json").write_text(json.dumps(place.documents["/one/manifest"]))
        run(tmp_path / "own.json", tmp_path / "b")
        assert list(rows(tmp_path / "b")) == ["one-1"]


def test_documents_are_asked_again_only_if_wished(tmp_path: Path) -> None:
    with museum() as place:
        source = place.manifest("one", [place.picture("a", 40, 30)])
        run(source, tmp_path)
        document = place.documents["/one/manifest"]
        assert isinstance(document, dict)
        document["label"] = {"en": ["New"]}
        run(source, tmp_path)
        assert rows(tmp_path)["one-1"]["title"] == "One – leaf 1"
        run(source, tmp_path, refresh=True)
        assert rows(tmp_path)["one-1"]["title"] == "New – leaf 1"
        assert place.asked["/one/manifest"] == 2


def test_a_part_is_cut_where_the_service_cannot(tmp_path: Path) -> None:
    with museum() as place:
        whole = place.picture("map", 200, 100, level=0)
        part = {
            "type": "SpecificResource", "source": whole,
            "selector": {"type": "ImageApiSelector", "region": "50,20,100,60"},
        }  # fmt: skip
        place.documents["/m"] = {
            "id": f"{place.url}/m",
            "type": "Manifest",
            "items": [canvas(f"{place.url}/c/1", [part])],
        }
        run(f"{place.url}/m", tmp_path, size=1000)
        (row,) = rows(tmp_path).values()
        pixels = read_image(tmp_path / row["path"]).astype(int)
        wanted = np.asarray(painted("map", 200, 100)).astype(int)[20:80, 50:150]
        assert pixels.shape == wanted.shape
        assert np.abs(pixels - wanted).mean() < 3  # twice through JPEG


def test_an_image_without_a_service(tmp_path: Path) -> None:
    with museum() as place:
        place.picture("a", 40, 30)
        body = {"id": f"{place.url}/images/a/full/max/0/default.jpg", "type": "Image"}
        place.documents["/m"] = {
            "id": f"{place.url}/m",
            "type": "Manifest",
            "items": [canvas(f"{place.url}/c/1", [body])],
        }
        run(f"{place.url}/m", tmp_path)
        assert "/images/a/info.json" not in place.asked
        assert len(rows(tmp_path)) == 1


def test_limits_of_the_service_are_kept(tmp_path: Path) -> None:
    with museum() as place:
        bodies = [
            place.picture("wide", 400, 100, maxWidth=30),
            place.picture("area", 400, 400, maxArea=400),
            place.picture("old", 400, 100, version=1, level=1),
        ]
        run(place.manifest("book", bodies), tmp_path)
        sizes = [read_image(tmp_path / row["path"]).shape[:2] for row in rows(tmp_path).values()]
        assert sizes == [(8, 30), (20, 20), (16, 64)]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"<html>", "web page"),
        (b"{}", "no IIIF manifest"),
        (b" " * 70_000, "larger than the 65,536 bytes"),
        (described("s", 3, 1, 10, 10), "describes one image"),
        ({"type": "Manifest", "id": "m", "items": []}, "no image in 1 manifest"),
        ({"type": "Collection", "id": "c", "items": []}, "no image in 0 manifests"),
    ],
)
def test_a_source_that_has_no_images_is_one_line(tmp_path: Path, document: Any, words: str) -> None:
    with museum() as place:
        place.documents["/m"] = document
        with pytest.raises(UserError, match=words) as failure:
            run(f"{place.url}/m", tmp_path, largest_document=65_536)
        assert "\n" not in str(failure.value)
        assert not (tmp_path / "artworks.csv").exists()


def test_a_collection_in_a_circle_ends(tmp_path: Path) -> None:
    with museum() as place:
        card = place.manifest("card", [place.picture("a", 40, 30)])
        for name, other in (("x", "y"), ("y", "x")):
            place.documents[f"/{name}"] = {
                "id": f"{place.url}/{name}/", "type": "Collection",
                "items": [{"id": f"{place.url}/{other}", "type": "Collection"},
                          {"id": card, "type": "Manifest"}],
            }  # fmt: skip
        run(f"{place.url}/x", tmp_path)
        assert list(rows(tmp_path)) == ["card-1"]
        assert place.asked["/x"] == place.asked["/y"] == place.asked["/card/manifest"] == 1


def test_wrong_settings_and_sources_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("neither JSON nor addresses")
    for source, settings, words in (
        (tmp_path / "nothing.json", {}, "is not there; source is the address"),
        (tmp_path / "a.txt", {}, "nor a list of addresses"),
        (tmp_path, {}, "is a folder"),
        ("ftp://m.org/a", {}, "no address of the web"),
        ("http://127.0.0.1:9/m", {"fetch": {"allow_private": False}}, "allow_private=true"),
        ("http://m.org", {"kind": "poster"}, "choose from artwork, drawing"),
        ("http://m.org", {"size": 1}, "step.size=1"),
        ("http://m.org", {"fetch": {"rate": 0.0}}, "fetch.rate=0"),
    ):
        with pytest.raises(UserError, match=words):
            run(source, tmp_path / "out", **settings)
    assert not (tmp_path / "out" / "artworks.csv").exists()


def test_a_picture_of_somebody_elses_is_not_taken_for_the_museums(tmp_path: Path) -> None:
    (tmp_path / "artworks").mkdir()
    painted("own", 40, 30).save(tmp_path / "artworks" / "book-1.jpg")
    own = (tmp_path / "artworks" / "book-1.jpg").read_bytes()
    painted("stray", 40, 30).save(tmp_path / "artworks" / "book-2.jpg")
    (tmp_path / "artworks.csv").write_text("id,path,artist\nbook-1,artworks/book-1.jpg,Ada\n")
    with museum() as place:
        pictures = [place.picture("a", 40, 30), place.picture("b", 40, 30)]
        source = place.manifest("book", pictures)
        run(source, tmp_path)
        run(source, tmp_path)
    found = rows(tmp_path)
    assert found["book-1"]["artist"] == "Ada"
    assert found["book-1"]["canvas"] == ""
    assert (tmp_path / "artworks" / "book-1.jpg").read_bytes() == own
    assert len(found) == 3
    assert not {"book-1", "book-2"} & {name for name, row in found.items() if row["canvas"]}


def test_canvases_whose_ids_are_not_theirs_alone_are_all_there(tmp_path: Path) -> None:
    with museum() as place:
        members = []
        for name in ("one", "two"):
            body = canvas("canvas1", [place.picture(name, 40, 30)])
            document = {"id": "manifest", "type": "Manifest", "items": [body]}
            place.documents[f"/{name}"] = document
            members.append({"id": f"{place.url}/{name}", "type": "Manifest"})
        again = place.manifest("again", [place.picture("x", 40, 30)])
        members += [{"id": each, "type": "Manifest"} for each in (again, f"{place.url}/copy")]
        place.documents["/copy"] = place.documents["/again/manifest"]
        place.documents["/top"] = {"id": "top", "type": "Collection", "items": members}
        summary = run(f"{place.url}/top", tmp_path)
        assert len(rows(tmp_path)) == 3
        assert "canvases listed by several manifests, and taken once: 1" in summary.notes
        run(f"{place.url}/top", tmp_path)
        assert len(rows(tmp_path)) == 3


def test_one_bad_canvas_does_not_keep_the_others_away(tmp_path: Path) -> None:
    odd = [
        {"id": "http://[bad/x.jpg", "type": "Image"},
        {"id": f"http://{'a' * 70}.com/x.jpg", "type": "Image"},
        {"id": "http://a..b/x.jpg", "type": "Image"},
        {"id": "http://m.org/\ud800.jpg", "type": "Image"},
    ]
    with museum() as place:
        place.odd["/moved"] = Odd(302, {"Location": "//["})
        place.odd["/later"] = Odd(503, {"Retry-After": "9" * 5000})
        odd += [{"id": f"{place.url}/{name}", "type": "Image"} for name in ("moved", "later")]
        good = {**place.picture("a", 40, 30), "type": "Image"}
        source = place.manifest("book", [good, *odd], label={"en": ["a\0b \ud800"]})
        document = place.documents["/book/manifest"]
        assert isinstance(document, dict)
        target = document["items"][0]["items"][0]["items"][0]
        target["target"] = f"x#xywh=1.2.3,{'9' * 400},5,5"
        run(source, tmp_path, fetch={"patience": 1.0})
    (found,) = rows(tmp_path).values()
    assert found["label"].startswith("a b – leaf")


def test_a_full_disk_is_no_fault_of_the_museum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drawsim.preparing.fetching import fetcher

    with museum() as place:
        source = place.manifest("book", [place.picture("a", 40, 30)])
        run(place.manifest("other", [place.picture("b", 40, 30)]), tmp_path)
        real = io.BytesIO.write

        def write(target: Any, block: bytes) -> None:
            if not isinstance(target, io.BytesIO):
                raise OSError(errno.ENOSPC, "No space left on device")
            real(target, block)

        monkeypatch.setattr(fetcher, "_write", lambda *given: _failing(write, *given))
        with pytest.raises(OSError, match="No space left"):
            run(source, tmp_path, fetch={"attempts": 5})
        assert place.asked["/images/a/full/max/0/default.jpg"] == 1


def _failing(write: Any, target: Any, block: bytes) -> None:
    from drawsim.preparing.fetching.fetcher import _DiskError

    try:
        write(target, block)
    except OSError as error:
        raise _DiskError(error) from error
