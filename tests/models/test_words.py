"""Words in one space with pictures: a text tower of random weights, from a stand-in hub."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip.model import _build_text_tower
from safetensors.torch import save
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from drawsim.collection.kinds import KINDS
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.models.sources import save_source
from drawsim.models.words import WEIGHTS, text_tower, tower_of
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.folder import Index, build_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.web.queue.finder import Finder
from drawsim.web.queue.steering import Images, fitting, steered
from drawsim.workflows.asking import ask
from drawsim.workflows.search import SearchSettings, search
from tests.models.backbones.hub_server import StandIn

SIGLIP = "vit_base_patch16_siglip_224.webli"
REPOSITORY = "timm/ViT-B-16-SigLIP"
D, TOKENS = 32, 16
VOCABULARY = ["<unk>", "</s>", "a", "boat", "with", "red", "sails", "cow"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of SigLIP, with a text tower that takes no time."""
    config = copy.deepcopy(open_clip.get_model_config("ViT-B-16-SigLIP"))
    config["embed_dim"] = D
    narrow = {"width": D, "heads": 2, "layers": 1, "context_length": TOKENS, "vocab_size": 8}
    config["text_cfg"] |= narrow
    known = open_clip.get_model_config

    def told(name: str) -> Any:
        return config if name == "ViT-B-16-SigLIP" else known(name)

    monkeypatch.setattr(open_clip, "get_model_config", told)
    monkeypatch.setattr(open_clip.factory, "get_model_config", told)
    return config


@pytest.fixture
def published(stand_in: StandIn, small: dict[str, Any], tmp_path: Path) -> torch.nn.Module:
    """The tower whose random weights the hub has, beside a tokenizer and other tensors."""
    torch.manual_seed(3)
    tower = _build_text_tower(D, small["text_cfg"])
    tensors = {f"text.{name}": value.clone() for name, value in tower.state_dict().items()}
    stand_in.files[f"{REPOSITORY}/{WEIGHTS}"] = save({**tensors, "visual.head": torch.zeros(3)})
    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(VOCABULARY)}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing("$A </s>", None, [("</s>", 1)])
    folder = tmp_path / "tokenizer"
    kept: Any = PreTrainedTokenizerFast
    kept(
        tokenizer_object=words, unk_token="<unk>", pad_token="</s>", eos_token="</s>"
    ).save_pretrained(folder)
    for file in folder.iterdir():
        stand_in.files[f"{REPOSITORY}/{file.name}"] = file.read_bytes()
    return tower.eval()


def index_of(
    folder: Path, collection: Collection, dimensions: int, source: dict[str, Any]
) -> Index:
    generator = torch.Generator().manual_seed(0)
    model = EmbeddingModel("siglip", "hash", "transform", dimensions)
    galleries: dict[str, Gallery] = {}
    for kind, table in zip(KINDS, (collection.originals, collection.artworks), strict=True):
        rows = torch.nn.functional.normalize(
            torch.randn(len(table), dimensions, generator=generator)
        )
        galleries[kind] = Gallery(Embeddings(list(table.index), rows), model, table)
    index = build_index(folder, galleries, collection.root)
    save_source(folder, source)
    return index


def of(model: str) -> dict[str, Any]:
    return {"backbone": {"name": "siglip", "model": model}, "image_size": 224}


def test_words_rank_by_the_tower_of_the_index(
    published: torch.nn.Module, collection: Collection, tmp_path: Path
) -> None:
    """Against the tower itself, tokens counted by hand, and a product of matrices."""
    index = index_of(tmp_path / "index", collection, D, of(SIGLIP))
    tokens = torch.tensor([[2, 3, 4, 5, 6, *[1] * (TOKENS - 5)]])
    with torch.inference_mode():
        vector = torch.nn.functional.normalize(published(tokens), dim=1)[0].numpy()
    tower, notes = tower_of(index)
    found = tower.vectors(["A boat, with red sails!", "a cow"])
    assert found.shape == (2, D)
    torch.testing.assert_close(found[0], torch.from_numpy(vector), atol=1e-5, rtol=1e-5)
    assert notes == []
    for kind in KINDS:
        part = index.part(kind)
        cosines = part.matrix.numpy() @ vector
        best = sorted(part.embeddings.ids, key=lambda name: -cosines[part.embeddings.rows[name]])
        asking = ask(index, texts=["a boat with red sails"])
        answer = search([index], asking, SearchSettings(searched=kind, k=5))
        assert answer.sheets[0].hits["id"].tolist() == best[:5]
        assert answer.sheets[0].query == "a boat with red sails"
    likes = ask(index, texts=["a cow"], ids=["a3"], kind="artwork", combine=True)
    names = search([index], likes, SearchSettings(searched="artwork")).sheets[0].hits["id"]
    assert "a3" not in names.tolist()


def test_an_index_without_words_says_so(
    published: torch.nn.Module, collection: Collection, tmp_path: Path
) -> None:
    for model, dimensions, says in (
        ("tf_efficientnet_lite0", D, "was not trained with words; make an index of SigLIP"),
        (SIGLIP, D + 1, f"has {D + 1} numbers for each image, words have {D}"),
    ):
        index = index_of(tmp_path / str(dimensions), collection, dimensions, of(model))
        with pytest.raises(UserError, match=says):
            tower_of(index)


def test_texts_that_are_none(published: torch.nn.Module) -> None:
    tower = text_tower(SIGLIP, "siglip")
    for text in (" ", "w" * 501):
        with pytest.raises(UserError, match="500 characters at most"):
            tower.vectors([text])


def test_what_cannot_be_had_is_a_line(
    small: dict[str, Any], stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="the words' part of siglip could not be fetched") as caught:
        text_tower(SIGLIP, "siglip")
    assert "has no such weights" in str(caught.value)
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(UserError, match=r"pip install 'drawsim\[text\]'"):
        text_tower(SIGLIP, "siglip")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (SIGLIP, "ViT-B-16-SigLIP"),
        ("vit_base_patch16_siglip_224.v2_webli", "ViT-B-16-SigLIP2"),
        ("vit_base_patch16_siglip_256.webli_i18n", "ViT-B-16-SigLIP-i18n-256"),
        ("vit_so400m_patch14_siglip_224.webli", "ViT-SO400M-14-SigLIP"),
        ("vit_base_patch16_clip_224.openai", None),
        ("None", None),
    ],
)
def test_one_architecture_has_towers_by_training(model: str, name: str | None) -> None:
    from drawsim.models.words import _known_as

    found = _known_as(open_clip, model)
    assert (found and found[0]) == name


def test_tags_that_fit_a_group_best(
    published: torch.nn.Module, collection: Collection, tmp_path: Path
) -> None:
    index = index_of(tmp_path / "index", collection, D, of(SIGLIP))
    tower = text_tower(SIGLIP, "siglip")
    finder = Finder([index], None, collection, words=tower)
    texts = ["a boat", "red sails", "a cow"]
    rows = index.part("drawing").matrix[[0, 3]]
    cosines = (tower.vectors(texts) @ rows.mean(dim=0)).tolist()
    best = [text for _, text in sorted(zip(cosines, texts, strict=True), reverse=True)]
    names = index.part("drawing").embeddings.ids
    images: Images = [("drawing", names[0]), ("drawing", names[3])]
    assert fitting(finder, images, texts, 2) == best[:2]
    assert fitting(Finder([index], None, collection), images, texts) == []
    found = steered(finder, "artwork", images, text="a cow")
    assert len(found) == 12
    with pytest.raises(UserError, match="start the app with words=true"):
        steered(Finder([index], None, collection), "artwork", [], text="a cow")
