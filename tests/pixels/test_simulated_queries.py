"""Queries made of a gallery alone: how many, which, and that they stay what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.pixels.decode import read_image
from drawsim.pixels.simulated_queries import simulate_queries


def inverted(image: np.ndarray, seed: int) -> np.ndarray:
    """A view whose first pixel tells its seed."""
    view = 255 - image
    view[0, 0] = [seed // 256, seed % 256, 7]
    return view


def gallery(root: Path, count: int, pictures: int | None = None) -> Collection:
    """So many artworks, of as many pictures."""
    pictures = pictures or count
    root.mkdir(parents=True, exist_ok=True)
    for number in range(pictures):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(pixels).save(root / f"{number}.png")
    lines = [f"a{number},{number % pictures}.png" for number in range(count)]
    (root / "artworks.csv").write_text("\n".join(["id,path", *lines]) + "\n", encoding="utf-8")
    return Collection.open(root, tables=("artworks",))


@pytest.mark.parametrize(("artworks", "each"), [(20, 1), (39, 1), (40, 2), (105, 5), (2500, 100)])
def test_a_tenth_of_the_gallery_at_most_two_hundred_half_val_half_test(
    tmp_path: Path, artworks: int, each: int
) -> None:
    collection = gallery(tmp_path / "gallery", artworks, pictures=5)
    found, split = simulate_queries(collection, inverted, tmp_path / "queries", seed=0)
    assert split["set"].value_counts().to_dict() == {"val": each, "test": each}
    assert len(found.drawings) == len(found.pairs) == len(set(split["artwork_id"])) == 2 * each
    assert len(list((tmp_path / "queries").iterdir())) == 2 * each
    assert found.artworks is collection.artworks


def test_a_query_is_a_view_of_its_artwork(tmp_path: Path) -> None:
    collection = gallery(tmp_path / "gallery", 60)
    found, split = simulate_queries(collection, inverted, tmp_path / "queries", seed=3)
    seeds = set()
    for row in split.to_dict("records"):
        drawing, artwork = row["drawing_id"], row["artwork_id"]
        assert drawing != artwork
        assert row["parent"] == drawing
        view = read_image(found.paths("drawing", [drawing])[drawing])
        seeds.add(tuple(view[0, 0].tolist()))
        picture = read_image(collection.paths("artwork", [artwork])[artwork])
        assert np.array_equal(view.reshape(-1, 3)[1:], 255 - picture.reshape(-1, 3)[1:])
    assert len(seeds) == len(split) == 6  # each view from a seed of its own
    assert split["cluster"].is_unique
    pairs = found.true_pairs[["drawing_id", "artwork_id"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(pairs, split[["drawing_id", "artwork_id"]])


def test_the_seed_decides_which_and_how(tmp_path: Path) -> None:
    collection = gallery(tmp_path / "gallery", 60)

    def made(folder: str, seed: int) -> tuple[pd.DataFrame, list[bytes]]:
        _, split = simulate_queries(collection, inverted, tmp_path / folder, seed)
        files = sorted((tmp_path / folder).iterdir())
        return split, [file.read_bytes() for file in files]

    one, again, other = made("one", 0), made("again", 0), made("other", 1)
    pd.testing.assert_frame_equal(one[0], again[0])
    assert one[1] == again[1]
    assert set(one[0]["artwork_id"]) != set(other[0]["artwork_id"])
    assert one[1] != other[1]


def test_what_is_there_already_is_kept(tmp_path: Path) -> None:
    """As when a run is resumed: the queries are those that it began with."""
    collection = gallery(tmp_path / "gallery", 60)
    first, _ = simulate_queries(collection, inverted, tmp_path / "queries", seed=0)
    files = [Path(path) for path in first.drawings["path"]]
    before = [file.stat().st_mtime_ns for file in files]
    files[2].unlink()

    def not_again(image: np.ndarray, seed: int) -> np.ndarray:
        made.append(seed)
        return inverted(image, seed)

    made: list[int] = []
    second, _ = simulate_queries(collection, not_again, tmp_path / "queries", seed=0)
    assert made == [2]
    pd.testing.assert_frame_equal(first.drawings, second.drawings)
    after = [file.stat().st_mtime_ns for file in files]
    assert [a == b for a, b in zip(before, after, strict=True)] == [n != 2 for n in range(6)]


def test_paths_hold_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = gallery(tmp_path / "gallery", 20)
    monkeypatch.chdir(tmp_path)
    found, _ = simulate_queries(collection, inverted, Path("queries"), seed=0)
    monkeypatch.chdir("/")
    assert all(path.is_file() for path in found.paths("drawing", found.drawings.index).values())


@pytest.mark.parametrize("artworks", [1, 19])
def test_a_gallery_that_is_too_small_is_refused(tmp_path: Path, artworks: int) -> None:
    collection = gallery(tmp_path / "gallery", artworks)
    with pytest.raises(UserError, match=rf"{artworks} artworks?; at least 20 are needed"):
        simulate_queries(collection, inverted, tmp_path / "queries", seed=0)
    assert not (tmp_path / "queries").exists()
