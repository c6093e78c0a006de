from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from drawsim.collection.demo import demo_root, make_demo
from drawsim.collection.demo.artists import ARTISTS
from drawsim.collection.demo.genres import GENRES, compose
from drawsim.collection.demo.geometry import blob, ellipse, hatch, resample
from drawsim.collection.demo.motifs import MOTIFS
from drawsim.collection.demo.plan import Size, make_plan
from drawsim.collection.demo.retell import AGES, Age, retell
from drawsim.common.errors import UserError
from drawsim.common.files import user_cache

TINY = {"artworks": 24, "paired_artworks": 12, "pairs": 16, "unpaired_drawings": 2, "motifs": 1}
IMAJ = re.compile(r"(\d{4})_(3-5|6-9|10-13|14-17|18-25)_(\d{4})_([A-Z]{3})_R_C")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "tiny"
    make_demo(root, **TINY, progress=False)
    return root


def test_tables_keep_the_data_contract(tiny: Path) -> None:
    drawings, artworks = table(tiny / "drawings.csv"), table(tiny / "artworks.csv")
    pairs = table(tiny / "pairs.csv")
    assert list(drawings[0]) == ["id", "path", "year", "age_group", "country"]
    assert list(artworks[0]) == ["id", "path", "artist", "title"]
    assert list(pairs[0]) == ["drawing_id", "artwork_id", "pair"]
    drawing_ids, artwork_ids = {d["id"] for d in drawings}, {a["id"] for a in artworks}
    assert len(drawing_ids) == len(drawings)
    assert len(artwork_ids) == len(artworks) == 24
    assert {p["drawing_id"] for p in pairs} <= drawing_ids
    assert {p["artwork_id"] for p in pairs} <= artwork_ids
    named = [(p["drawing_id"], p["artwork_id"]) for p in pairs]
    assert len(set(named)) == len(named)
    assert {p["pair"] for p in pairs} == {"true", "false"}
    confirmed = [p for p in pairs if p["pair"] == "true"]
    assert len(confirmed) == 16
    assert len({p["artwork_id"] for p in confirmed}) == 12
    assert len(drawing_ids - {p["drawing_id"] for p in pairs}) == 2 + MOTIFS[0].drawings


def test_every_picture_decodes_and_none_is_blank(tiny: Path) -> None:
    rows = table(tiny / "drawings.csv") + table(tiny / "artworks.csv")
    assert {str(p.relative_to(tiny)) for p in tiny.rglob("*.jpg")} == {r["path"] for r in rows}
    for row in rows:
        picture = cv2.imdecode(
            np.frombuffer((tiny / row["path"]).read_bytes(), np.uint8), cv2.IMREAD_COLOR
        )
        assert picture is not None
        assert 310 <= max(picture.shape[:2]) <= 420
        assert min(picture.shape[:2]) >= 180
        assert picture.std() > 5


def test_drawing_names_follow_the_imaj_scheme(tiny: Path) -> None:
    for row in table(tiny / "drawings.csv"):
        match = IMAJ.fullmatch(row["id"])
        assert match, row["id"]
        assert match.groups()[0] == row["year"]
        assert match.groups()[1] == row["age_group"]
        assert match.groups()[3] == row["country"]
        assert 1994 <= int(row["year"]) <= 2020
        assert row["path"] == f"drawings/{row['id']}.jpg"


def test_same_bytes_whatever_the_number_of_workers(tiny: Path, tmp_path: Path) -> None:
    make_demo(tmp_path / "three", **TINY, workers=3, progress=False)
    assert digests(tmp_path / "three") == digests(tiny)


def test_another_seed_gives_other_pictures(tiny: Path, tmp_path: Path) -> None:
    small = {"artworks": 3, "paired_artworks": 1, "pairs": 1, "unpaired_drawings": 0}
    for seed in (0, 1):
        make_demo(tmp_path / str(seed), **small, seed=seed, progress=False)
    one, other = digests(tmp_path / "0"), digests(tmp_path / "1")
    assert not set(one.values()) & set(other.values())


def test_the_default_has_the_pairs_and_components_of_a_real_collection() -> None:
    plan = make_plan(Size())
    confirmed = [(d, a) for d, a, pair in plan.pairs if pair]
    per_artwork = Counter(a for _, a in confirmed)
    per_drawing = Counter(d for d, _ in confirmed)
    assert len(plan.artworks) == 600
    assert len(confirmed) == len(set(confirmed)) == 130
    assert len(per_artwork) == 100
    assert max(per_artwork.values()) in (2, 3)
    assert sorted(per_drawing.values())[-4:] == [1, 2, 2, 2]
    assert len(plan.drawings) == len(per_drawing) + 30
    assert sum(not pair for _, _, pair in plan.pairs) == 10
    assert len({w.genre for w in plan.artworks}) == len(GENRES) >= 9
    assert len({w.artist.name for w in plan.artworks}) == len(ARTISTS) >= 20


def test_a_drawing_of_two_artworks_shows_two_versions_by_one_artist() -> None:
    plan = make_plan(Size())
    works = {work.id: work for work in plan.artworks}
    twins: dict[str, list[str]] = {}
    for drawing, artwork, pair in plan.pairs:
        if pair:
            twins.setdefault(drawing, []).append(artwork)
    for first, second in (ids for ids in twins.values() if len(ids) == 2):
        assert works[first].artist == works[second].artist
        one, other = works[first].scene(0), works[second].scene(0)
        assert len(one.shapes) == len(other.shapes)
        shift = max(
            np.abs(a.points - b.points).max() for a, b in zip(one.shapes, other.shapes, strict=True)
        )
        assert 0 < shift < 0.08


def test_ambiguous_rows_name_another_work_of_the_same_kind() -> None:
    plan = make_plan(Size())
    works = {work.id: work for work in plan.artworks}
    models = {d.id: d.model for d in plan.drawings}
    for drawing, artwork, pair in plan.pairs:
        if not pair:
            model = models[drawing]
            assert model is not None
            assert works[artwork].genre == model.genre
            assert works[artwork].theme != model.theme


@pytest.mark.parametrize("genre", GENRES)
def test_scenes_of_a_genre_differ(genre: str) -> None:
    scenes = [compose(genre, np.random.default_rng([5, k])) for k in range(12)]
    assert len({len(scene.shapes) for scene in scenes}) >= 5
    for scene in scenes:
        assert scene.shapes[0].role == "backdrop"
        assert any(shape.group > 0 for shape in scene.shapes)


def _displacement(age: Age) -> float:
    """Mean distance, in heights, of a motif's centre in the drawing from that in the scene."""
    total = []
    for number, genre in enumerate(GENRES):
        for k in range(2):
            scene = compose(genre, np.random.default_rng([3, number, k]))
            told = retell(scene, age, np.random.default_rng([4, number, k]))
            for group in {shape.group for shape in told}:
                here = np.vstack([s.points for s in told if s.group == group]).mean(axis=0)
                meant = np.vstack([s.points for s in scene.shapes if s.group == group])
                total.append(float(np.hypot(*(here - meant.mean(axis=0)))))
    return float(np.mean(total))


def test_the_younger_the_child_the_larger_the_distortion() -> None:
    distances = [_displacement(age) for age in AGES]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 2 * distances[-1]


def test_older_children_draw_more_of_the_scene() -> None:
    scenes = [compose(g, np.random.default_rng([6, k])) for g in GENRES for k in range(2)]
    kept = [
        np.mean([len(retell(s, age, np.random.default_rng(k))) for k, s in enumerate(scenes)])
        for age in AGES
    ]
    assert kept == sorted(kept)


def test_a_killed_build_leaves_no_folder_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    code = (
        "from pathlib import Path; from drawsim.collection.demo import make_demo; "
        f"make_demo(Path({str(root)!r}), workers=2, progress=False)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    build = subprocess.Popen([sys.executable, "-c", code], env=environment)
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("*.jpg")):
        assert build.poll() is None, "the build ended before it could be killed"
        assert time.monotonic() < deadline, "the build wrote nothing"
        time.sleep(0.02)
    build.send_signal(signal.SIGKILL)
    build.wait()
    assert not root.exists()
    (left,) = tmp_path.iterdir()
    os.utime(left, (0, 0))
    make_demo(root, **TINY, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert len(list(root.rglob("*.jpg"))) == len(make_plan(Size(**TINY)).drawings) + 24


def test_the_cached_folder_is_made_once(tmp_path: Path) -> None:
    small = {"artworks": 4, "paired_artworks": 2, "pairs": 3, "unpaired_drawings": 1}
    root = demo_root(tmp_path, **small)
    mark = root / "mark"
    mark.touch()
    assert demo_root(tmp_path, **small) == root
    assert mark.exists()
    assert demo_root(tmp_path, **small, seed=1) != root


def test_the_demo_is_kept_in_the_users_cache() -> None:
    root = demo_root(artworks=1, paired_artworks=1, pairs=1, unpaired_drawings=0)
    assert root.parent == user_cache()
    assert (root / "pairs.csv").exists()


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({"artworks": 5, "paired_artworks": 6, "pairs": 6}, "raise artworks"),
        ({"artworks": 5, "paired_artworks": 5, "pairs": 4}, "between 5 and 15"),
        ({"artworks": 5, "paired_artworks": 5, "pairs": 16}, "between 5 and 15"),
        ({"artworks": -1}, "negative"),
        ({"motifs": 7}, "6 motifs to plant, not 7"),
    ],
)
def test_contradictory_counts_get_a_clear_line(
    tmp_path: Path, counts: dict[str, int], text: str
) -> None:
    with pytest.raises(UserError, match=text):
        make_demo(tmp_path / "demo", **counts, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_place_that_takes_no_files_gets_a_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="could not be written"):
        make_demo(tmp_path / "file" / "demo", **TINY, progress=False)


def test_a_full_disk_gets_a_clear_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="the disk is full"):
        make_demo(tmp_path / "demo", **TINY, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_worker_that_cannot_write_says_so(tmp_path: Path) -> None:
    job = json.dumps([str(tmp_path / "nowhere"), asdict(Size(1, 1, 1, 0)), 0, 1])
    command = [sys.executable, "-m", "drawsim.collection.demo", job]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    number, text = json.loads(done.stdout)
    assert number == -1
    assert "nowhere" in text
    assert done.stderr == ""


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.pdf").touch()
    with pytest.raises(UserError, match="choose another folder"):
        make_demo(tmp_path, **TINY, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.pdf"]


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2])
def test_hatching_covers_the_area_of_the_outline(angle: float) -> None:
    outline = blob(np.random.default_rng(2), 0.5, 0.5, 0.3, 0.2, 0.2)
    x, y = outline.T
    area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    segments = hatch(outline, angle, 0.002)
    length = np.hypot(*(segments[:, 1] - segments[:, 0]).T).sum()
    assert length * 0.002 == pytest.approx(area, rel=0.01)


def test_hatching_of_less_than_one_gap_is_empty() -> None:
    assert hatch(ellipse(0, 0, 1, 0.01), 0.0, 0.1).shape == (0, 2, 2)


def test_resampling_keeps_to_the_outline() -> None:
    circle = ellipse(0, 0, 1, 1, count=200)
    path = resample(circle, 0.1, closed=True)
    assert np.allclose(np.hypot(*path.T), 1, atol=1e-3)
    steps = np.hypot(*np.diff(path, axis=0).T)
    assert np.allclose(steps, steps[0], rtol=1e-2)
