"""Images embedded in parts: what is put together is the file of one command for all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from drawsim.common.errors import UserError
from drawsim.models.embedding.shard import Shard
from drawsim.models.embedding.shards import Shards
from drawsim.models.model import Model
from drawsim.retrieval.embeddings import load_embeddings
from drawsim.workflows.embed import EmbedSettings, Images, embed, merge_shards
from tests.learning.tiny import CPU, tiny_adaptation, tiny_model, write_images

TRAINER = CPU | {"enable_checkpointing": False}


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(0)
    adaptation = tiny_adaptation()
    rows = torch.nn.functional.normalize(torch.randn(40, 6), dim=1)
    adaptation.fit(rows[:20], rows[20:])
    return tiny_model(flip=True, adaptation=adaptation.eval())


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Thirty files, two of which are no images, and a folder that cannot be read."""
    folder = tmp_path_factory.mktemp("images")
    drawings, artworks = write_images(folder)
    files = {f"ä {path.stem}": path for path in [*drawings, *artworks]}
    bad = {name: folder / f"{name}.png" for name in ("bad", "worse")}
    for path in bad.values():
        path.write_text("no image")
    whole = {**dict(list(files.items())[:5]), **bad, **files}
    return Images(whole, {"closed": "may not be read"}, ["a note"])


@pytest.fixture
def make(model: Model, images: Images, tmp_path: Path) -> Callable[..., Path]:
    """Embed a shard, or all, with a store of its own."""

    def made(shard: str | None = None, of: Images = images, by: Model = model, **more: Any) -> Path:
        name = f"{shard}".replace("/", "-")
        settings = EmbedSettings(
            tmp_path / "F.safetensors",
            tmp_path / f"store {name}",
            batch=4,
            workers=0,
            shard=shard and Shard.read(shard),  # type: ignore[arg-type]
            **more,
        )
        embed(by, of, "drawing", TRAINER, settings)
        return settings.file

    return made


def together(files: list[Path], tmp_path: Path) -> Path:
    out = tmp_path / "merged.safetensors"
    merge_shards([str(file) for file in files], EmbedSettings(out))
    return out


@pytest.mark.parametrize("of", [1, 3, 40])
def test_the_same_bytes_as_of_one_command(
    make: Callable[..., Path], tmp_path: Path, of: int
) -> None:
    whole = make(float16=of == 3)
    shards = [make(f"{number}/{of}", float16=of == 3) for number in range(1, of + 1)]
    out = together(shards[::-1], tmp_path)
    for ending in (".safetensors", ".ids.csv", ".skipped.csv"):
        assert out.with_suffix(ending).read_bytes() == whole.with_suffix(ending).read_bytes()


def test_patterns_name_shards(make: Callable[..., Path], tmp_path: Path) -> None:
    whole = make()
    make("1/2"), make("2/2")
    out = tmp_path / "merged.safetensors"
    lines = merge_shards([str(tmp_path / "F.*-of-2.safetensors")], EmbedSettings(out))
    assert lines == [
        f"3 left out, listed in {out.with_suffix('.skipped.csv')}",
        f"{out}: 28 embeddings of 6 dimensions, of 2 shards",
    ]
    assert out.read_bytes() == whole.read_bytes()


def test_a_shard_is_an_embedding_file_of_its_own(make: Callable[..., Path]) -> None:
    file = make("2/3")
    assert file.name == "F.2-of-3.safetensors"
    listed = ["ä 0", "ä 1", "ä 2", "ä 3", "ä 4", "bad", "worse", *(f"ä {i}" for i in range(5, 28))]
    assert load_embeddings(file).ids == [name for name in listed[1::3] if name != "worse"]


@given(st.integers(1, 50), st.integers(0, 200))
def test_every_image_is_in_one_shard(of: int, count: int) -> None:
    files = {str(number): number for number in range(count)}
    parts = [Shard(number, of).part(files) for number in range(1, of + 1)]
    assert sorted(number for part in parts for number in part.values()) == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["17/16", "0/4", "3", "3/", "a/b", "-1/4", "1/9999999", "1/2/3"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UserError, match=r"the first of 16 is shard=1/16"):
        Shard.read(text)


def test_what_is_wrong_with_a_shard() -> None:
    with pytest.raises(UserError, match=r"shard=3/2: there is no part 3 of 2; the first"):
        Shard.read("3/2")
    with pytest.raises(UserError, match=r"a list has from 1 to 1,000,000 parts"):
        Shard.read("1/0")


def test_a_merge_of_nothing(tmp_path: Path) -> None:
    pattern = str(tmp_path / "nothing.*")
    with pytest.raises(UserError) as caught:
        merge_shards([pattern], EmbedSettings(tmp_path / "F.safetensors"))
    assert str(caught.value).startswith(f"merge={pattern}: no file is called so, or fits this")
    assert not list(tmp_path.iterdir())


def test_shards_that_cannot_be_put_together(
    make: Callable[..., Path], images: Images, tmp_path: Path
) -> None:
    one, two, three = (make(f"{number}/3") for number in (1, 2, 3))
    half = make("1/2")
    copy = tmp_path / "copy.safetensors"
    for ending in (".safetensors", ".ids.csv", ".skipped.csv"):
        copy.with_suffix(ending).write_bytes(one.with_suffix(ending).read_bytes())
    whole = make()
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    less = make("2/3", Images(dict(list(images.files.items())[1:]), {}))
    fewer_two = less.rename(fewer / less.name)
    less.with_suffix(".ids.csv").rename(fewer_two.with_suffix(".ids.csv"))
    two = make("2/3")
    cases = {
        r"of 3 shards there lack 2/3: embed them, with shard=2/3": [one, three],
        r"are both shard 1/3: name one of them": [one, copy, two, three],
        r"F\.safetensors: is no shard": [one, whole],
        r"shards of different lists of images \(30 and 29\)": [one, fewer_two, three],
        r"images of 30 in none of the 2 files": [half, two],
        r"is missing": [one, tmp_path / "none.safetensors"],
    }
    for said, files in cases.items():
        with pytest.raises(UserError, match=said) as told:
            Shards.open(files)
        assert "\n" not in str(told.value)
    assert len(Shards.open([one, half, two, three])) == 28


def changed(path: Path, metadata: dict[str, str], scale: float = 1) -> Path:
    """The shard with other metadata, or other vectors."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name).clone() for name in tuple(file.keys())}
        own = {**file.metadata(), **metadata}
    tensors["vectors"][0] *= scale
    save_file(tensors, path, own)
    return path


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"weights_sha256": "f00"}, "of different models (weights_sha256"),
        ({"versions": '{"torch": "0.1"}'}, "of different versions (versions: torch"),
    ],
)
def test_shards_of_another_model_or_version(
    make: Callable[..., Path], tmp_path: Path, metadata: dict[str, str], said: str
) -> None:
    one, two = make("1/2"), changed(make("2/2"), metadata)
    with pytest.raises(UserError) as told:
        Shards.open([one, two])
    assert said in str(told.value)


def test_shards_that_overlap_with_different_vectors(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    whole, half = make("1/1"), changed(make("1/2"), {}, scale=-1)
    with pytest.raises(UserError, match=r"different vectors of 'ä 0'; embed one of them again"):
        Shards.open([whole, half])


def test_a_table_of_left_out_images_that_lacks(make: Callable[..., Path], tmp_path: Path) -> None:
    files = [make("1/2"), make("2/2")]
    for file in files:
        table = pd.read_csv(file.with_suffix(".skipped.csv"), dtype=str, keep_default_na=False)
        table[table["id"] == ""].to_csv(file.with_suffix(".skipped.csv"), index=False)
    with pytest.raises(UserError, match=r"skipped\.csv: not of .*, which left out 1 image"):
        together(files, tmp_path)
    assert not (tmp_path / "merged.safetensors").exists()


def _forge(file: Path, said: dict[str, str], tensors: dict[str, torch.Tensor]) -> None:
    with safe_open(file, framework="pt") as opened:
        metadata = {**(opened.metadata() or {}), **said}
        whole = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    save_file({**whole, **tensors}, file, metadata)


def _of_one(make: Callable[..., Path], images: Images) -> Path:
    return make("1/1", of=Images(dict(list(images.files.items())[:3]), {}, []))


@pytest.mark.parametrize(
    ("said", "places", "wrong"),
    [
        ({"images": str(10**30)}, None, "damaged"),
        ({"images": "-5"}, None, "damaged"),
        ({"listing_sha256": "x"}, None, "their ids are not those of their list"),
        ({}, torch.tensor([2, 1, 0]), "damaged"),
        ({}, torch.tensor([0.0, 1.0, 2.0]), "is no shard"),
        ({}, torch.tensor([0, 1, 2]).bfloat16(), "is no shard"),
        ({}, torch.tensor([[0, 1, 2]]), "is no shard"),
    ],
)
def test_forged_shards_are_refused_in_one_line(
    make: Callable[..., Path],
    images: Images,
    said: dict[str, str],
    places: torch.Tensor | None,
    wrong: str,
) -> None:
    file = _of_one(make, images)
    _forge(file, said, {} if places is None else {"places": places})
    with pytest.raises(UserError, match=wrong) as error:
        Shards.open([file])
    assert "\n" not in str(error.value)


def test_places_left_out_that_are_no_numbers(make: Callable[..., Path], images: Images) -> None:
    file = _of_one(make, images)
    _forge(file, {}, {"left_out": torch.zeros(0, dtype=torch.bool)})
    with pytest.raises(UserError, match="is no shard"):
        Shards.open([file])


@pytest.mark.parametrize(("second", "wrong"), [("other", "not those of their"), (None, "twice")])
def test_ids_of_another_list_or_twice(
    make: Callable[..., Path], images: Images, second: str | None, wrong: str
) -> None:
    file = _of_one(make, images)
    ids = list(load_embeddings(file).ids)
    ids[1] = second or ids[0]
    pd.DataFrame({"id": ids}).to_csv(file.with_suffix(".ids.csv"), index=False)
    with pytest.raises(UserError, match=wrong):
        Shards.open([file])
