"""Schemes for artworks: museums' tables and the names of their files become a gallery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.preparing.artworks import prepare_artworks
from drawsim.preparing.museum_tables import load_museum
from tests.checkout import ROOT
from tests.preparing.archive_files import picture, put, table
from tests.preparing.museum_server import Odd, museum

FETCH = {"allow_private": True, "rate": 100.0, "attempts": 1}


def scheme(name: str, **changed: Any) -> dict[str, Any]:
    return {**yaml.safe_load((ROOT / "conf/scheme" / f"{name}.yaml").read_text("utf-8")), **changed}


def run(source: Path, out: Path, name: str, **settings: Any) -> Summary:
    return prepare_artworks(
        source, out, 2, extract=False, scheme=scheme(name), fetch=FETCH, **settings
    )


def rows(out: Path) -> dict[str, dict[str, str]]:
    return table(out / "artworks.csv")


def test_the_table_of_the_met(tmp_path: Path, shared_cases: Path) -> None:
    put(tmp_path, {"met.csv": (shared_cases / "museum" / "met_shape.csv").read_bytes()})
    put(tmp_path, {"1001.jpg": picture(), "1002.jpg": picture()})
    run(tmp_path / "met.csv", tmp_path, "met")
    found = rows(tmp_path)
    assert found["1001"]["artist"] == "Example Engraver; Example Publisher"
    assert found["1002"]["artist"] == "", "Anonymous is nobody"
    assert [found[name]["year"] for name in found] == ["1889", "1912"]
    assert found["1002"]["year_to"] == "1913"
    assert found["1001"]["path"] == "1001.jpg"
    assert found["1002"]["title"] == 'The "blue" house'
    assert found["1001"]["public_domain"] == "True"


def test_objects_of_the_met_with_their_images(tmp_path: Path) -> None:
    with museum() as place:
        place.picture("a", 40, 30)
        where = f"{place.url}/images/a/full/max/0/default.jpg"
        objects = [
            {"objectID": 5, "title": "Sea", "primaryImageSmall": where, "objectDate": "1880s"},
            {"objectID": 6, "title": "Sky", "primaryImageSmall": "", "primaryImage": ""},
            {"objectID": 7, "title": "Wood", "primaryImage": f"{place.url}/gone.jpg"},
        ]
        (tmp_path / "o.json").write_text(json.dumps(objects))
        summary = run(tmp_path / "o.json", tmp_path / "out", "met")
        assert {name: row["path"] for name, row in rows(tmp_path / "out").items()} == {
            "5": "artworks/5.jpg"
        }
        assert (rows(tmp_path / "out")["5"]["year"], rows(tmp_path / "out")["5"]["year_to"]) == (
            "1880",
            "1889",
        )
        assert summary.skipped["rows without an image"] == 1
        assert summary.skipped["images that cannot be had"] == 1
        assert "gone.jpg" in (tmp_path / "out" / "not_fetched.csv").read_text()
        again = run(tmp_path / "o.json", tmp_path / "out", "met")
        assert (again.made["images fetched"], again.skipped["images fetched before"]) == (0, 1)


def test_answers_of_the_rijksmuseum(tmp_path: Path, shared_cases: Path) -> None:
    told = json.loads((shared_cases / "museum" / "rijks_shape.json").read_text("utf-8"))
    with museum() as place:
        place.picture("g1", 40, 30)
        place.odd["/g1=s300"] = Odd(302, {"Location": "/images/g1/full/max/0/default.jpg"})
        told["artObjects"][0]["webImage"]["url"] = f"{place.url}/g1=s0"
        (tmp_path / "rijks.json").write_text(json.dumps(told))
        summary = run(tmp_path / "rijks.json", tmp_path, "rijksmuseum", size=300)
        assert place.asked["/g1=s300"] == 1
    found = rows(tmp_path)["SK-A-0001"]
    assert (found["title"], found["artist"]) == ("Harbour", "Example Painter")
    assert found["path"] == "artworks/SK-A-0001.jpg"
    assert summary.skipped["rows without an image"] == 1


@pytest.mark.parametrize("as_csv", [False, True])
def test_exports_of_wikidata(tmp_path: Path, as_csv: bool) -> None:
    with museum() as place:
        place.picture("p", 40, 30)
        place.odd["/p.jpg?width=1024"] = Odd(302, {"Location": "/images/p/full/max/0/default.jpg"})
        row = {
            "item": "http://www.wikidata.org/entity/Q12418",
            "itemLabel": "Mona Lisa",
            "image": f"{place.url}/p.jpg",
            "creatorLabel": "Leonardo da Vinci",
            "inception": "1503-01-01T00:00:00Z",
        }
        if as_csv:
            text = f"{','.join(row)}\n{','.join(row.values())}\n"
        else:
            bound = {name: {"type": "literal", "value": value} for name, value in row.items()}
            text = json.dumps({"results": {"bindings": [bound]}})
        source = tmp_path / ("w.csv" if as_csv else "w.json")
        source.write_text(text)
        run(source, tmp_path, "wikidata")
    (found,) = rows(tmp_path).values()
    assert (found["id"], found["title"], found["artist"], found["year"]) == (
        *("Q12418", "Mona Lisa", "Leonardo da Vinci", "1503"),
    )


def test_answers_of_europeana(tmp_path: Path) -> None:
    with museum() as place:
        place.picture("e", 40, 30)
        item = {
            "id": "/2021618/details_25027",
            "title": ["Le port", "The harbour"],
            "edmIsShownBy": [f"{place.url}/images/e/full/max/0/default.jpg"],
            "rights": ["http://rightsstatements.org/vocab/InC/1.0/"],
            "year": ["1887"],
        }
        (tmp_path / "e.json").write_text(json.dumps({"success": True, "items": [item]}))
        run(tmp_path / "e.json", tmp_path, "europeana")
    (found,) = rows(tmp_path).values()
    assert found["id"] == "/2021618/details_25027"
    assert found["rights"] == "http://rightsstatements.org/vocab/InC/1.0/"
    assert (tmp_path / found["path"]).is_file()


def test_folders_of_wikiart(tmp_path: Path, shared_cases: Path) -> None:
    names = (shared_cases / "museum" / "wikiart_names.txt").read_text("utf-8").split()
    put(tmp_path / "in", dict.fromkeys(names, picture()))
    run(tmp_path / "in", tmp_path / "out", "wikiart")
    told = [
        [row.get(name, "") for name in ("style", "artist", "title", "year")]
        for row in rows(tmp_path / "out").values()
    ]
    assert sorted(told) == [
        ["Art Nouveau Modern", "", "poster", "1899"],
        ["Baroque", "Example Painter", "the harbour", "1660"],
        ["Cubism", "Example Painter", "the harbour", "1910"],
        ["Pop Art", "Élève D Atelier", "sans titre", ""],
    ]


def test_names_of_commons(tmp_path: Path) -> None:
    names = [
        "Vincent van Gogh - The Starry Night - Google Art Project",
        "800px-Edvard_Munch_-_The_Scream",
        "IMG_2031",
    ]
    put(tmp_path / "in", {f"{name}.jpg": picture() for name in names})
    summary = run(tmp_path / "in", tmp_path / "out", "commons")
    told = {row["artist"]: row.get("title", "") for row in rows(tmp_path / "out").values()}
    assert told["Vincent van Gogh"] == "The Starry Night"
    assert told["Edvard Munch"] == "The Scream"
    assert any(
        "IMG_2031" in note and "not called as scheme commons" in note for note in summary.notes
    )


def test_a_scheme_for_drawings_is_not_used(tmp_path: Path) -> None:
    put(tmp_path / "in", {"Manet/olympia.jpg": picture()})
    run(tmp_path / "in", tmp_path / "out", "imaj")
    assert rows(tmp_path / "out")["olympia"]["artist"] == "Manet"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"colums": {}}, "scheme.colums: no such setting, did you mean columns"),
        ({"columns": {"title": ["Title"]}}, "which column has the ids"),
        ({"columns": ["Title"]}, "columns must be a mapping"),
        ({"id_pattern": "("}, "id_pattern is not a regular expression"),
        ({"url_size": ["a"]}, "url_size must be a pattern and what"),
    ],
)
def test_a_scheme_that_cannot_be_used(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_museum(scheme("met", **changed))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.json", "3", "has no list of rows"),
        ("a.json", '[{"id": 1}]', "no column 'Object ID' or 'objectID'"),
        ("a.csv", "id,title\n1,a\n", "no column 'Object ID' or 'objectID'"),
        ("a.txt", "x", "nor a .csv or .tsv or .json or .jsonl table"),
        (
            "a.json",
            '[{"objectID": 1, "primaryImage": "http://127.0.0.1:9/x"}]',
            "none of 1 image",
        ),
        (
            "a.json",
            '[{"objectID": 1, "primaryImage": "file:///etc/passwd"}]',
            "none of 1 image",
        ),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=words):
        run(tmp_path / name, tmp_path / "out", "met")
    assert not (tmp_path / "out" / "artworks.csv").exists()
